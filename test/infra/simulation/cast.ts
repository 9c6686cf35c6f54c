/** The cast of the matrix: who asks and for what, where several files of rows share it. */
import { policyDocument, type PolicyDocument } from '../../../modules/policy.ts';
import { bucketArn, caseCollectorRoleArn, memberRoleArn, roleArn, type ForensicRole, type Place } from '../../../modules/vocabulary/index.ts';
import type { ContextKeys, Principal, World } from './world.ts';

/** The case that a session is for, and one that it is not for. */
export const OWN = 'CASE-1';
export const OTHER = 'CASE-2';
export const INSTANCE = 'i-0123456789abcdef0';
export const VOLUME = 'vol-0123456789abcdef0';
/** An account of another organization. */
export const STRANGER = '999999999999';
/** Accounts of the example: the one that people come from, and the one that keeps the records of audit. */
export const SECURITY_ACCOUNT = '100000000002';
export const ARCHIVE_ACCOUNT = '100000000003';
/** Resource of an action that names none. */
export const anything = '*';

/** An S3 request that makes an object visible, one that may replace an object, and one that only moves bytes. */
export const CREATES = { 's3:ObjectCreationOperation': 'true', 's3:if-none-match': '*' };
export const OVERWRITES = { 's3:ObjectCreationOperation': 'true' };
export const ADDS_PART = { 's3:ObjectCreationOperation': 'false' };

/** An AWS service, as the one who asks. @param name what stands before `.amazonaws.com` */
export const service = (name: string): Principal => ({ arn: `${name}.amazonaws.com` });

/** The policy of somebody careless: anybody may do anything. */
export const open = (resource: string): PolicyDocument => policyDocument({ Effect: 'Allow', Principal: '*', Action: '*', Resource: resource });

/** What each file of rows takes its parts from. */
export type Cast = ReturnType<typeof castOf>;

/** The cast in one forensic account and Region. The first member plays the account that a suspect is in. */
export function castOf(world: World, place: Place, members: readonly string[]) {
  const { account, region } = place;
  const person = (role: ForensicRole, tags: Readonly<Record<string, string>> = { CaseId: OWN }): Principal => ({ arn: roleArn(place, role), tags });
  const key = (purpose: string, owner = account): string => world.keyArn(`alias/cleanroom-${purpose}`, region, owner);
  const firstMember = members[0] ?? '';
  const [incoming, active, hold] = [bucketArn(place, 'incoming'), bucketArn(place, 'active'), bucketArn(place, 'legal-hold')];
  const throughS3 = { 'kms:ViaService': `s3.${region}.amazonaws.com`, 'kms:EncryptionContext:aws:s3:arn': active };
  const throughEc2 = { 'kms:ViaService': `ec2.${region}.amazonaws.com` };

  const principals = {
    responder: person('responder', {}),
    investigator: person('investigator'),
    custodian: person('data-custodian'),
    analyst: person('analyst'),
    breakGlass: person('break-glass', {}),
    workflow: person('workflow', {}),
    workstation: person('workstation', {}),
    collector: { arn: caseCollectorRoleArn(place, OWN), like: roleArn(place, 'collector'), tags: { CaseId: OWN } },
    /** A collector of no case. */
    bareCollector: person('collector', {}),
    root: { arn: `arn:aws:iam::${account}:root` },
    admin: { arn: `arn:aws:iam::${account}:role/OrganizationAccountAccessRole` },
    stranger: { arn: `arn:aws:iam::${STRANGER}:role/attacker` },
    /** The acquisition role of a monitored account, and another role there. */
    member: { arn: memberRoleArn(place, firstMember), tags: { CaseId: OWN } },
    otherMemberRole: { arn: `arn:aws:iam::${firstMember}:role/application` },
  } satisfies Record<string, Principal>;

  const things = {
    /** The buckets of evidence, and what lies in one for a case. */
    incoming,
    active,
    hold,
    image: (bucket: string, caseId: string): string => `${bucket}/${caseId}/disk_evidence/${VOLUME}.image.dd`,
    manifest: (bucket: string, caseId: string): string => `${bucket}/${caseId}/disk_evidence/${VOLUME}.manifest.json`,
    /** ARNs of the Region's KMS keys. */
    evidenceKey: key('evidence'),
    transitKey: key('transit'),
    logsKey: key('logs'),
    /** The log archive's bucket and key. */
    archive: bucketArn({ ...place, account: ARCHIVE_ACCOUNT }, 'audit-logs'),
    auditKey: key('audit', ARCHIVE_ACCOUNT),
    /** A resource of EC2 by its type and id; those below are the forensic account's. */
    ec2: (type: string, id: string, owner = account): string => `arn:aws:ec2:${region}:${owner}:${type}/${id}`,
    instance: `arn:aws:ec2:${region}:${account}:instance/${INSTANCE}`,
    volume: `arn:aws:ec2:${region}:${account}:volume/${VOLUME}`,
    subnet: `arn:aws:ec2:${region}:${account}:subnet/subnet-0123456789abcdef0`,
    snapshot: `arn:aws:ec2:${region}::snapshot/snap-0123456789abcdef0`,
    /** All streams of a log group. */
    logs: (group: string): string => `arn:aws:logs:${region}:${account}:log-group:${group}:*`,
    stateMachine: `arn:aws:states:${region}:${account}:stateMachine:cleanroom-acquisition`,
    trail: `arn:aws:cloudtrail:${region}:${account}:trail/cleanroom-${region}`,
    topic: `arn:aws:sns:${region}:${account}:cleanroom-alerts`,
    /** Rule of a Region without evidence, whose log-ins are reported here. */
    forwardingRule: `arn:aws:events:ap-southeast-2:${account}:rule/cleanroom-forward`,
  };

  const keys = {
    /** KMS asked by a service on the principal's behalf, and for a grant to it. */
    throughS3,
    throughEc2,
    forEc2: { ...throughEc2, 'kms:GrantIsForAWSResource': 'true' },
    /** A service that acts for one of the account's resources, and for a stranger's. */
    forUs: (sourceArn: string) => ({ 'aws:SourceAccount': account, 'aws:SourceArn': sourceArn, 'aws:SourceOrgID': world.organizationId }),
    forThem: { 'aws:SourceAccount': STRANGER, 'aws:SourceArn': `arn:aws:cloudtrail:${region}:${STRANGER}:trail/theirs`, 'aws:SourceOrgID': 'o-strangersorg' },
  } satisfies Record<string, ContextKeys | ((sourceArn: string) => ContextKeys)>;

  return { world, place, account, region, members, firstMember, ...principals, ...things, ...keys };
}
