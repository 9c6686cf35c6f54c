/** Who writes and who reads the records of audit: services that deliver, roles that forward, the log archive. */
import { defaultBusArn } from '../../../modules/audit/policies/forwarder.ts';
import { bucketArn, forwarderRoleName, infrastructureLogGroup, logGroupName } from '../../../modules/vocabulary/index.ts';
import { ARCHIVE_ACCOUNT, OWN, STRANGER, service, type Cast } from './cast.ts';
import type { Group } from './group.ts';

/** Questions about trails, configuration records, access logs, flow logs and alerts. */
export function auditGroups(cast: Cast): readonly Group[] {
  const { place, account, region, active, image, archive, auditKey, logs, trail, forUs, forThem } = cast;
  const accessLogs = bucketArn(place, 'access-logs');
  return [
    {
      promise: 'AWS services deliver for this estate and for nobody else',
      who: service('cloudtrail'),
      owner: ARCHIVE_ACCOUNT,
      rows: [
        ['allow', 's3:GetBucketAcl', archive, forUs(trail)],
        ['allow', 's3:PutObject', `${archive}/trail/AWSLogs/${account}/CloudTrail/x.json.gz`, forUs(trail)],
        ['allow', 'kms:GenerateDataKey', auditKey, forUs(trail)],
        ['deny', 's3:PutObject', `${archive}/trail/AWSLogs/${account}/CloudTrail/x.json.gz`, forThem],
        ['deny', 's3:PutObject', `${archive}/sessions/${account}/forged.log`, forUs(trail)],
        ['deny', 's3:GetObject', `${archive}/trail/AWSLogs/${account}/CloudTrail/x.json.gz`, forUs(trail)],
        ['deny', 'kms:GenerateDataKey', auditKey, forThem],
      ],
    },
    {
      promise: 'Config delivers its own records',
      who: service('config'),
      owner: ARCHIVE_ACCOUNT,
      rows: [
        ['allow', 's3:GetBucketAcl', archive, forUs(trail)],
        ['allow', 'kms:GenerateDataKey', auditKey, forUs(trail)],
        ['deny', 's3:GetBucketAcl', archive, forThem],
        ['deny', 'kms:GenerateDataKey', auditKey, forThem],
        ['allow', 's3:PutObject', `${archive}/config/AWSLogs/${account}/Config/x.json.gz`, forUs(trail)],
        ['deny', 's3:PutObject', `${archive}/config/AWSLogs/${account}/Config/x.json.gz`, forThem],
        ['deny', 's3:PutObject', `${archive}/trail/AWSLogs/${account}/CloudTrail/x.json.gz`, forUs(trail)],
      ],
    },
    {
      promise: 'S3 delivers access logs of evidence',
      who: service('logging.s3'),
      rows: [
        ['allow', 's3:PutObject', `${accessLogs}/access/x`, forUs(active)],
        ['deny', 's3:PutObject', `${accessLogs}/access/x`, forUs('arn:aws:s3:::other')],
        ['deny', 's3:PutObject', `${accessLogs}/inventory/x`, forUs(active)],
        ['deny', 's3:PutObject', `${accessLogs}/access/x`, forThem],
      ],
    },
    {
      promise: 'S3 delivers inventories of evidence',
      who: service('s3'),
      rows: [
        ['allow', 's3:PutObject', `${accessLogs}/inventory/x`, forUs(active)],
        ['deny', 's3:PutObject', `${accessLogs}/inventory/x`, forThem],
      ],
    },
    {
      promise: 'flow logs are delivered by a role that does only that',
      who: { arn: `arn:aws:iam::${account}:role/cleanroom/cleanroom-flow-logs-${region}` },
      rows: [
        ['allow', 'logs:PutLogEvents', logs(infrastructureLogGroup(place, 'flow')).replace(':*', ':log-stream:eni')],
        ['deny', 'logs:PutLogEvents', logs(logGroupName('audit')).replace(':*', ':log-stream:eni')],
        ['deny', 's3:GetObject', image(active, OWN)],
      ],
    },
    {
      promise: 'the log archive reads its own logs',
      who: { arn: `arn:aws:iam::${ARCHIVE_ACCOUNT}:role/auditor` },
      rows: [
        ['allow', 'kms:Decrypt', auditKey, { 'kms:ViaService': `s3.${region}.amazonaws.com` }],
        ['allow', 's3:GetObject', `${archive}/trail/AWSLogs/${account}/CloudTrail/x.json.gz`],
        ['deny', 's3:DeleteObjectVersion', `${archive}/trail/AWSLogs/${account}/CloudTrail/x.json.gz`],
        ['deny', 's3:BypassGovernanceRetention', `${archive}/trail/AWSLogs/${account}/CloudTrail/x.json.gz`],
        ['deny', 'kms:ScheduleKeyDeletion', auditKey],
        ['deny', 's3:GetObject', image(active, OWN)],
      ],
    },
    ...forwardingGroups(cast),
  ];
}

/** In the account's first Region, whose alerts hear of what is reported elsewhere. */
function forwardingGroups({ world, place, account, region, topic, forwardingRule, forUs, forThem }: Cast): readonly Group[] {
  const forwarder = `arn:aws:iam::${account}:role/cleanroom/${forwarderRoleName(place, 'ap-southeast-2')}`;
  const homeBus = defaultBusArn(place);
  if (!JSON.stringify(world.roles.get(forwarder)?.identity ?? []).includes(homeBus)) return [];
  return [
    {
      promise: 'log-ins and changes in IAM are forwarded by a role that does only that, to one bus',
      who: { arn: forwarder },
      rows: [
        ['allow', 'events:PutEvents', homeBus],
        ['deny', 'events:PutEvents', `arn:aws:events:${region}:${STRANGER}:event-bus/default`],
        ['deny', 'events:PutEvents', `arn:aws:events:${region}:${account}:event-bus/other`],
        ['deny', 'sns:Publish', topic],
      ],
    },
    {
      promise: 'EventBridge puts on the forwarding role for the one rule',
      who: service('events'),
      owner: account,
      rows: [
        ['allow', 'sts:AssumeRole', forwarder, forUs(forwardingRule)],
        ['deny', 'sts:AssumeRole', forwarder, forUs(`arn:aws:events:ap-southeast-2:${account}:rule/another`)],
        ['deny', 'sts:AssumeRole', forwarder, { ...forThem, 'aws:SourceArn': forwardingRule.replace(account, STRANGER) }],
      ],
    },
  ];
}
