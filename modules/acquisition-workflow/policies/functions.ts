import { anyKey, collectorLogArns, inMonitoredAccounts, keyThrough, type AccessContext } from '../../access/policies/context.ts';
import { policyDocument, type PolicyDocument, type PolicyStatement } from '../../policy.ts';
import {
  alertTopicName, bucketArn, caseRolePath, failedEventsQueueName, functionLogGroup, iamPath, memberRolePattern, membersPath, PARAMETERS, parameterName, requestIdsQueueName, stateMachineArn,
  type HandlerName, type ParameterName,
} from '../../vocabulary/index.ts';

const active = (context: AccessContext): string => bucketArn(context, 'active');

const writeOwnLog = (context: AccessContext, handler: HandlerName): PolicyStatement => ({
  Sid: 'WriteOwnLog',
  Effect: 'Allow',
  Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
  Resource: `arn:${context.partition}:logs:${context.region}:${context.account}:log-group:${functionLogGroup(context, handler)}:*`,
});

const RECORDS = ['case.json', 'event.json', 'instance/*'];
const recordArns = (context: AccessContext, names: readonly string[] = RECORDS) => names.map((name) => `${active(context)}/*/${name}`);

const readRecords = (context: AccessContext): PolicyStatement => ({ Sid: 'ReadRecords', Effect: 'Allow', Action: 's3:GetObject', Resource: recordArns(context) });

/** Without it S3 answers "forbidden" for a record that is not there. */
const seeWhatIsThere = (context: AccessContext): PolicyStatement => ({ Sid: 'SeeWhatIsThere', Effect: 'Allow', Action: 's3:ListBucket', Resource: active(context) });

const writeRecords = (context: AccessContext, names?: readonly string[]): PolicyStatement => ({ Sid: 'WriteRecords', Effect: 'Allow', Action: 's3:PutObject', Resource: recordArns(context, names) });

const throughS3 = (context: AccessContext, ...actions: readonly string[]): PolicyStatement => ({
  Sid: 'UseEvidenceKeyThroughS3',
  Effect: 'Allow',
  Action: actions,
  Resource: anyKey(context),
  Condition: keyThrough(context, 'evidence', 's3'),
});
const readAndWrite = (context: AccessContext) => throughS3(context, 'kms:Decrypt', 'kms:GenerateDataKey');

const notify = (context: AccessContext): readonly PolicyStatement[] => [
  { Sid: 'Notify', Effect: 'Allow', Action: 'sns:Publish', Resource: `arn:${context.partition}:sns:${context.region}:${context.account}:${alertTopicName(context)}` },
  {
    Sid: 'EncryptNotifications',
    Effect: 'Allow',
    Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
    Resource: anyKey(context),
    Condition: keyThrough(context, 'logs', 'sns'),
  },
];

const enterMonitoredAccounts = (context: AccessContext): PolicyStatement => ({
  Sid: 'EnterMonitoredAccounts',
  Effect: 'Allow',
  Action: ['sts:AssumeRole', 'sts:TagSession'],
  Resource: memberRolePattern(context),
  Condition: inMonitoredAccounts(context),
});

const readParameters = (context: AccessContext): PolicyStatement => ({
  Sid: 'ReadParameters',
  Effect: 'Allow',
  Action: 'ssm:GetParameters',
  Resource: (Object.keys(PARAMETERS) as ParameterName[]).map((name) => `arn:${context.partition}:ssm:${context.region}:${context.account}:parameter${parameterName(context, name)}`),
});

const readMembers = (context: AccessContext): PolicyStatement => ({
  Sid: 'ReadMembers',
  Effect: 'Allow',
  Action: 'ssm:GetParametersByPath',
  Resource: `arn:${context.partition}:ssm:${context.region}:${context.account}:parameter${membersPath(context)}`,
});

const auditLogArns = (context: AccessContext): readonly string[] => collectorLogArns(context).filter((arn) => /Audit(:\*)?$/.test(arn));

/** What each function does, and nothing else. */
export const FUNCTION_STATEMENTS: Readonly<Record<HandlerName, (context: AccessContext) => readonly PolicyStatement[]>> = {
  'open-case': (context) => [
    readRecords(context),
    seeWhatIsThere(context),
    writeRecords(context),
    readAndWrite(context),
    readMembers(context),
    { Sid: 'StartAcquisitions', Effect: 'Allow', Action: 'states:StartExecution', Resource: stateMachineArn(context) },
    {
      Sid: 'KeepFailedEvents',
      Effect: 'Allow',
      Action: 'sqs:SendMessage',
      Resource: `arn:${context.partition}:sqs:${context.region}:${context.account}:${failedEventsQueueName(context)}`,
    },
  ],
  preflight: (context) => [
    enterMonitoredAccounts(context),
    readMembers(context),
    readParameters(context),
    {
      Sid: 'Look',
      Effect: 'Allow',
      Action: [
        'ec2:DescribeImages',
        'ec2:DescribeInstances',
        'ec2:DescribeSnapshots',
        'ec2:DescribeSubnets',
        'ec2:DescribeVolumes',
        'ec2:DescribeVpcEndpoints',
        'servicequotas:ListServiceQuotas',
      ],
      Resource: '*',
    },
    { Sid: 'LookAtKeys', Effect: 'Allow', Action: 'kms:DescribeKey', Resource: anyKey(context) },
    { Sid: 'LookAtTheBucket', Effect: 'Allow', Action: ['s3:GetBucketObjectLockConfiguration', 's3:GetBucketVersioning'], Resource: active(context) },
  ],
  record: (context) => [
    readRecords(context),
    seeWhatIsThere(context),
    writeRecords(context),
    readAndWrite(context),
    { Sid: 'WriteAudit', Effect: 'Allow', Action: ['logs:CreateLogStream', 'logs:PutLogEvents'], Resource: auditLogArns(context) },
  ],
  'verify-evidence': (context) => [
    {
      Sid: 'ReadEvidence',
      Effect: 'Allow',
      // The lock is shown with an object to whoever may see its retention.
      Action: ['s3:GetObject', 's3:GetObjectRetention', 's3:GetObjectVersion'],
      Resource: `${active(context)}/*/disk_evidence/*`,
    },
    seeWhatIsThere(context),
    throughS3(context, 'kms:Decrypt'),
  ],
  'ask-approval': (context) => [readRecords(context), seeWhatIsThere(context), writeRecords(context, ['case.json', 'instance/*']), readAndWrite(context), ...notify(context)],
  release: (context) => [readRecords(context), seeWhatIsThere(context), writeRecords(context, ['case.json', 'instance/*']), readAndWrite(context), readMembers(context), enterMonitoredAccounts(context)],
  'store-console': (context) => [writeRecords(context, ['instance/*/metadata.json', 'instance/*/console.jpg', 'instance/*/console.txt']), readAndWrite(context)],
  'request-ids': (context) => [
    readRecords(context),
    seeWhatIsThere(context),
    writeRecords(context, ['case.json', 'instance/*']),
    readAndWrite(context),
    readMembers(context),
    enterMonitoredAccounts(context),
    { Sid: 'LookUpCalls', Effect: 'Allow', Action: 'cloudtrail:LookupEvents', Resource: '*' },
    {
      // Lambda takes the messages with the function's role.
      Sid: 'TakeEndedAcquisitions',
      Effect: 'Allow',
      Action: ['sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ReceiveMessage'],
      Resource: `arn:${context.partition}:sqs:${context.region}:${context.account}:${requestIdsQueueName(context)}`,
    },
  ],
  'sweep-orphans': (context) => [
    readRecords(context),
    seeWhatIsThere(context),
    throughS3(context, 'kms:Decrypt'),
    { Sid: 'Look', Effect: 'Allow', Action: ['ec2:DescribeInstances', 'ec2:DescribeSnapshots', 'ec2:DescribeVolumes', 'iam:ListInstanceProfiles', 'iam:ListRoles'], Resource: '*' },
    { Sid: 'LookAtCaseRoles', Effect: 'Allow', Action: 'iam:ListRoleTags', Resource: `arn:${context.partition}:iam::${context.account}:role${caseRolePath(context)}*` },
    ...notify(context),
  ],
};

/** Policy of one function's role. */
export const functionPolicy = (context: AccessContext, handler: HandlerName): PolicyDocument => policyDocument(writeOwnLog(context, handler), ...FUNCTION_STATEMENTS[handler](context));

/** ARN of the boundary of the functions' roles. */
export const functionBoundaryArn = (context: Pick<AccessContext, 'partition' | 'account' | 'prefix' | 'region'>): string =>
  `arn:${context.partition}:iam::${context.account}:policy${iamPath(context)}${context.prefix}-function-boundary-${context.region}`;

/** The most that a function may ever do: look, keep records, start and notify. It makes, changes and deletes nothing in AWS. */
export const functionBoundary = (context: AccessContext): PolicyDocument =>
  policyDocument(
    {
      Sid: 'Ceiling',
      Effect: 'Allow',
      Action: [
        'cloudtrail:LookupEvents',
        'ec2:Describe*',
        'kms:Decrypt',
        'kms:DescribeKey',
        'kms:GenerateDataKey',
        'logs:CreateLogStream',
        'logs:PutLogEvents',
        's3:Get*',
        's3:List*',
        's3:PutObject',
        'servicequotas:List*',
        'sns:Publish',
        'sqs:DeleteMessage',
        'sqs:GetQueueAttributes',
        'sqs:ReceiveMessage',
        'sqs:SendMessage',
        'ssm:GetParameter*',
        'states:StartExecution',
      ],
      Resource: '*',
      Condition: { StringEquals: { 'aws:RequestedRegion': context.region } },
    },
    { Sid: 'CeilingOfGlobalServices', Effect: 'Allow', Action: ['iam:List*', 'sts:AssumeRole', 'sts:TagSession'], Resource: '*' },
  );
