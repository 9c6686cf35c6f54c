import { policyDocument, type PolicyDocument } from '../../policy.ts';
import { unlessBreakGlass, type GuardrailContext } from './context.ts';

/** Services a forensic account has a use for; everything else is a way in, a way out, or a cost. */
export const USABLE_SERVICES = [
  'access-analyzer',
  'cloudtrail',
  'cloudwatch',
  'config',
  'ebs',
  'ec2',
  'ec2messages',
  'events',
  'guardduty',
  'health',
  'iam',
  'imagebuilder',
  'inspector2',
  'kms',
  'lambda',
  'logs',
  'organizations',
  'route53resolver',
  's3',
  'securityhub',
  'servicequotas',
  'sns',
  'sqs',
  'ssm',
  'ssmmessages',
  'states',
  'sts',
  'support',
  'tag',
  'trustedadvisor',
] as const;

/** SCP: a forensic account uses the services it needs and no others. */
export const denyUnlistedServices = (context: GuardrailContext): PolicyDocument =>
  policyDocument({
    Sid: 'DenyUnlistedServices',
    Effect: 'Deny',
    NotAction: USABLE_SERVICES.map((service) => `${service}:*`),
    Resource: '*',
    Condition: unlessBreakGlass(context),
  });
