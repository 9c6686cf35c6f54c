/** What a collector may do: add to its own case, from inside the network, and report. */
import { infrastructureLogGroup, logGroupName } from '../../../modules/vocabulary/index.ts';
import { ADDS_PART, CREATES, OTHER, OVERWRITES, OWN, type Cast } from './cast.ts';
import type { Group } from './group.ts';

/** Questions of a collector, with a case and without one. */
export function collectorGroups({
  place, collector, bareCollector, incoming, active, hold, image, manifest, evidenceKey, transitKey, logs, throughS3, throughEc2,
  forEc2,
}: Cast): readonly Group[] {
  return [
    {
      promise: 'the collector adds to its own case and does nothing else',
      who: collector,
      through: 's3',
      rows: [
        ['allow', 's3:PutObject', image(active, OWN), CREATES],
        ['allow', 's3:PutObject', image(active, OWN), ADDS_PART],
        ['allow', 's3:PutObject', manifest(active, OWN), CREATES],
        ['allow', 's3:PutObject', image(active, OWN), { ...CREATES, 's3:x-amz-server-side-encryption': 'aws:kms', 's3:x-amz-server-side-encryption-aws-kms-key-id': evidenceKey }],
        ['allow', 's3:ListMultipartUploadParts', image(active, OWN)],
        ['allow', 's3:ListBucketMultipartUploads', active],
        ['allow', 's3:GetBucketVersioning', active],
        ['allow', 's3:GetBucketObjectLockConfiguration', active],
        ['allow', 's3:GetEncryptionConfiguration', active],
        ['deny', 's3:PutObject', image(active, OWN), OVERWRITES],
        ['deny', 's3:PutObject', manifest(active, OWN), OVERWRITES],
        ['deny', 's3:PutObject', image(active, OTHER), CREATES],
        ['deny', 's3:PutObject', image(active, `${OWN}0`), CREATES],
        ['deny', 's3:PutObject', `${active}/${OWN}/case.json`, CREATES],
        ['deny', 's3:PutObject', image(incoming, OWN), CREATES],
        ['deny', 's3:PutObject', image(hold, OWN), CREATES],
        ['deny', 's3:PutObject', image(active, OWN), { ...CREATES, 's3:x-amz-server-side-encryption': 'AES256' }],
        ['deny', 's3:PutObject', image(active, OWN), { ...CREATES, 's3:x-amz-server-side-encryption-aws-kms-key-id': transitKey }],
        ['deny', 's3:PutObject', image(active, OWN), { ...CREATES, 's3:x-amz-server-side-encryption-customer-algorithm': 'AES256' }],
        ['deny', 's3:GetObject', image(active, OWN)],
        ['deny', 's3:GetObject', manifest(active, OWN)],
        ['deny', 's3:ListBucket', active],
        ['deny', 's3:DeleteObject', image(active, OWN)],
        ['deny', 's3:DeleteObjectVersion', image(active, OWN)],
        ['deny', 's3:PutObjectRetention', image(active, OWN)],
        ['deny', 's3:PutObjectLegalHold', image(active, OWN)],
        ['deny', 's3:PutObjectTagging', image(active, OWN)],
        ['deny', 's3:AbortMultipartUpload', image(active, OWN)],
        ['deny', 's3:BypassGovernanceRetention', image(active, OWN)],
        ['deny', 's3:PutObject', 'arn:aws:s3:::somebody-elses-bucket/loot'],
      ],
    },
    {
      promise: 'the collector works from inside the network only',
      who: collector,
      rows: [
        ['deny', 's3:PutObject', image(active, OWN), CREATES],
        ['deny', 's3:PutObject', image(active, OWN), ADDS_PART],
        ['deny', 's3:ListMultipartUploadParts', image(active, OWN)],
        ['deny', 's3:PutObject', image(active, OWN), { ...CREATES, 'aws:SourceVpce': 'vpce-0ffffffffffffffff' }],
      ],
    },
    {
      promise: 'the collector encrypts through S3 and through nothing else',
      who: collector,
      through: 'kms',
      rows: [
        ['allow', 'kms:GenerateDataKey', evidenceKey, throughS3],
        ['allow', 'kms:Decrypt', evidenceKey, throughS3],
        ['deny', 'kms:GenerateDataKey', evidenceKey],
        ['deny', 'kms:Decrypt', evidenceKey],
        ['deny', 'kms:Decrypt', evidenceKey, throughEc2],
        ['deny', 'kms:GenerateDataKey', transitKey, throughS3],
        ['deny', 'kms:CreateGrant', evidenceKey, forEc2],
        ['deny', 'kms:ScheduleKeyDeletion', evidenceKey],
      ],
    },
    {
      promise: 'the collector reports to its own log groups',
      who: collector,
      through: 'logs',
      rows: [
        ['allow', 'logs:PutLogEvents', logs(logGroupName('capture')).replace(':*', ':log-stream:collector')],
        ['allow', 'logs:CreateLogStream', logs(logGroupName('audit'))],
        ['deny', 'logs:GetLogEvents', logs(logGroupName('audit')).replace(':*', ':log-stream:collector')],
        ['deny', 'logs:PutLogEvents', logs(infrastructureLogGroup(place, 'flow')).replace(':*', ':log-stream:any')],
        ['deny', 'logs:DeleteLogGroup', logs(logGroupName('capture'))],
        ['deny', 'logs:PutRetentionPolicy', logs(logGroupName('capture'))],
      ],
    },
    {
      promise: 'a collector without a case stores nothing',
      who: bareCollector,
      through: 's3',
      rows: [
        ['deny', 's3:PutObject', image(active, OWN), CREATES],
        ['deny', 's3:PutObject', `${active}//disk_evidence/x`, CREATES],
        ['deny', 's3:PutObject', `${active}/\${aws:PrincipalTag/CaseId}/disk_evidence/x`, CREATES],
      ],
    },
  ];
}
