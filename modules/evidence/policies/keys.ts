import { policyDocument, type PolicyDocument, type PolicyStatement } from '../../policy.ts';
import { caseCollectorRoleArn, handlerRoleArn, handlerRolePattern, memberRolePattern, roleArn, type ForensicRole, type Place } from '../../vocabulary/index.ts';

export interface KeyPolicyOptions extends Place {
  /** ARN patterns of the roles that administer the key. They cannot use it. */
  readonly administratorArns: readonly string[];
  /** Monitored accounts, whose acquisition role copies snapshots under the transit key. */
  readonly memberAccounts: readonly string[];
}

const rootOf = ({ partition, account }: KeyPolicyOptions) => `arn:${partition}:iam::${account}:root`;

/**
 * Statements that every key has. KMS refuses principals that do not exist yet, so roles are named in conditions; the
 * account as principal also means that a role needs its own policy's leave as well.
 */
const administration = (options: KeyPolicyOptions): readonly PolicyStatement[] => [
  {
    Sid: 'Administer',
    Effect: 'Allow',
    Principal: { AWS: rootOf(options) },
    Action: [
      'kms:CancelKeyDeletion',
      'kms:CreateAlias',
      'kms:DeleteAlias',
      'kms:Describe*',
      'kms:DisableKey',
      'kms:Enable*',
      'kms:Get*',
      'kms:List*',
      'kms:PutKeyPolicy',
      'kms:RevokeGrant',
      'kms:TagResource',
      'kms:UntagResource',
      'kms:Update*',
    ],
    Resource: '*',
    Condition: { ArnLike: { 'aws:PrincipalArn': options.administratorArns } },
  },
  {
    Sid: 'DenyLoss',
    Effect: 'Deny',
    Principal: '*',
    Action: ['kms:DeleteImportedKeyMaterial', 'kms:ScheduleKeyDeletion'],
    Resource: '*',
  },
  {
    Sid: 'DenyGrantsToPeople',
    Effect: 'Deny',
    Principal: '*',
    Action: 'kms:CreateGrant',
    Resource: '*',
    Condition: { BoolIfExists: { 'kms:GrantIsForAWSResource': 'false' } },
  },
  {
    Sid: 'DenyUseByAdministrators',
    Effect: 'Deny',
    Principal: '*',
    Action: ['kms:Decrypt', 'kms:Encrypt', 'kms:GenerateDataKey*', 'kms:ReEncrypt*'],
    Resource: '*',
    Condition: { ArnLike: { 'aws:PrincipalArn': options.administratorArns } },
  },
];

/** Whether a key is there and enabled is what the preflight asks before anything begins. */
const inspection = (options: KeyPolicyOptions): PolicyStatement => ({
  Sid: 'InspectBeforehand',
  Effect: 'Allow',
  Principal: { AWS: rootOf(options) },
  Action: 'kms:DescribeKey',
  Resource: '*',
  Condition: { ArnLike: { 'aws:PrincipalArn': handlerRoleArn(options, 'preflight') } },
});

const users = (options: KeyPolicyOptions, ...roles: readonly ForensicRole[]) => roles.map((role) => roleArn(options, role));

/** ARN pattern of the collectors' case roles. */
const caseCollectors = (options: KeyPolicyOptions) => caseCollectorRoleArn(options, '*');

/** Policy of the key that evidence is encrypted under, in S3 and in EBS. It never leaves the account. */
export const evidenceKeyPolicy = (options: KeyPolicyOptions): PolicyDocument =>
  policyDocument(
    ...administration(options),
    inspection(options),
    {
      Sid: 'WriteThroughS3',
      Effect: 'Allow',
      Principal: { AWS: rootOf(options) },
      Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
      Resource: '*',
      Condition: {
        ArnLike: { 'aws:PrincipalArn': [...users(options, 'data-custodian'), caseCollectors(options), handlerRolePattern(options)] },
        StringEquals: { 'kms:ViaService': `s3.${options.region}.amazonaws.com` },
      },
    },
    {
      Sid: 'ReadThroughS3',
      Effect: 'Allow',
      Principal: { AWS: rootOf(options) },
      Action: 'kms:Decrypt',
      Resource: '*',
      Condition: {
        ArnLike: { 'aws:PrincipalArn': users(options, 'responder', 'investigator', 'analyst', 'break-glass') },
        StringEquals: { 'kms:ViaService': `s3.${options.region}.amazonaws.com` },
      },
    },
    {
      Sid: 'UploadThroughS3',
      Effect: 'Allow',
      Principal: { AWS: members(options) },
      Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
      Resource: '*',
      Condition: {
        ArnLike: { 'aws:PrincipalArn': memberRolePattern(options) },
        StringEquals: { 'kms:ViaService': `s3.${options.region}.amazonaws.com` },
        StringLike: { 'kms:EncryptionContext:aws:s3:arn': `arn:${options.partition}:s3:::${options.prefix}-incoming-*` },
      },
    },
    {
      Sid: 'ImageThroughEc2',
      Effect: 'Allow',
      Principal: { AWS: rootOf(options) },
      Action: ['kms:Decrypt', 'kms:DescribeKey', 'kms:GenerateDataKeyWithoutPlaintext', 'kms:ReEncryptFrom', 'kms:ReEncryptTo'],
      Resource: '*',
      Condition: {
        ArnLike: { 'aws:PrincipalArn': users(options, 'workflow') },
        StringEquals: { 'kms:ViaService': `ec2.${options.region}.amazonaws.com` },
      },
    },
    {
      Sid: 'GrantToEc2',
      Effect: 'Allow',
      Principal: { AWS: rootOf(options) },
      Action: 'kms:CreateGrant',
      Resource: '*',
      Condition: {
        ArnLike: { 'aws:PrincipalArn': users(options, 'workflow') },
        Bool: { 'kms:GrantIsForAWSResource': 'true' },
        StringEquals: { 'kms:ViaService': `ec2.${options.region}.amazonaws.com` },
      },
    },
  );

/** Monitored accounts by their bare ids, the shortest form: an estate may have hundreds. */
const members = ({ memberAccounts, account }: KeyPolicyOptions): readonly string[] => (memberAccounts.length > 0 ? memberAccounts : [account]);

/**
 * Policy of the transit key: monitored accounts copy their snapshots under it, the workflow copies them on under the
 * evidence key. Snapshots under the AWS-managed EBS key cannot be shared at all.
 */
export const transitKeyPolicy = (options: KeyPolicyOptions): PolicyDocument =>
  policyDocument(
    ...administration(options),
    inspection(options),
    {
      Sid: 'CopyUnderThisKey',
      Effect: 'Allow',
      Principal: { AWS: members(options) },
      Action: ['kms:Decrypt', 'kms:DescribeKey', 'kms:GenerateDataKeyWithoutPlaintext', 'kms:ReEncryptFrom', 'kms:ReEncryptTo'],
      Resource: '*',
      Condition: {
        ArnLike: { 'aws:PrincipalArn': memberRolePattern(options) },
        StringEquals: { 'kms:ViaService': `ec2.${options.region}.amazonaws.com` },
      },
    },
    {
      Sid: 'GrantToEc2InMonitoredAccounts',
      Effect: 'Allow',
      Principal: { AWS: members(options) },
      Action: 'kms:CreateGrant',
      Resource: '*',
      Condition: {
        ArnLike: { 'aws:PrincipalArn': memberRolePattern(options) },
        Bool: { 'kms:GrantIsForAWSResource': 'true' },
        StringEquals: { 'kms:ViaService': `ec2.${options.region}.amazonaws.com` },
      },
    },
    {
      Sid: 'CopyOn',
      Effect: 'Allow',
      Principal: { AWS: rootOf(options) },
      Action: ['kms:Decrypt', 'kms:DescribeKey', 'kms:ReEncryptFrom', 'kms:CreateGrant'],
      Resource: '*',
      Condition: {
        ArnLike: { 'aws:PrincipalArn': users(options, 'workflow') },
        StringEquals: { 'kms:ViaService': `ec2.${options.region}.amazonaws.com` },
      },
    },
  );
