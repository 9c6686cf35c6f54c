import { policyDocument, type PolicyDocument, type PolicyStatement } from '../../policy.ts';
import {
  alertTopicName, bucketArn, CASE_TAGS, caseRolePath, functionArn, iamPath, type LOG_GROUPS, logGroupName, memberRolePattern, roleName, stateMachineArn,
} from '../../vocabulary/index.ts';
import { anyKey, inMonitoredAccounts, keyThrough, type AccessContext } from './context.ts';

/** ARN of the boundary policy of one kind of role in an account and Region. */
export const boundaryArn = (context: Pick<AccessContext, 'partition' | 'account' | 'prefix' | 'region'>, kind: 'people' | 'pipeline'): string =>
  `arn:${context.partition}:iam::${context.account}:policy${iamPath(context)}${context.prefix}-${kind}-boundary-${context.region}`;

/** ARN of the managed policy that a case's collector role carries. */
export const collectorPolicyArn = (context: Pick<AccessContext, 'partition' | 'account' | 'prefix' | 'region'>): string =>
  `arn:${context.partition}:iam::${context.account}:policy${iamPath(context)}${roleName(context, 'collector')}`;

const collectorInstances = { [`aws:ResourceTag/${CASE_TAGS.purpose}`]: 'collector' };

/** The functions that the state machine itself calls. */
export const WORKFLOW_CALLS = ['preflight', 'record', 'ask-approval', 'store-console', 'verify-evidence'] as const;

/** What the state machine does in its own account with EC2: copies, locks, restores, starts and ends collectors. */
const ec2Statements = (context: AccessContext): readonly PolicyStatement[] => {
  const { partition, region, account } = context;
  const ec2 = (type: string, owner = account) => `arn:${partition}:ec2:${region}:${owner}:${type}/*`;
  const snapshots = `arn:${partition}:ec2:${region}::snapshot/*`;
  return [
    {
      Sid: 'CopySnapshots',
      Effect: 'Allow',
      Action: ['ec2:CopySnapshot', 'ec2:CreateVolume', 'ec2:LockSnapshot'],
      Resource: [snapshots, ec2('snapshot', '*'), ec2('volume')],
    },
    {
      Sid: 'TagWhatIsMade',
      Effect: 'Allow',
      Action: 'ec2:CreateTags',
      Resource: [snapshots, ec2('snapshot'), ec2('volume'), ec2('instance')],
      Condition: { StringEquals: { 'ec2:CreateAction': ['CopySnapshot', 'CreateVolume', 'RunInstances'] } },
    },
    {
      Sid: 'StartCollectors',
      Effect: 'Allow',
      Action: 'ec2:RunInstances',
      Resource: [ec2('instance'), ec2('volume'), ec2('network-interface'), ec2('security-group'), ec2('subnet'), `arn:${partition}:ec2:${region}::image/*`],
    },
    {
      Sid: 'UseCollectors',
      Effect: 'Allow',
      Action: ['ec2:AttachVolume', 'ec2:DeleteVolume', 'ec2:TerminateInstances'],
      Resource: [ec2('instance'), ec2('volume')],
      Condition: { StringEquals: collectorInstances },
    },
    { Sid: 'Look', Effect: 'Allow', Action: ['ec2:DescribeInstances', 'ec2:DescribeSnapshots', 'ec2:DescribeVolumes'], Resource: '*' },
  ];
};

/** The short-lived role and profile of a case's collectors. */
const caseRoleStatements = (context: AccessContext): readonly PolicyStatement[] => {
  const { partition, account } = context;
  const caseRoles = `arn:${partition}:iam::${account}:role${caseRolePath(context)}${roleName(context, 'collector')}-*`;
  const caseProfiles = `arn:${partition}:iam::${account}:instance-profile${caseRolePath(context)}*`;
  return [
    {
      Sid: 'MakeCaseRoles',
      Effect: 'Allow',
      Action: 'iam:CreateRole',
      Resource: caseRoles,
      Condition: { StringEquals: { 'iam:PermissionsBoundary': boundaryArn(context, 'pipeline') } },
    },
    { Sid: 'TagCaseRoles', Effect: 'Allow', Action: ['iam:DeleteRole', 'iam:TagRole'], Resource: caseRoles },
    {
      Sid: 'GiveCaseRolesTheCollectorsPolicy',
      Effect: 'Allow',
      Action: ['iam:AttachRolePolicy', 'iam:DetachRolePolicy'],
      Resource: caseRoles,
      Condition: { ArnEquals: { 'iam:PolicyARN': collectorPolicyArn(context) } },
    },
    {
      Sid: 'MakeCaseProfiles',
      Effect: 'Allow',
      Action: ['iam:AddRoleToInstanceProfile', 'iam:CreateInstanceProfile', 'iam:DeleteInstanceProfile', 'iam:RemoveRoleFromInstanceProfile'],
      Resource: [caseProfiles, caseRoles],
    },
    {
      Sid: 'PassCaseRoles',
      Effect: 'Allow',
      Action: 'iam:PassRole',
      Resource: caseRoles,
      Condition: { StringEquals: { 'iam:PassedToService': 'ec2.amazonaws.com' } },
    },
  ];
};

/** Keys of monitored accounts, as far as a case's grant on them goes: without one, nothing here is of any use. */
const sourceKeyStatements = (context: AccessContext): readonly PolicyStatement[] => {
  const { StringEquals: monitored = {} } = inMonitoredAccounts(context);
  const throughEc2 = { ...monitored, 'kms:ViaService': `ec2.${context.region}.amazonaws.com` };
  const notOwn = { StringNotEquals: { 'aws:ResourceAccount': context.account } };
  const keys = { Effect: 'Allow', Resource: anyKey({ ...context, account: '*' }) } as const;
  return [
    { Sid: 'TrySourceKeys', ...keys, Action: 'kms:DescribeKey', Condition: { StringEquals: monitored, ...notOwn } },
    { Sid: 'UseSourceKeysThroughEc2', ...keys, Action: ['kms:Decrypt', 'kms:GenerateDataKeyWithoutPlaintext', 'kms:ReEncryptFrom'], Condition: { StringEquals: throughEc2, ...notOwn } },
    { Sid: 'GrantSourceKeysToEc2', ...keys, Action: 'kms:CreateGrant', Condition: { Bool: { 'kms:GrantIsForAWSResource': 'true' }, StringEquals: throughEc2, ...notOwn } },
  ];
};

const keyStatements = (context: AccessContext): readonly PolicyStatement[] => {
  const viaEc2 = { 'kms:ViaService': `ec2.${context.region}.amazonaws.com` };
  return [
    {
      Sid: 'UseKeysThroughEc2',
      Effect: 'Allow',
      Action: ['kms:Decrypt', 'kms:DescribeKey', 'kms:GenerateDataKeyWithoutPlaintext', 'kms:ReEncryptFrom', 'kms:ReEncryptTo'],
      Resource: anyKey(context),
      Condition: { StringEquals: viaEc2 },
    },
    {
      Sid: 'GrantKeysToEc2',
      Effect: 'Allow',
      Action: 'kms:CreateGrant',
      Resource: anyKey(context),
      Condition: { Bool: { 'kms:GrantIsForAWSResource': 'true' }, StringEquals: viaEc2 },
    },
    ...sourceKeyStatements(context),
    { Sid: 'EncryptNotifications', Effect: 'Allow', Action: ['kms:Decrypt', 'kms:GenerateDataKey'], Resource: anyKey(context), Condition: keyThrough(context, 'logs', 'sns') },
  ];
};

/** What the state machine says and asks of others: records, logs, functions, people, and its own child executions. */
const reportStatements = (context: AccessContext): readonly PolicyStatement[] => {
  const { partition, region, account, logPrefix } = context;
  const group = (name: keyof typeof LOG_GROUPS) => `arn:${partition}:logs:${region}:${account}:log-group:${logGroupName(name, logPrefix)}:*`;
  const machine = stateMachineArn(context);
  const executions = machine.replace(':stateMachine:', ':execution:');
  return [
    {
      // Without leave to list, S3 answers "forbidden" for a manifest that is not there yet.
      Sid: 'FindManifests',
      Effect: 'Allow',
      Action: 's3:ListBucket',
      Resource: bucketArn(context, 'active'),
      Condition: { StringLike: { 's3:prefix': '*/disk_evidence/*.manifest.json' } },
    },
    { Sid: 'FollowCollectors', Effect: 'Allow', Action: 'logs:FilterLogEvents', Resource: group('readiness') },
    { Sid: 'WriteAudit', Effect: 'Allow', Action: ['logs:CreateLogStream', 'logs:PutLogEvents'], Resource: group('audit') },
    { Sid: 'Decide', Effect: 'Allow', Action: 'lambda:InvokeFunction', Resource: WORKFLOW_CALLS.map((handler) => functionArn(context, handler)) },
    { Sid: 'Tell', Effect: 'Allow', Action: 'sns:Publish', Resource: `arn:${partition}:sns:${region}:${account}:${alertTopicName(context)}` },
    { Sid: 'TakeUpVolumes', Effect: 'Allow', Action: 'states:StartExecution', Resource: machine },
    { Sid: 'FollowVolumes', Effect: 'Allow', Action: ['states:DescribeExecution', 'states:StopExecution'], Resource: [`${executions}:*`, `${executions}/*`] },
    {
      // Step Functions asks for these of whoever's history it writes to a log group; none of them knows a resource.
      Sid: 'WriteHistory',
      Effect: 'Allow',
      Action: [
        'logs:CreateLogDelivery',
        'logs:DeleteLogDelivery',
        'logs:DescribeLogGroups',
        'logs:DescribeResourcePolicies',
        'logs:GetLogDelivery',
        'logs:ListLogDeliveries',
        'logs:PutResourcePolicy',
        'logs:UpdateLogDelivery',
      ],
      Resource: '*',
    },
  ];
};

/** The state machine's role: copies, locks, restores, starts collectors and ends them; it reads no evidence, and deletes none. */
export const workflowPolicy = (context: AccessContext): PolicyDocument =>
  policyDocument(
    {
      Sid: 'EnterMonitoredAccounts',
      Effect: 'Allow',
      Action: 'sts:AssumeRole',
      // By name: hundreds of ARNs would not fit. The other side asks for the state machine's ARN as external id.
      Resource: memberRolePattern(context),
      Condition: inMonitoredAccounts(context),
    },
    ...ec2Statements(context),
    ...caseRoleStatements(context),
    ...keyStatements(context),
  );

/** What the same role says and asks of others: a policy of its own, since both do not fit into one. */
export const workflowReportPolicy = (context: AccessContext): PolicyDocument => policyDocument(...reportStatements(context));
