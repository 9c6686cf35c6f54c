import { policyDocument, type PolicyDocument } from '../../policy.ts';
import type { AccessContext } from './context.ts';

/** Break-glass repairs anything but evidence: even in an emergency no version is deleted and no lock bypassed. */
export const breakGlassPolicy = (context: AccessContext): PolicyDocument =>
  policyDocument(
    { Sid: 'Repair', Effect: 'Allow', Action: '*', Resource: '*' },
    {
      Sid: 'NeverEvidence',
      Effect: 'Deny',
      Action: ['s3:BypassGovernanceRetention', 's3:DeleteObjectVersion', 'kms:ScheduleKeyDeletion', 'ec2:UnlockSnapshot'],
      Resource: '*',
    },
    {
      Sid: 'NeverPersistence',
      Effect: 'Deny',
      Action: ['iam:CreateAccessKey', 'iam:CreateLoginProfile', 'iam:CreateUser', 'organizations:LeaveOrganization'],
      Resource: '*',
    },
    {
      Sid: 'OnlyHere',
      Effect: 'Deny',
      NotAction: ['iam:*', 'sts:*', 'organizations:*', 'support:*', 'health:*'],
      Resource: '*',
      Condition: { StringNotEquals: { 'aws:RequestedRegion': context.region } },
    },
  );
