import { policyDocument, type PolicyDocument } from '../../policy.ts';
import { bucketArn, functionArn } from '../../vocabulary/index.ts';
import { anyKey, collectorLogArns, keyThrough, type AccessContext } from './context.ts';

/** The responder starts and approves cases and sees how they go, but never reads an image. */
export const responderPolicy = (context: AccessContext): PolicyDocument => {
  const bucket = bucketArn(context, 'active');
  const { partition, region, account, prefix } = context;
  return policyDocument(
    {
      // One way in for people and findings alike: it checks what the estate allows, and opens nothing twice.
      Sid: 'OpenAndReleaseCases',
      Effect: 'Allow',
      Action: 'lambda:InvokeFunction',
      Resource: [functionArn(context, 'open-case'), functionArn(context, 'release')],
    },
    {
      Sid: 'SeeCases',
      Effect: 'Allow',
      Action: ['states:DescribeStateMachine', 'states:ListExecutions'],
      Resource: `arn:${partition}:states:${region}:${account}:stateMachine:${prefix}-*`,
    },
    {
      Sid: 'FollowCases',
      Effect: 'Allow',
      Action: ['states:DescribeExecution', 'states:GetExecutionHistory', 'states:StopExecution'],
      Resource: `arn:${partition}:states:${region}:${account}:execution:${prefix}-*:*`,
    },
    {
      Sid: 'ReadCaseRecords',
      Effect: 'Allow',
      Action: ['s3:GetObject', 's3:GetObjectVersion'],
      Resource: [`${bucket}/*/case.json`, `${bucket}/*/event.json`, `${bucket}/*/instance/*/acquisition.json`, `${bucket}/*/instance/*/custody.jsonl`, `${bucket}/*/disk_evidence/*.manifest.json`],
    },
    {
      Sid: 'ListCases',
      Effect: 'Allow',
      Action: 's3:ListBucket',
      Resource: bucket,
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
      Resource: collectorLogArns(context),
    },
    {
      // A task token names its task; IAM knows no resource for these.
      Sid: 'Decide',
      Effect: 'Allow',
      Action: ['states:SendTaskFailure', 'states:SendTaskSuccess'],
      Resource: '*',
    },
    {
      Sid: 'Watch',
      Effect: 'Allow',
      Action: [
        'cloudwatch:DescribeAlarms',
        'cloudwatch:GetDashboard',
        'cloudwatch:GetMetricData',
        'cloudwatch:ListDashboards',
        'ec2:DescribeInstances',
        'ec2:DescribeSnapshots',
        'ec2:DescribeVolumes',
        'logs:DescribeLogGroups',
        'logs:GetQueryResults',
        'states:ListStateMachines',
      ],
      Resource: '*',
    },
  );
};
