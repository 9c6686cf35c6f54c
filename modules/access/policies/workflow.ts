import { policyDocument, type PolicyDocument } from '../../policy.ts';
import { bucketArn, CASE_TAGS, caseRolePath, iamPath, memberRolePattern, roleName } from '../../vocabulary/index.ts';
import { anyKey, keyThrough, type AccessContext } from './context.ts';

/** ARN of the boundary policy of one kind of role in an account and Region. */
export const boundaryArn = (context: Pick<AccessContext, 'partition' | 'account' | 'prefix' | 'region'>, kind: 'people' | 'pipeline'): string =>
  `arn:${context.partition}:iam::${context.account}:policy${iamPath(context)}${context.prefix}-${kind}-boundary-${context.region}`;

/** ARN of the managed policy that a case's collector role carries. */
export const collectorPolicyArn = (context: Pick<AccessContext, 'partition' | 'account' | 'prefix' | 'region'>): string =>
  `arn:${context.partition}:iam::${context.account}:policy${iamPath(context)}${roleName(context, 'collector')}`;

const collectorInstances = { [`aws:ResourceTag/${CASE_TAGS.purpose}`]: 'collector' };

/** The workflow's role: copies, locks, attaches, starts collectors, verifies what they stored, and deletes working copies only. */
export const workflowPolicy = (context: AccessContext): PolicyDocument => {
  const { partition, region, account } = context;
  const ec2 = (type: string, owner = account) => `arn:${partition}:ec2:${region}:${owner}:${type}/*`;
  const caseRoles = `arn:${partition}:iam::${account}:role${caseRolePath(context)}${roleName(context, 'collector')}-*`;
  const caseProfiles = `arn:${partition}:iam::${account}:instance-profile${caseRolePath(context)}*`;
  return policyDocument(
    {
      Sid: 'EnterMonitoredAccounts',
      Effect: 'Allow',
      Action: ['sts:AssumeRole', 'sts:TagSession'],
      // By name: hundreds of ARNs would not fit. The other side asks for the external id of its account.
      Resource: memberRolePattern(context),
      Condition: {
        StringEquals:
          context.organizationId === undefined
            ? { 'aws:ResourceAccount': context.memberAccounts.length > 0 ? context.memberAccounts : [account] }
            : { 'aws:ResourceOrgID': context.organizationId },
      },
    },
    {
      Sid: 'CopySnapshots',
      Effect: 'Allow',
      Action: ['ec2:CopySnapshot', 'ec2:CreateSnapshot', 'ec2:CreateVolume', 'ec2:LockSnapshot'],
      Resource: [`arn:${partition}:ec2:${region}::snapshot/*`, ec2('snapshot', '*'), ec2('volume')],
    },
    {
      Sid: 'TagWhatIsMade',
      Effect: 'Allow',
      Action: 'ec2:CreateTags',
      Resource: [`arn:${partition}:ec2:${region}::snapshot/*`, ec2('snapshot'), ec2('volume'), ec2('instance')],
      Condition: { StringEquals: { 'ec2:CreateAction': ['CopySnapshot', 'CreateSnapshot', 'CreateVolume', 'RunInstances'] } },
    },
    {
      Sid: 'StartCollectors',
      Effect: 'Allow',
      Action: 'ec2:RunInstances',
      Resource: [
        ec2('instance'),
        ec2('volume'),
        ec2('network-interface'),
        ec2('security-group'),
        ec2('subnet'),
        ec2('launch-template'),
        ec2('key-pair'),
        `arn:${partition}:ec2:${region}::image/*`,
      ],
    },
    {
      Sid: 'AttachToCollectors',
      Effect: 'Allow',
      Action: ['ec2:AttachVolume', 'ec2:DetachVolume'],
      Resource: [ec2('instance'), ec2('volume')],
      Condition: { StringEquals: collectorInstances },
    },
    {
      Sid: 'ReleaseCollectors',
      Effect: 'Allow',
      Action: ['ec2:DeleteVolume', 'ec2:StopInstances', 'ec2:TerminateInstances'],
      Resource: [ec2('instance'), ec2('volume')],
      Condition: { StringEquals: collectorInstances },
    },
    {
      Sid: 'DeleteWorkingCopies',
      Effect: 'Allow',
      Action: 'ec2:DeleteSnapshot',
      Resource: [`arn:${partition}:ec2:${region}::snapshot/*`, ec2('snapshot')],
      Condition: { StringEquals: { [`aws:ResourceTag/${CASE_TAGS.purpose}`]: 'working-copy' } },
    },
    {
      Sid: 'MakeCaseRoles',
      Effect: 'Allow',
      Action: 'iam:CreateRole',
      Resource: caseRoles,
      Condition: { StringEquals: { 'iam:PermissionsBoundary': boundaryArn(context, 'pipeline') } },
    },
    {
      Sid: 'TagCaseRoles',
      Effect: 'Allow',
      Action: ['iam:DeleteRole', 'iam:TagRole'],
      Resource: caseRoles,
    },
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
    {
      Sid: 'UseKeysThroughEc2',
      Effect: 'Allow',
      Action: ['kms:Decrypt', 'kms:DescribeKey', 'kms:GenerateDataKeyWithoutPlaintext', 'kms:ReEncryptFrom', 'kms:ReEncryptTo'],
      Resource: anyKey(context),
      Condition: { StringEquals: { 'kms:ViaService': `ec2.${region}.amazonaws.com` } },
    },
    {
      Sid: 'GrantKeysToEc2',
      Effect: 'Allow',
      Action: 'kms:CreateGrant',
      Resource: anyKey(context),
      Condition: { Bool: { 'kms:GrantIsForAWSResource': 'true' }, StringEquals: { 'kms:ViaService': `ec2.${region}.amazonaws.com` } },
    },
    {
      Sid: 'UseEvidenceKeyThroughS3',
      Effect: 'Allow',
      Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
      Resource: anyKey(context),
      Condition: keyThrough(context, 'evidence', 's3'),
    },
    {
      Sid: 'KeepCaseRecords',
      Effect: 'Allow',
      Action: 's3:PutObject',
      Resource: ['event.json', 'case.json', 'instance/*'].map((record) => `${bucketArn(context, 'active')}/*/${record}`),
    },
    {
      Sid: 'VerifyEvidence',
      Effect: 'Allow',
      Action: ['s3:GetObject', 's3:GetObjectAttributes', 's3:GetObjectRetention', 's3:GetObjectVersion', 's3:GetObjectVersionAttributes'],
      Resource: `${bucketArn(context, 'active')}/*`,
    },
    {
      Sid: 'Look',
      Effect: 'Allow',
      Action: ['ec2:DescribeInstances', 'ec2:DescribeInstanceStatus', 'ec2:DescribeSnapshots', 'ec2:DescribeVolumes', 'ec2:DescribeLockedSnapshots'],
      Resource: '*',
    },
  );
};
