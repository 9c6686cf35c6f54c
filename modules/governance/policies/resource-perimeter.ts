import { policyDocument, type PolicyDocument } from '../../policy.ts';
import { breakGlassPattern, type GuardrailContext } from './context.ts';

/** RCP: buckets, keys, queues and roles answer the organization's own principals, and AWS services that act for it. */
export const resourcePerimeter = (context: GuardrailContext): PolicyDocument =>
  policyDocument(
    {
      Sid: 'DenyStrangers',
      Effect: 'Deny',
      Principal: '*',
      Action: ['kms:*', 's3:*', 'secretsmanager:*', 'sqs:*', 'sts:AssumeRole', 'sts:SetSourceIdentity', 'sts:TagSession'],
      Resource: '*',
      Condition: {
        StringNotEqualsIfExists: { 'aws:PrincipalOrgID': context.organizationId },
        BoolIfExists: { 'aws:PrincipalIsAWSService': 'false' },
      },
    },
    {
      Sid: 'DenyConfusedDeputies',
      Effect: 'Deny',
      Principal: '*',
      Action: ['kms:*', 's3:*', 'secretsmanager:*', 'sqs:*'],
      Resource: '*',
      Condition: {
        StringNotEqualsIfExists: { 'aws:SourceOrgID': context.organizationId },
        // Services that act without a source (inventory of their own, health checks) send no SourceAccount.
        Null: { 'aws:SourceAccount': 'false' },
        Bool: { 'aws:PrincipalIsAWSService': 'true' },
      },
    },
    {
      Sid: 'DenyPlaintext',
      Effect: 'Deny',
      Principal: '*',
      Action: ['s3:*', 'secretsmanager:*', 'sqs:*'],
      Resource: '*',
      Condition: { BoolIfExists: { 'aws:SecureTransport': 'false' } },
    },
    {
      Sid: 'DenyOldTls',
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:*',
      Resource: '*',
      Condition: { NumericLessThan: { 's3:TlsVersion': '1.2' } },
    },
    {
      // Evidence under a key that only the caller knows is evidence nobody else can ever read.
      Sid: 'DenyCustomerProvidedKeys',
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:PutObject',
      Resource: '*',
      Condition: { Null: { 's3:x-amz-server-side-encryption-customer-algorithm': 'false' } },
    },
    {
      Sid: 'DenyKeyDeletion',
      Effect: 'Deny',
      Principal: '*',
      Action: ['kms:DeleteImportedKeyMaterial', 'kms:DisableKey', 'kms:ScheduleKeyDeletion'],
      Resource: '*',
      Condition: { ArnNotLike: { 'aws:PrincipalArn': breakGlassPattern(context) } },
    },
  );
