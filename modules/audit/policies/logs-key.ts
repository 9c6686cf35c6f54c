import { policyDocument, type PolicyDocument } from '../../policy.ts';
import { iamPath, type Place } from '../../vocabulary/index.ts';
import { logKeyAdministration } from './log-key-administration.ts';

/** Policy of the key that log groups, session streams and the alert topic are encrypted with. */
export const logsKeyPolicy = (place: Place, administratorArns: readonly string[]): PolicyDocument => {
  const { partition, account, region } = place;
  const root = `arn:${partition}:iam::${account}:root`;
  return policyDocument(
    ...logKeyAdministration(root, administratorArns),
    {
      Sid: 'CloudWatchLogs',
      Effect: 'Allow',
      Principal: { Service: `logs.${region}.amazonaws.com` },
      Action: ['kms:Decrypt', 'kms:Describe*', 'kms:Encrypt', 'kms:GenerateDataKey*', 'kms:ReEncrypt*'],
      Resource: '*',
      Condition: { ArnLike: { 'kms:EncryptionContext:aws:logs:arn': `arn:${partition}:logs:${region}:${account}:log-group:*` } },
    },
    {
      Sid: 'Alarms',
      Effect: 'Allow',
      Principal: { Service: 'cloudwatch.amazonaws.com' },
      Action: ['kms:Decrypt', 'kms:GenerateDataKey*'],
      Resource: '*',
      Condition: { StringEquals: { 'aws:SourceAccount': account } },
    },
    {
      // EventBridge says to KMS neither whose rule it is nor in which account: under such a condition every alert is lost
      // without a word. SNS names the topic.
      Sid: 'Alerts',
      Effect: 'Allow',
      Principal: { Service: 'events.amazonaws.com' },
      Action: ['kms:Decrypt', 'kms:GenerateDataKey*'],
      Resource: '*',
      Condition: { ArnLike: { 'kms:EncryptionContext:aws:sns:topicArn': `arn:${partition}:sns:${region}:${account}:*` } },
    },
    {
      Sid: 'Sessions',
      Effect: 'Allow',
      Principal: { AWS: root },
      Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
      Resource: '*',
      Condition: { ArnLike: { 'aws:PrincipalArn': `arn:${partition}:iam::${account}:role${iamPath(place)}*` } },
    },
  );
};
