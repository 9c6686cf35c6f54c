/** What an instance that evidence is analysed on may do. */
import { infrastructureLogGroup, roleArn } from '../../../modules/vocabulary/index.ts';
import { CREATES, OWN, anything, type Cast } from './cast.ts';
import type { Group } from './group.ts';

/** Questions of an analysis instance's role. */
export function workstationGroups({ place, account, region, workstation, active, image, logsKey, archive, auditKey, instance, logs }: Cast): readonly Group[] {
  return [
    {
      promise: 'an analysis instance answers Session Manager and keeps the transcripts',
      who: workstation,
      rows: [
        ['allow', 'ssmmessages:OpenDataChannel', anything],
        ['allow', 'ssm:UpdateInstanceInformation', instance],
        ['allow', 's3:PutObject', `${archive}/sessions/${account}/one.log`],
        ['allow', 's3:PutObjectAcl', `${archive}/sessions/${account}/one.log`],
        ['deny', 's3:PutObjectAcl', image(active, OWN)],
        ['allow', 's3:GetEncryptionConfiguration', archive],
        ['allow', 'kms:Decrypt', logsKey],
        ['allow', 'kms:GenerateDataKey', auditKey, { 'kms:ViaService': `s3.${region}.amazonaws.com` }],
        ['allow', 'logs:CreateLogStream', logs(infrastructureLogGroup(place, 'sessions'))],
        ['deny', 'kms:Decrypt', auditKey, { 'kms:ViaService': `s3.${region}.amazonaws.com` }],
        ['deny', 'kms:GenerateDataKey', auditKey],
        ['deny', 'logs:CreateLogStream', logs(infrastructureLogGroup(place, 'flow'))],
        ['deny', 's3:PutObject', `${archive}/sessions/100000000099/one.log`],
        ['deny', 's3:PutObject', `${archive}/trail/forged.json.gz`],
        ['deny', 's3:GetObject', `${archive}/sessions/${account}/one.log`],
        ['deny', 's3:GetObject', image(active, OWN)],
        ['deny', 's3:PutObject', image(active, OWN), CREATES],
        ['deny', 'sts:AssumeRole', roleArn(place, 'investigator'), { 'aws:MultiFactorAuthPresent': 'false' }],
      ],
    },
  ];
}
