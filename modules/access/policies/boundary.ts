import { policyDocument, type PolicyDocument } from '../../policy.ts';
import type { AccessContext } from './context.ts';

/** The most that a person's role may ever do, whatever is attached to it: look, read, hold; change no infrastructure. */
export const peopleBoundary = (context: AccessContext): PolicyDocument =>
  policyDocument(
    {
      Sid: 'Ceiling',
      Effect: 'Allow',
      Action: [
        'cloudwatch:Describe*',
        'cloudwatch:Get*',
        'cloudwatch:List*',
        'ec2:Describe*',
        'kms:Decrypt',
        'kms:DescribeKey',
        'kms:GenerateDataKey',
        'logs:Describe*',
        'logs:FilterLogEvents',
        'logs:Get*',
        'logs:StartQuery',
        's3:Get*',
        's3:List*',
        's3:PutObject',
        's3:PutObjectLegalHold',
        's3:PutObjectRetention',
        'ssm:Describe*',
        'ssm:GetConnectionStatus',
        'ssm:ResumeSession',
        'ssm:StartSession',
        'ssm:TerminateSession',
        'states:Describe*',
        'states:Get*',
        'states:List*',
        'states:SendTask*',
        'states:StartExecution',
        'sts:GetCallerIdentity',
      ],
      Resource: '*',
      Condition: { StringEquals: { 'aws:RequestedRegion': context.region } },
    },
    {
      Sid: 'NeverBypass',
      Effect: 'Deny',
      Action: ['s3:BypassGovernanceRetention', 's3:Delete*'],
      Resource: '*',
    },
  );

/** The most that a pipeline role may ever do, the roles that the workflow makes for cases included. */
export const pipelineBoundary = (context: AccessContext): PolicyDocument =>
  policyDocument(
    {
      Sid: 'Ceiling',
      Effect: 'Allow',
      Action: [
        'ec2:*Snapshot*',
        'ec2:*Volume*',
        'ec2:CreateTags',
        'ec2:Describe*',
        'ec2:RunInstances',
        'ec2:StopInstances',
        'ec2:TerminateInstances',
        'kms:CreateGrant',
        'kms:Decrypt',
        'kms:DescribeKey',
        'kms:GenerateDataKey*',
        'kms:ReEncrypt*',
        'logs:CreateLogStream',
        'logs:Describe*',
        'logs:PutLogEvents',
        's3:Get*',
        's3:List*',
        's3:PutObject',
        'ssm:List*',
        'ssm:UpdateInstanceInformation',
        'ssmmessages:*',
      ],
      Resource: '*',
      Condition: { StringEquals: { 'aws:RequestedRegion': context.region } },
    },
    {
      Sid: 'CeilingOfGlobalServices',
      Effect: 'Allow',
      Action: [
        'iam:*InstanceProfile',
        'iam:AttachRolePolicy',
        'iam:CreateRole',
        'iam:DeleteRole',
        'iam:DetachRolePolicy',
        'iam:PassRole',
        'iam:TagRole',
        'sts:AssumeRole',
        'sts:TagSession',
      ],
      Resource: '*',
    },
    {
      Sid: 'NeverWeaken',
      Effect: 'Deny',
      Action: ['ec2:ModifySnapshot*', 'ec2:ResetSnapshot*', 'ec2:UnlockSnapshot', 'ec2:*SnapshotBlockPublicAccess', 's3:BypassGovernanceRetention', 's3:Delete*'],
      Resource: '*',
    },
  );
