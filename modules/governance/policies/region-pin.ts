import { policyDocument, type PolicyDocument } from '../../policy.ts';
import { unlessBreakGlassOr, type GuardrailContext } from './context.ts';

/** Services that answer in one Region for all; pinning them would lock out every Region but that one. */
const GLOBAL_SERVICES = ['health:*', 'iam:*', 'organizations:*', 's3:ListAllMyBuckets', 'sts:*', 'support:*', 'trustedadvisor:*'];

/** Terraform reads the rules of the Regions that report log-ins and changes in IAM; nobody changes them once they are sealed. */
const READS_OF_RULES = ['events:DescribeRule', 'events:ListTagsForResource', 'events:ListTargetsByRule'];

/** SCP, one for each account: evidence stays in the Regions the estate gives to that account. */
export const denyOtherRegions = (context: GuardrailContext, regions: readonly string[]): PolicyDocument =>
  policyDocument({
    Sid: 'DenyOtherRegions',
    Effect: 'Deny',
    NotAction: [...READS_OF_RULES, ...GLOBAL_SERVICES],
    Resource: '*',
    // A delivered image is read where it was built.
    Condition: { StringNotEquals: { 'aws:RequestedRegion': regions }, ...unlessBreakGlassOr(context, context.imageDelivery?.receiverRoleArns ?? []) },
  });
