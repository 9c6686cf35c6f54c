import { policyDocument, type PolicyDocument } from '../../policy.ts';
import { CASE_TAGS } from '../../vocabulary/index.ts';
import { unlessBreakGlass, type GuardrailContext } from './context.ts';

/** Values of the purpose tag on subnets into which instances may be launched. */
export const LAUNCHABLE_SUBNETS = ['collector', 'analysis'] as const;

/** SCP: instances start with IMDSv2, without a public address, and only in the estate's own subnets. */
export const denyUnguardedLaunch = (context: GuardrailContext): PolicyDocument =>
  policyDocument(
    {
      Sid: 'DenyImdsV1',
      Effect: 'Deny',
      Action: 'ec2:RunInstances',
      Resource: `arn:${context.partition}:ec2:*:*:instance/*`,
      Condition: { StringNotEquals: { 'ec2:MetadataHttpTokens': 'required' } },
    },
    {
      Sid: 'DenyPublicAddress',
      Effect: 'Deny',
      Action: 'ec2:RunInstances',
      Resource: `arn:${context.partition}:ec2:*:*:network-interface/*`,
      Condition: { Bool: { 'ec2:AssociatePublicIpAddress': 'true' } },
    },
    {
      Sid: 'DenyForeignSubnet',
      Effect: 'Deny',
      Action: ['ec2:RunInstances', 'ec2:CreateNetworkInterface'],
      Resource: `arn:${context.partition}:ec2:*:*:subnet/*`,
      Condition: { StringNotEquals: { [`aws:ResourceTag/${CASE_TAGS.purpose}`]: LAUNCHABLE_SUBNETS }, ...unlessBreakGlass(context) },
    },
    {
      Sid: 'DenyMetadataWeakening',
      Effect: 'Deny',
      Action: ['ec2:ModifyInstanceMetadata*'],
      Resource: '*',
      Condition: unlessBreakGlass(context),
    },
  );
