import { policyDocument, type PolicyDocument } from '../../policy.ts';
import { iamPath } from '../../vocabulary/index.ts';
import { trailArn, type AuditLogPolicyOptions } from './audit-logs-bucket.ts';
import { logKeyAdministration } from './log-key-administration.ts';

/** Policy of the audit-log key: services encrypt, the log archive's own readers decrypt by their own policies. */
export const auditLogKeyPolicy = (options: AuditLogPolicyOptions, administratorArns: readonly string[]): PolicyDocument => {
  const accounts = [...new Set(options.sources.map((place) => place.account))];
  const root = (account: string) => `arn:${options.partition}:iam::${account}:root`;
  return policyDocument(
    ...logKeyAdministration(root(options.account), administratorArns),
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
  );
};
