import type { PolicyStatement } from '../../policy.ts';

/** Of a key: nobody deletes it, not even who administers it. */
export const denyLoss: PolicyStatement = { Sid: 'DenyLoss', Effect: 'Deny', Principal: '*', Action: ['kms:DeleteImportedKeyMaterial', 'kms:ScheduleKeyDeletion'], Resource: '*' };

/**
 * What every key for logs allows and refuses: administration without use, and no deletion by anybody. KMS refuses principals
 * that do not exist yet, so administrators are named in a condition.
 */
export const logKeyAdministration = (root: string, administratorArns: readonly string[]): readonly PolicyStatement[] => [
  {
    Sid: 'Administer',
    Effect: 'Allow',
    Principal: { AWS: root },
    Action: ['kms:CancelKeyDeletion', 'kms:CreateAlias', 'kms:DeleteAlias', 'kms:Describe*', 'kms:Enable*', 'kms:Get*', 'kms:List*', 'kms:PutKeyPolicy', 'kms:TagResource', 'kms:UntagResource', 'kms:Update*'],
    Resource: '*',
    Condition: { ArnLike: { 'aws:PrincipalArn': administratorArns } },
  },
  denyLoss,
];
