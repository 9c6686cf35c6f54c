import { policyDocument, type PolicyDocument } from '../../policy.ts';
import { bucketArn } from '../../vocabulary/index.ts';
import { anyKey, collectorLogArns, infrastructureLogArns, keyThrough, OWN_CASE, type AccessContext } from './context.ts';

/** The analyst reads what surrounds an image (records, logs, metadata) for the case in the session's tag, never the image. */
export const analystPolicy = (context: AccessContext): PolicyDocument => {
  const bucket = bucketArn(context, 'active');
  return policyDocument(
    {
      Sid: 'ReadRecords',
      Effect: 'Allow',
      Action: ['s3:GetObject', 's3:GetObjectVersion'],
      Resource: `${bucket}/${OWN_CASE}/*`,
    },
    {
      Sid: 'NeverImages',
      Effect: 'Deny',
      Action: ['s3:GetObject', 's3:GetObjectVersion', 's3:GetObjectTorrent'],
      Resource: `${bucket}/*.image.dd*`,
    },
    {
      Sid: 'ListOwnCase',
      Effect: 'Allow',
      Action: 's3:ListBucket',
      Resource: bucket,
      Condition: { StringLike: { 's3:prefix': `${OWN_CASE}/*` } },
    },
    {
      Sid: 'DecryptRecords',
      Effect: 'Allow',
      Action: 'kms:Decrypt',
      Resource: anyKey(context),
      Condition: keyThrough(context, 'evidence', 's3'),
    },
    {
      Sid: 'ReadLogs',
      Effect: 'Allow',
      Action: ['logs:DescribeLogStreams', 'logs:FilterLogEvents', 'logs:GetLogEvents', 'logs:StartQuery'],
      Resource: [...collectorLogArns(context), ...infrastructureLogArns(context, 'flow'), ...infrastructureLogArns(context, 'dns')],
    },
    {
      Sid: 'ReadMetrics',
      Effect: 'Allow',
      Action: ['cloudwatch:DescribeAlarms', 'cloudwatch:GetDashboard', 'cloudwatch:GetMetricData', 'logs:DescribeLogGroups', 'logs:GetQueryResults'],
      Resource: '*',
    },
  );
};
