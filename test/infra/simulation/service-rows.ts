/** What AWS services may do with the estate's keys, and whose roles they put on. */
import { roleArn } from '../../../modules/vocabulary/index.ts';
import { STRANGER, service, type Cast } from './cast.ts';
import type { Group } from './group.ts';

/** Questions of the services that encrypt logs and alerts, and of those that run the pipeline. */
export function serviceGroups({ world, place, account, region, evidenceKey, logsKey, stateMachine, forUs, forThem }: Cast): readonly Group[] {
  return [
    {
      promise: 'CloudWatch Logs uses the log key for this account\'s groups',
      who: service(`logs.${region}`),
      owner: account,
      rows: [
        ['allow', 'kms:GenerateDataKey', logsKey, { 'kms:EncryptionContext:aws:logs:arn': `arn:aws:logs:${region}:${account}:log-group:ForensicDiskAudit` }],
        ['deny', 'kms:GenerateDataKey', logsKey, { 'kms:EncryptionContext:aws:logs:arn': `arn:aws:logs:${region}:${STRANGER}:log-group:theirs` }],
        ['deny', 'kms:GenerateDataKey', evidenceKey, { 'kms:EncryptionContext:aws:logs:arn': `arn:aws:logs:${region}:${account}:log-group:ForensicDiskAudit` }],
      ],
    },
    {
      promise: 'EventBridge encrypts alerts for the topics of the account, of which SNS tells KMS no more than the name',
      who: service('events'),
      owner: account,
      rows: [
        ['allow', 'kms:GenerateDataKey', logsKey, { 'kms:EncryptionContext:aws:sns:topicArn': `arn:aws:sns:${region}:${account}:cleanroom-alerts` }],
        ['allow', 'kms:Decrypt', logsKey, { 'kms:EncryptionContext:aws:sns:topicArn': `arn:aws:sns:${region}:${account}:cleanroom-alerts` }],
        ['deny', 'kms:GenerateDataKey', logsKey, { 'kms:EncryptionContext:aws:sns:topicArn': `arn:aws:sns:${region}:${STRANGER}:theirs` }],
        ['deny', 'kms:GenerateDataKey', logsKey],
        ['deny', 'kms:GenerateDataKey', evidenceKey, { 'kms:EncryptionContext:aws:sns:topicArn': `arn:aws:sns:${region}:${account}:cleanroom-alerts` }],
      ],
    },
    {
      promise: 'CloudWatch encrypts the alarms of the account',
      who: service('cloudwatch'),
      owner: account,
      rows: [
        ['allow', 'kms:GenerateDataKey', logsKey, { 'aws:SourceAccount': account, 'aws:SourceOrgID': world.organizationId }],
        ['deny', 'kms:GenerateDataKey', logsKey, { 'aws:SourceAccount': STRANGER, 'aws:SourceOrgID': 'o-strangersorg' }],
        ['deny', 'kms:GenerateDataKey', evidenceKey, { 'aws:SourceAccount': account, 'aws:SourceOrgID': world.organizationId }],
      ],
    },
    {
      promise: 'EC2 puts on the collector\'s and the workstation\'s roles, and no person\'s',
      who: service('ec2'),
      owner: account,
      rows: [
        ['allow', 'sts:AssumeRole', roleArn(place, 'collector')],
        ['allow', 'sts:AssumeRole', roleArn(place, 'workstation')],
        ['deny', 'sts:AssumeRole', roleArn(place, 'workflow')],
        ['deny', 'sts:AssumeRole', roleArn(place, 'investigator')],
        ['deny', 'sts:AssumeRole', roleArn(place, 'break-glass')],
      ],
    },
    {
      promise: 'Step Functions puts on the workflow\'s role for this account alone',
      who: service('states'),
      owner: account,
      rows: [
        ['allow', 'sts:AssumeRole', roleArn(place, 'workflow'), forUs(stateMachine)],
        ['deny', 'sts:AssumeRole', roleArn(place, 'workflow'), forThem],
        ['deny', 'sts:AssumeRole', roleArn(place, 'collector'), forUs(stateMachine)],
        ['deny', 'sts:AssumeRole', roleArn(place, 'break-glass'), forUs(stateMachine)],
      ],
    },
  ];
}
