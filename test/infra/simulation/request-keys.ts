import { S3_ENDPOINT_ID } from '../helpers/resolve.ts';
import type { Principal } from './world.ts';

/** What the keys of a request follow from, beside those that belong to its action. */
export interface Asked {
  readonly principal: Principal;
  readonly action: string;
  readonly region: string;
  /** Account of the principal. */
  readonly account: string;
  /** Account that owns the resource. */
  readonly owner: string;
  /** The organization of an account: the estate's, or somebody else's. */
  readonly organizationOf: (account: string) => string;
  /** Service whose endpoint the request comes through; from outside otherwise. */
  readonly through?: string;
  /** Service that makes the request on the principal's behalf, as KMS is told. */
  readonly via?: string;
}

type Keys = Readonly<Record<string, string | readonly string[]>>;

export const isService = (principal: string): boolean => principal.endsWith('.amazonaws.com');

const NOW = '2026-06-01T12:00:00Z';

/** Where a request comes from: an endpoint of the isolated network, or an address of the internet. */
const origin = (through: string | undefined): Keys =>
  through === undefined
    ? { 'aws:SourceIp': '203.0.113.7' }
    : { 'aws:SourceVpce': through === 's3' ? S3_ENDPOINT_ID : 'vpce-0fedcba9876543210', 'aws:SourceVpc': 'vpc-0123456789abcdef0', 'aws:VpcSourceIp': '10.80.0.7' };

const session = ({ principal, account, organizationOf, via }: Asked): Keys => {
  const root = principal.arn.endsWith(':root');
  return {
    'aws:PrincipalArn': principal.arn,
    'aws:PrincipalAccount': account,
    'aws:PrincipalOrgID': organizationOf(account),
    'aws:PrincipalOrgPaths': [`${organizationOf(account)}/r-abcd/ou-abcd-12345678/`],
    'aws:PrincipalType': root ? 'Account' : 'AssumedRole',
    'aws:PrincipalIsAWSService': 'false',
    'aws:userid': root ? account : 'AROAEXAMPLEEXAMPLE123:session',
    'aws:ViaAWSService': via === undefined ? 'false' : 'true',
    ...(via === undefined ? {} : { 'aws:CalledVia': [via], 'aws:CalledViaFirst': via, 'aws:CalledViaLast': via }),
    // A session says whether a second factor began it; a root user's own keys do not.
    ...(root ? {} : { 'aws:MultiFactorAuthPresent': 'false', 'aws:TokenIssueTime': NOW }),
    ...Object.fromEntries(Object.entries(principal.tags ?? {}).map(([key, value]) => [`aws:PrincipalTag/${key}`, value])),
  };
};

const caller = (asked: Asked): Keys => {
  const { arn } = asked.principal;
  if (arn === 'anonymous') return { 'aws:PrincipalIsAWSService': 'false', 'aws:PrincipalType': 'Anonymous' };
  if (isService(arn)) return { 'aws:PrincipalIsAWSService': 'true', 'aws:PrincipalServiceName': arn, 'aws:PrincipalServiceNamesList': [arn] };
  return session(asked);
};

const ofService = ({ action, owner }: Asked): Keys =>
  action.startsWith('s3:') ? { 's3:TlsVersion': '1.3', 's3:authType': 'REST-HEADER', 's3:signatureversion': 'AWS4-HMAC-SHA256', 's3:ResourceAccount': owner } : {};

/** Keys that AWS sends with every request of its kind, with the values that AWS would give them. */
export const requestKeys = (asked: Asked): Keys => ({
  'aws:SecureTransport': 'true',
  'aws:CurrentTime': NOW,
  'aws:EpochTime': String(Date.parse(NOW) / 1000),
  'aws:UserAgent': 'aws-sdk-js/3.0.0',
  'aws:RequestedRegion': asked.region,
  'aws:ResourceAccount': asked.owner,
  'aws:ResourceOrgID': asked.organizationOf(asked.owner),
  'aws:ResourceOrgPaths': [`${asked.organizationOf(asked.owner)}/r-abcd/ou-abcd-12345678/`],
  ...origin(asked.through),
  ...ofService(asked),
  ...caller(asked),
});
