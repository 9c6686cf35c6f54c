import { policyDocument, type PolicyDocument } from '../../policy.ts';
import { iamPath, type Place } from '../../vocabulary/index.ts';

/** ARN of an account's trail in a Region. */
export const trailArn = (place: Place): string =>
  `arn:${place.partition}:cloudtrail:${place.region}:${place.account}:trail/${place.prefix}-${place.region}`;

export interface AuditLogPolicyOptions extends Place {
  /** Forensic accounts whose trails, Config recorders and sessions are kept here. */
  readonly sources: readonly Place[];
}

/** Policy of the audit-log bucket in the log-archive account: services and analysis instances add, nobody deletes. */
export function auditLogBucketPolicy(options: AuditLogPolicyOptions, bucketArn: string): PolicyDocument {
  const accounts = [...new Set(options.sources.map((place) => place.account))];
  const both = [bucketArn, `${bucketArn}/*`];
  return policyDocument(
    { Sid: 'DenyPlaintext', Effect: 'Deny', Principal: '*', Action: 's3:*', Resource: both, Condition: { Bool: { 'aws:SecureTransport': 'false' } } },
    {
      Sid: 'DenyDeletion',
      Effect: 'Deny',
      Principal: '*',
      Action: ['s3:BypassGovernanceRetention', 's3:DeleteBucket', 's3:DeleteObject', 's3:DeleteObjectVersion'],
      Resource: both,
    },
    {
      // CloudTrail tells which trail asks; Config tells which account.
      Sid: 'CheckByTrails',
      Effect: 'Allow',
      Principal: { Service: 'cloudtrail.amazonaws.com' },
      Action: 's3:GetBucketAcl',
      Resource: bucketArn,
      Condition: { ArnEquals: { 'aws:SourceArn': options.sources.map(trailArn) } },
    },
    {
      Sid: 'CheckByConfig',
      Effect: 'Allow',
      Principal: { Service: 'config.amazonaws.com' },
      Action: ['s3:GetBucketAcl', 's3:ListBucket'],
      Resource: bucketArn,
      Condition: { StringEquals: { 'aws:SourceAccount': accounts } },
    },
    {
      Sid: 'DeliverTrails',
      Effect: 'Allow',
      Principal: { Service: 'cloudtrail.amazonaws.com' },
      Action: 's3:PutObject',
      Resource: accounts.map((account) => `${bucketArn}/trail/AWSLogs/${account}/*`),
      Condition: { ArnEquals: { 'aws:SourceArn': options.sources.map(trailArn) } },
    },
    {
      Sid: 'DeliverConfig',
      Effect: 'Allow',
      Principal: { Service: 'config.amazonaws.com' },
      Action: 's3:PutObject',
      Resource: accounts.map((account) => `${bucketArn}/config/AWSLogs/${account}/Config/*`),
      Condition: { StringEquals: { 'aws:SourceAccount': accounts } },
    },
    {
      Sid: 'DeliverSessions',
      Effect: 'Allow',
      Principal: { AWS: accounts.map((account) => `arn:${options.partition}:iam::${account}:root`) },
      // Session Manager's agent hands the object to the bucket's owner by an ACL that the bucket then ignores.
      Action: ['s3:PutObject', 's3:PutObjectAcl'],
      Resource: `${bucketArn}/sessions/\${aws:PrincipalAccount}/*`,
      Condition: { ArnLike: { 'aws:PrincipalArn': accounts.map((account) => `arn:${options.partition}:iam::${account}:role${iamPath(options)}${options.prefix}-workstation-*`) } },
    },
    {
      Sid: 'CheckSessionEncryption',
      Effect: 'Allow',
      Principal: { AWS: accounts.map((account) => `arn:${options.partition}:iam::${account}:root`) },
      Action: 's3:GetEncryptionConfiguration',
      Resource: bucketArn,
    },
  );
}
