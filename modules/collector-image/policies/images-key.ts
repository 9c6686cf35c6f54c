import { denyLoss } from '../../audit/policies/log-key-administration.ts';
import { policyDocument, type PolicyDocument } from '../../policy.ts';
import { imageReceiverRoleArn, type Place } from '../../vocabulary/index.ts';

export interface ImagesKeyOptions extends Place {
  /** ARN patterns of the roles that administer the key. They cannot use it. */
  readonly administratorArns: readonly string[];
  /** Accounts that images are delivered to: what takes delivery there reads ours. @default none */
  readonly receivers?: readonly string[];
}

/** Policy of the key that images are encrypted under: used through EC2 and S3 of its own account, and by what takes delivery of images. */
export const imagesKeyPolicy = ({ partition, account, administratorArns, receivers = [] }: ImagesKeyOptions): PolicyDocument => {
  const delivery = { ArnLike: { 'aws:PrincipalArn': receivers.map((receiver) => imageReceiverRoleArn({ partition }, receiver, 'delivery')) } };
  const throughEc2 = { StringLike: { 'kms:ViaService': 'ec2.*.amazonaws.com' } };
  // The accounts, not the roles: KMS refuses a policy that names a role which is not there yet.
  const receiving = { AWS: receivers.map((receiver) => `arn:${partition}:iam::${receiver}:root`) };
  const root = `arn:${partition}:iam::${account}:root`;
  const throughServices = { StringLike: { 'kms:ViaService': ['ec2.*.amazonaws.com', 's3.*.amazonaws.com', 'imagebuilder.*.amazonaws.com'] } };
  return policyDocument(
    {
      Sid: 'Administer',
      Effect: 'Allow',
      Principal: { AWS: root },
      Action: ['kms:CancelKeyDeletion', 'kms:CreateAlias', 'kms:DeleteAlias', 'kms:Describe*', 'kms:Enable*', 'kms:Get*', 'kms:List*', 'kms:PutKeyPolicy',
        'kms:ReplicateKey', 'kms:RevokeGrant', 'kms:TagResource', 'kms:UntagResource', 'kms:Update*'],
      Resource: '*',
      Condition: { ArnLike: { 'aws:PrincipalArn': administratorArns } },
    },
    denyLoss, // the image that a case was acquired with can be read years later
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
    receivers.length > 0 && { Sid: 'ReadByReceivers', Effect: 'Allow', Principal: receiving, Action: ['kms:Decrypt', 'kms:DescribeKey', 'kms:ReEncryptFrom'], Resource: '*', Condition: { ...delivery, ...throughEc2 } },
    receivers.length > 0 && {
      Sid: 'GrantToReceivers',
      Effect: 'Allow',
      Principal: receiving,
      Action: 'kms:CreateGrant',
      Resource: '*',
      Condition: { ...delivery, ...throughEc2, Bool: { 'kms:GrantIsForAWSResource': 'true' } },
    },
  );
};
