/** What the workflow's functions may do: each its own part of a case, and no other's. */
import { caseBusPolicy } from '../../../modules/acquisition-workflow/policies/bus.ts';
import {
  caseBusArn, caseCollectorRoleArn, caseKey, findingsRoleName, functionLogGroup, handlerRoleArn, imageKey, instanceKey, logGroupName, membersPath, parameterName, recordKey, requestIdsQueueName, roleArn, stateMachineArn,
  type HandlerName,
} from '../../../modules/vocabulary/index.ts';
import { CREATES, INSTANCE, OVERWRITES, OWN, SECURITY_ACCOUNT, STRANGER, VOLUME, anything, service, type Cast } from './cast.ts';
import type { Group, Row } from './group.ts';

/** Every function's questions in one forensic account and Region. */
export function functionGroups({
  world, place, account, region, active, hold, evidenceKey, transitKey, logsKey, throughS3, topic, instance, volume, snapshot,
  member: { arn: member }, otherMemberRole,
}: Cast): readonly Group[] {
  const object = (key: string, bucket = active) => `${bucket}/${key}`;
  const caseJson = object(caseKey(OWN, 'case.json'));
  const eventJson = object(caseKey(OWN, 'event.json'));
  const acquisition = object(instanceKey(OWN, INSTANCE, 'acquisition.json'));
  const image = object(imageKey(OWN, VOLUME));
  const manifest = object(recordKey(OWN, VOLUME, 'manifest.json'));
  const throughSns = { 'kms:ViaService': `sns.${region}.amazonaws.com` };
  const ownLog = (handler: HandlerName) => `arn:aws:logs:${region}:${account}:log-group:${functionLogGroup(place, handler)}:log-stream:x`;
  const auditLog = `arn:aws:logs:${region}:${account}:log-group:${logGroupName('audit')}:log-stream:x`;
  const forCase = { 'aws:RequestTag/CaseId': OWN, 'aws:TagKeys': ['CaseId'] };
  const enter = { 'sts:ExternalId': 'example-external-id-shop', ...forCase };
  const parameters = `arn:aws:ssm:${region}:${account}:parameter${membersPath(place)}`;
  const caseRole = caseCollectorRoleArn(place, OWN);

  /** What no function does. */
  const never: readonly Row[] = [
    ['deny', 's3:PutObject', image, CREATES],
    ['deny', 's3:PutObject', manifest, CREATES],
    ['deny', 's3:DeleteObject', caseJson],
    ['deny', 's3:DeleteObjectVersion', acquisition],
    ['deny', 'kms:Decrypt', evidenceKey],
    ['deny', 'kms:Decrypt', transitKey, throughS3],
    ['deny', 'ec2:DeleteSnapshot', snapshot, { 'aws:ResourceTag/CleanroomPurpose': 'working-copy' }],
    ['deny', 'ec2:TerminateInstances', instance, { 'aws:ResourceTag/CleanroomPurpose': 'collector' }],
    ['deny', 'iam:PassRole', roleArn(place, 'workflow'), { 'iam:PassedToService': 'states.amazonaws.com' }],
  ];
  const group = (handler: HandlerName, promise: string, rows: readonly Row[]): Group => ({
    promise,
    who: { arn: handlerRoleArn(place, handler) },
    rows: [['allow', 'logs:PutLogEvents', ownLog(handler)], ['deny', 'logs:PutLogEvents', ownLog(handler === 'record' ? 'release' : 'record')], ...rows, ...never],
  });
  const bus = caseBusArn(place);
  const queue = `arn:aws:sqs:${region}:${account}:${requestIdsQueueName(place)}`;
  const busPolicy = caseBusPolicy(place, { organizationId: world.organizationId, accounts: [] });
  const findings = `arn:aws:iam::${SECURITY_ACCOUNT}:role/cleanroom/${findingsRoleName(place, region)}`;
  return [
    {
      promise: 'the role that forwards findings puts events on the bus of cases, and nowhere else',
      who: { arn: findings },
      owner: account,
      resourcePolicy: busPolicy,
      rows: [
        ['allow', 'events:PutEvents', bus],
        ['deny', 'events:PutEvents', `arn:aws:events:${region}:${account}:event-bus/default`],
        ['deny', 'events:PutRule', `arn:aws:events:${region}:${account}:rule/cleanroom-cases/any`],
        ['deny', 'events:PutPermission', anything],
      ],
    },
    {
      promise: 'nobody else opens cases by forged findings, neither inside nor outside the organization',
      who: otherMemberRole,
      owner: account,
      resourcePolicy: busPolicy,
      rows: [['deny', 'events:PutEvents', bus]],
    },
    {
      promise: 'EventBridge puts on the role that forwards findings',
      who: service('events'),
      owner: SECURITY_ACCOUNT,
      rows: [
        ['allow', 'sts:AssumeRole', findings, { 'aws:SourceAccount': SECURITY_ACCOUNT, 'aws:SourceOrgID': world.organizationId }],
        ['deny', 'sts:AssumeRole', findings, { 'aws:SourceAccount': STRANGER, 'aws:SourceOrgID': 'o-strangersorg' }],
      ],
    },
    group('open-case', 'the function that opens cases stores events and records, and starts acquisitions', [
      ['allow', 's3:PutObject', eventJson, CREATES],
      ['allow', 's3:PutObject', caseJson, OVERWRITES],
      ['allow', 's3:GetObject', caseJson],
      ['allow', 's3:ListBucket', active],
      ['allow', 'kms:GenerateDataKey', evidenceKey, throughS3],
      ['allow', 'states:StartExecution', stateMachineArn(place)],
      ['allow', 'sqs:SendMessage', `arn:aws:sqs:${region}:${account}:cleanroom-cases-failed`],
      ['allow', 'ssm:GetParametersByPath', parameters],
      ['deny', 's3:GetObject', image],
      ['deny', 'states:StartExecution', `arn:aws:states:${region}:${account}:stateMachine:other`],
      ['deny', 'states:SendTaskSuccess', anything],
      ['deny', 'states:StopExecution', `arn:aws:states:${region}:${account}:execution:cleanroom-acquisition:x`],
      ['deny', 'sts:AssumeRole', member, enter],
    ]),
    group('preflight', 'the preflight looks everywhere and changes nothing', [
      ['allow', 'ssm:GetParametersByPath', parameters],
      ['allow', 'ssm:GetParameters', `arn:aws:ssm:${region}:${account}:parameter${parameterName(place, 'collectorSubnetIds')}`],
      ['allow', 'ec2:DescribeImages', anything],
      ['allow', 'ec2:DescribeSubnets', anything],
      ['allow', 'servicequotas:ListServiceQuotas', anything],
      ['allow', 'kms:DescribeKey', evidenceKey],
      ['allow', 'kms:DescribeKey', transitKey],
      ['deny', 'kms:DescribeKey', logsKey],
      ['allow', 's3:GetBucketVersioning', active],
      ['deny', 's3:GetObject', caseJson],
      ['deny', 's3:PutObject', caseJson, OVERWRITES],
      ['deny', 'ssm:GetParameters', `arn:aws:ssm:${region}:${account}:parameter/secret`],
      ['deny', 'ssm:PutParameter', `arn:aws:ssm:${region}:${account}:parameter${parameterName(place, 'collectorSubnetIds')}`],
      ['deny', 'kms:CreateGrant', evidenceKey, { 'kms:GrantIsForAWSResource': 'true', 'kms:ViaService': `ec2.${region}.amazonaws.com` }],
      ['deny', 'sts:AssumeRole', roleArn(place, 'workflow')],
      ['deny', 'states:StartExecution', stateMachineArn(place)],
    ]),
    group('record', 'the record keeper keeps records and the audit log', [
      ['allow', 's3:GetObject', acquisition],
      ['allow', 's3:PutObject', acquisition, OVERWRITES],
      ['allow', 's3:PutObject', object(instanceKey(OWN, INSTANCE, 'custody.jsonl')), OVERWRITES],
      ['allow', 's3:PutObject', caseJson, OVERWRITES],
      ['allow', 'logs:PutLogEvents', auditLog],
      ['deny', 's3:GetObject', manifest],
      ['deny', 's3:PutObject', object(caseKey(OWN, 'case.json'), hold), OVERWRITES],
      ['deny', 'logs:PutLogEvents', auditLog.replace('Audit', 'Capture')],
      ['deny', 'logs:GetLogEvents', auditLog],
      ['deny', 'sns:Publish', topic],
      ['deny', 'ssm:GetParametersByPath', parameters],
    ]),
    group('verify-evidence', 'the verifier reads evidence and writes nothing at all', [
      ['allow', 's3:GetObject', manifest],
      ['deny', 's3:GetObjectAttributes', image],
      ['allow', 's3:GetObjectRetention', image],
      ['allow', 's3:GetObjectVersion', image],
      ['allow', 'kms:Decrypt', evidenceKey, throughS3],
      ['deny', 's3:GetObject', caseJson],
      ['deny', 's3:PutObject', caseJson, OVERWRITES],
      ['deny', 's3:PutObjectRetention', image, { 's3:object-lock-remaining-retention-days': '3650' }],
      ['deny', 'kms:GenerateDataKey', evidenceKey, throughS3],
      ['deny', 'sts:AssumeRole', member, enter],
    ]),
    group('ask-approval', 'the function that asks for approval notifies, and approves nothing', [
      ['allow', 'sns:Publish', topic],
      ['allow', 'kms:GenerateDataKey', logsKey, throughSns],
      ['allow', 's3:PutObject', acquisition, OVERWRITES],
      ['deny', 's3:PutObject', eventJson, CREATES],
      ['deny', 'states:SendTaskSuccess', anything],
      ['deny', 'sns:Subscribe', topic, { 'sns:Protocol': 'email' }],
      ['deny', 'sns:Publish', `arn:aws:sns:${region}:${STRANGER}:theirs`],
    ]),
    group('release', 'the function that releases a suspect enters its account, and touches no evidence', [
      ['allow', 'sts:AssumeRole', member, enter],
      ['allow', 's3:GetObject', acquisition],
      ['allow', 's3:PutObject', acquisition, OVERWRITES],
      ['deny', 's3:GetObject', image],
      ['deny', 'sts:AssumeRole', otherMemberRole.arn],
      ['deny', 'ec2:ModifySnapshotAttribute', snapshot],
    ]),
    group('store-console', 'the function that stores the console adds metadata, screenshot and output, and reads nothing back', [
      ['allow', 's3:PutObject', object(instanceKey(OWN, INSTANCE, 'metadata.json')), CREATES],
      ['allow', 's3:PutObject', object(instanceKey(OWN, INSTANCE, 'console.jpg')), CREATES],
      ['allow', 's3:PutObject', object(instanceKey(OWN, INSTANCE, 'console.txt')), CREATES],
      ['deny', 's3:PutObject', acquisition, OVERWRITES],
      ['deny', 's3:PutObject', caseJson, OVERWRITES],
      ['deny', 's3:GetObject', object(instanceKey(OWN, INSTANCE, 'console.jpg'))],
    ]),
    group('request-ids', 'the function that looks up request ids reads two CloudTrails and writes records, and touches no evidence', [
      ['allow', 'cloudtrail:LookupEvents', anything],
      ['allow', 'sqs:ReceiveMessage', queue],
      ['allow', 'sqs:DeleteMessage', queue],
      ['deny', 'sqs:ReceiveMessage', `arn:aws:sqs:${region}:${account}:cleanroom-cases-failed`],
      ['deny', 'sqs:SendMessage', queue],
      ['allow', 'sts:AssumeRole', member, enter],
      ['allow', 's3:GetObject', object(instanceKey(OWN, INSTANCE, 'custody.jsonl'))],
      ['allow', 's3:PutObject', object(instanceKey(OWN, INSTANCE, 'custody.jsonl')), OVERWRITES],
      ['deny', 's3:PutObject', eventJson, CREATES],
      ['deny', 's3:GetObject', image],
      ['deny', 'cloudtrail:StopLogging', anything],
      ['deny', 'sts:AssumeRole', otherMemberRole.arn],
      ['deny', 'states:StartExecution', stateMachineArn(place)],
    ]),
    group('sweep-orphans', 'the sweep looks and tells, and deletes nothing', [
      ['allow', 'ec2:DescribeSnapshots', anything],
      ['allow', 'iam:ListRoles', anything],
      ['allow', 'iam:ListRoleTags', caseRole],
      ['allow', 's3:GetObject', acquisition],
      ['allow', 'sns:Publish', topic],
      ['deny', 'iam:ListRoleTags', roleArn(place, 'break-glass')],
      ['deny', 'iam:DeleteRole', caseRole],
      ['deny', 'ec2:DeleteVolume', volume, { 'aws:ResourceTag/CleanroomPurpose': 'collector' }],
      ['deny', 's3:PutObject', acquisition, OVERWRITES],
      ['deny', 'sts:AssumeRole', member, enter],
    ]),
    {
      promise: 'Lambda puts on the functions\' roles, and no other',
      who: service('lambda'),
      owner: account,
      rows: [
        ['allow', 'sts:AssumeRole', handlerRoleArn(place, 'open-case')],
        ['allow', 'sts:AssumeRole', handlerRoleArn(place, 'sweep-orphans')],
        ['deny', 'sts:AssumeRole', roleArn(place, 'workflow')],
        ['deny', 'sts:AssumeRole', roleArn(place, 'responder')],
      ],
    },
  ];
}
