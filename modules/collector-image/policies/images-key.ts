import { policyDocument, type PolicyDocument } from '../../policy.ts';
import type { Place } from '../../vocabulary/index.ts';

export interface ImagesKeyOptions extends Place {
  /** ARN patterns of the roles that administer the key. They cannot use it. */
  readonly administratorArns: readonly string[];
}

/** Policy of the key that images are encrypted under: used through EC2 and S3 of its own account only. */
export const imagesKeyPolicy = ({ partition, account, administratorArns }: ImagesKeyOptions): PolicyDocument => {
  const root = `arn:${partition}:iam::${account}:root`;
  const throughServices = { StringLike: { 'kms:ViaService': ['ec2.*.amazonaws.com', 's3.*.amazonaws.com', 'imagebuilder.*.amazonaws.com'] } };
  return policyDocument(
    {
      Sid: 'Administer',
      Effect: 'Allow',
      Principal: { AWS: root },
      Action: ['kms:CancelKeyDeletion', 'kms:CreateAlias', 'kms:DeleteAlias', 'kms:Describe*', 'kms:DisableKey', 'kms:Enable*', 'kms:Get*', 'kms:List*', 'kms:PutKeyPolicy',
        'kms:ReplicateKey', 'kms:RevokeGrant', 'kms:ScheduleKeyDeletion', 'kms:TagResource', 'kms:UntagResource', 'kms:Update*'],
      Resource: '*',
      Condition: { ArnLike: { 'aws:PrincipalArn': administratorArns } },
    },
    {
      Sid: 'UseThroughServices',
      Effect: 'Allow',
      Principal: { AWS: root },
      Action: ['kms:Decrypt', 'kms:DescribeKey', 'kms:Encrypt', 'kms:GenerateDataKey*', 'kms:ReEncrypt*'],
      Resource: '*',
      Condition: throughServices,
    },
    {
      Sid: 'GrantToServices',
      Effect: 'Allow',
      Principal: { AWS: root },
      Action: 'kms:CreateGrant',
      Resource: '*',
      Condition: { ...throughServices, Bool: { 'kms:GrantIsForAWSResource': 'true' } },
    },
  );
};
