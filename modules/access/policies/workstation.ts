import { policyDocument, type PolicyDocument } from '../../policy.ts';
import { bucketName, keyAlias } from '../../vocabulary/index.ts';
import { anyKey, infrastructureLogArns, type AccessContext } from './context.ts';

/** An analysis instance answers Session Manager and stores its sessions' logs; evidence is read with the investigator's own session. */
export const workstationPolicy = (context: AccessContext): PolicyDocument => {
  const archive = `arn:${context.partition}:s3:::${bucketName({ ...context, account: context.logArchiveAccount }, 'audit-logs')}`;
  return policyDocument(
    {
      Sid: 'AnswerSessionManager',
      Effect: 'Allow',
      Action: [
        'ssm:ListAssociations',
        'ssm:ListInstanceAssociations',
        'ssm:UpdateInstanceInformation',
        'ssmmessages:CreateControlChannel',
        'ssmmessages:CreateDataChannel',
        'ssmmessages:OpenControlChannel',
        'ssmmessages:OpenDataChannel',
      ],
      Resource: '*',
    },
    { Sid: 'StoreSessionLogs', Effect: 'Allow', Action: ['s3:PutObject', 's3:PutObjectAcl'], Resource: `${archive}/sessions/${context.account}/*` },
    { Sid: 'CheckSessionBucket', Effect: 'Allow', Action: 's3:GetEncryptionConfiguration', Resource: archive },
    {
      Sid: 'StreamSessionLogs',
      Effect: 'Allow',
      Action: ['logs:CreateLogStream', 'logs:DescribeLogGroups', 'logs:DescribeLogStreams', 'logs:PutLogEvents'],
      Resource: infrastructureLogArns(context, 'sessions'),
    },
    {
      Sid: 'DecryptSessions',
      Effect: 'Allow',
      Action: 'kms:Decrypt',
      Resource: anyKey(context),
      Condition: { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': keyAlias(context, 'logs') } },
    },
    {
      Sid: 'EncryptSessionLogs',
      Effect: 'Allow',
      Action: 'kms:GenerateDataKey',
      Resource: `arn:${context.partition}:kms:${context.region}:${context.logArchiveAccount}:key/*`,
      Condition: { StringEquals: { 'kms:ViaService': `s3.${context.region}.amazonaws.com` } },
    },
  );
};
