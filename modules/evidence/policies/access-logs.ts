import { policyDocument, type PolicyDocument } from '../../policy.ts';

export interface AccessLogBucketPolicyOptions {
  readonly bucketArn: string;
  /** Account of the buckets that write here. */
  readonly account: string;
  /** ARNs of the buckets whose access logs and inventories are delivered here. */
  readonly sourceBucketArns: readonly string[];
}

/** Policy of the bucket that keeps access logs and inventories: S3 itself delivers, nobody deletes. */
export const accessLogBucketPolicy = ({ bucketArn, account, sourceBucketArns }: AccessLogBucketPolicyOptions): PolicyDocument =>
  policyDocument(
    {
      Sid: 'DenyPlaintext',
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:*',
      Resource: [bucketArn, `${bucketArn}/*`],
      Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    },
    {
      Sid: 'DenyDeletion',
      Effect: 'Deny',
      Principal: '*',
      Action: ['s3:BypassGovernanceRetention', 's3:DeleteBucket', 's3:DeleteObject', 's3:DeleteObjectVersion'],
      Resource: [bucketArn, `${bucketArn}/*`],
    },
    {
      Sid: 'DeliverAccessLogs',
      Effect: 'Allow',
      Principal: { Service: 'logging.s3.amazonaws.com' },
      Action: 's3:PutObject',
      Resource: `${bucketArn}/access/*`,
      Condition: { ArnEquals: { 'aws:SourceArn': sourceBucketArns }, StringEquals: { 'aws:SourceAccount': account } },
    },
    {
      Sid: 'DeliverInventories',
      Effect: 'Allow',
      Principal: { Service: 's3.amazonaws.com' },
      Action: 's3:PutObject',
      Resource: `${bucketArn}/inventory/*`,
      Condition: { ArnEquals: { 'aws:SourceArn': sourceBucketArns }, StringEquals: { 'aws:SourceAccount': account } },
    },
  );
