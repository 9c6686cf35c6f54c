import { policyDocument, type PolicyDocument } from '../../policy.ts';
import { CASE_TAGS } from '../../vocabulary/index.ts';

/** Who may assume a person's role, and what they have to show. */
export interface TrustOptions {
  /** ARNs of roles, or of accounts' roots, that may assume the role. */
  readonly principals: readonly string[];
  /** Whether the caller must have signed in with a second factor. */
  readonly requireMfa: boolean;
  /** Whether the session must name its case in the tag `CaseId`. */
  readonly requireCase: boolean;
  /**
   * Role of the system where a second person approves. When given, only that role may assume this one, and the session
   * must carry `Requester` and `Approver`, which may not be the same.
   */
  readonly approvalBrokerArn?: string | undefined;
  /** Organization that the caller has to belong to: a mistyped account is a stranger's. @default none: no condition on the organization */
  readonly organizationId?: string | undefined;
}

const tagged = (key: string) => `aws:RequestTag/${key}`;

/** Trust policy of a person's role. */
export function personTrust({ principals, requireMfa, requireCase, approvalBrokerArn, organizationId }: TrustOptions): PolicyDocument {
  const who = { AWS: approvalBrokerArn === undefined ? principals : [approvalBrokerArn] };
  const required = [
    ...(requireCase ? [CASE_TAGS.caseId] : []),
    ...(approvalBrokerArn === undefined ? [] : [CASE_TAGS.requester, CASE_TAGS.approver]),
  ];
  return policyDocument(
    {
      Sid: 'Assume',
      Effect: 'Allow',
      Principal: who,
      Action: ['sts:AssumeRole', ...(required.length > 0 ? ['sts:TagSession'] : []), 'sts:SetSourceIdentity'],
      Condition: {
        // An approval system signs in as a machine; the second factor is its approver's.
        ...(requireMfa && approvalBrokerArn === undefined ? { Bool: { 'aws:MultiFactorAuthPresent': 'true' } } : {}),
        ...(organizationId === undefined ? {} : { StringEquals: { 'aws:PrincipalOrgID': organizationId } }),
        ...(required.length > 0 ? { StringLike: Object.fromEntries(required.map((key) => [tagged(key), '?*'])) } : {}),
      },
    },
    approvalBrokerArn !== undefined && {
      Sid: 'NobodyApprovesAlone',
      Effect: 'Deny',
      Principal: '*',
      Action: ['sts:AssumeRole', 'sts:TagSession'],
      Condition: { StringEqualsIgnoreCase: { [tagged(CASE_TAGS.approver)]: `\${${tagged(CASE_TAGS.requester)}}` } },
    },
  );
}

/** Trust policy of a role that an AWS service assumes, for resources of this account only. */
export const serviceTrust = (service: string, account?: string): PolicyDocument =>
  policyDocument({
    Sid: 'Serve',
    Effect: 'Allow',
    Principal: { Service: service },
    Action: 'sts:AssumeRole',
    ...(account === undefined ? {} : { Condition: { StringEquals: { 'aws:SourceAccount': account } } }),
  });
