import { policyDocument, type PolicyDocument } from '../policy.ts';
import { alertTopicName, iamPath, type Place } from '../vocabulary/index.ts';

/** Policy of the key that log groups, session streams and the alert topic are encrypted with. */
export const logsKeyPolicy = (place: Place, administratorArns: readonly string[]): PolicyDocument => {
  const { partition, account, region } = place;
  const root = `arn:${partition}:iam::${account}:root`;
  return policyDocument(
    {
      Sid: 'Administer',
      Effect: 'Allow',
      Principal: { AWS: root },
      Action: ['kms:CancelKeyDeletion', 'kms:CreateAlias', 'kms:DeleteAlias', 'kms:Describe*', 'kms:Enable*', 'kms:Get*', 'kms:List*', 'kms:PutKeyPolicy', 'kms:TagResource', 'kms:UntagResource', 'kms:Update*'],
      Resource: '*',
      Condition: { ArnLike: { 'aws:PrincipalArn': administratorArns } },
    },
    {
      Sid: 'CloudWatchLogs',
      Effect: 'Allow',
      Principal: { Service: `logs.${region}.amazonaws.com` },
      Action: ['kms:Decrypt', 'kms:Describe*', 'kms:Encrypt', 'kms:GenerateDataKey*', 'kms:ReEncrypt*'],
      Resource: '*',
      Condition: { ArnLike: { 'kms:EncryptionContext:aws:logs:arn': `arn:${partition}:logs:${region}:${account}:log-group:*` } },
    },
    {
      Sid: 'Alerts',
      Effect: 'Allow',
      Principal: { Service: ['cloudwatch.amazonaws.com', 'events.amazonaws.com'] },
      Action: ['kms:Decrypt', 'kms:GenerateDataKey*'],
      Resource: '*',
      Condition: { StringEquals: { 'aws:SourceAccount': account } },
    },
    {
      Sid: 'Sessions',
      Effect: 'Allow',
      Principal: { AWS: root },
      Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
      Resource: '*',
      Condition: { ArnLike: { 'aws:PrincipalArn': `arn:${partition}:iam::${account}:role${iamPath(place)}*` } },
    },
    { Sid: 'DenyLoss', Effect: 'Deny', Principal: '*', Action: ['kms:DeleteImportedKeyMaterial', 'kms:ScheduleKeyDeletion'], Resource: '*' },
  );
};

/** Policy of the alert topic: rules and alarms of the account publish, everything else is refused. */
export const alertTopicPolicy = (place: Place, topicArn: string): PolicyDocument =>
  policyDocument(
    {
      Sid: 'PublishAlarms',
      Effect: 'Allow',
      Principal: { Service: 'cloudwatch.amazonaws.com' },
      Action: 'sns:Publish',
      Resource: topicArn,
      Condition: { StringEquals: { 'aws:SourceAccount': place.account } },
    },
    {
      // EventBridge promises no condition keys to topic policies; an alert too many does less harm than one that is lost.
      Sid: 'PublishEvents',
      Effect: 'Allow',
      Principal: { Service: 'events.amazonaws.com' },
      Action: 'sns:Publish',
      Resource: topicArn,
    },
    {
      Sid: 'DenyPlaintext',
      Effect: 'Deny',
      Principal: '*',
      Action: 'sns:Publish',
      Resource: topicArn,
      Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    },
  );

/** ARN of the alert topic of an account and Region. */
export const alertTopicArn = (place: Place): string =>
  `arn:${place.partition}:sns:${place.region}:${place.account}:${alertTopicName(place)}`;

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

/** Policy of the audit-log key: services encrypt, the log archive's own readers decrypt by their own policies. */
export const auditLogKeyPolicy = (options: AuditLogPolicyOptions, administratorArns: readonly string[]): PolicyDocument => {
  const accounts = [...new Set(options.sources.map((place) => place.account))];
  const root = (account: string) => `arn:${options.partition}:iam::${account}:root`;
  return policyDocument(
    {
      Sid: 'Administer',
      Effect: 'Allow',
      Principal: { AWS: root(options.account) },
      Action: ['kms:CancelKeyDeletion', 'kms:CreateAlias', 'kms:DeleteAlias', 'kms:Describe*', 'kms:Enable*', 'kms:Get*', 'kms:List*', 'kms:PutKeyPolicy', 'kms:TagResource', 'kms:UntagResource', 'kms:Update*'],
      Resource: '*',
      Condition: { ArnLike: { 'aws:PrincipalArn': administratorArns } },
    },
    {
      Sid: 'ReadHere',
      Effect: 'Allow',
      Principal: { AWS: root(options.account) },
      Action: 'kms:Decrypt',
      Resource: '*',
      Condition: { StringEquals: { 'kms:ViaService': `s3.${options.region}.amazonaws.com` } },
    },
    {
      Sid: 'DeliverByTrails',
      Effect: 'Allow',
      Principal: { Service: 'cloudtrail.amazonaws.com' },
      Action: ['kms:Decrypt', 'kms:DescribeKey', 'kms:GenerateDataKey*'],
      Resource: '*',
      Condition: { ArnEquals: { 'aws:SourceArn': options.sources.map(trailArn) } },
    },
    {
      Sid: 'DeliverByConfig',
      Effect: 'Allow',
      Principal: { Service: 'config.amazonaws.com' },
      Action: ['kms:Decrypt', 'kms:GenerateDataKey*'],
      Resource: '*',
      Condition: { StringEquals: { 'aws:SourceAccount': accounts } },
    },
    {
      Sid: 'DeliverSessions',
      Effect: 'Allow',
      Principal: { AWS: accounts.map(root) },
      Action: 'kms:GenerateDataKey',
      Resource: '*',
      Condition: {
        ArnLike: { 'aws:PrincipalArn': accounts.map((account) => `arn:${options.partition}:iam::${account}:role${iamPath(options)}${options.prefix}-workstation-*`) },
        StringEquals: { 'kms:ViaService': `s3.${options.region}.amazonaws.com` },
      },
    },
    { Sid: 'DenyLoss', Effect: 'Deny', Principal: '*', Action: ['kms:DeleteImportedKeyMaterial', 'kms:ScheduleKeyDeletion'], Resource: '*' },
  );
};
