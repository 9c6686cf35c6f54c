import type { Conditions } from '../../policy.ts';
import { caseRolePath, iamPath, type EstateNaming } from '../../vocabulary/index.ts';

/** What the organization-level policies know about an estate. */
export interface GuardrailContext extends EstateNaming {
  /** Id of the organization, `o-…`. */
  readonly organizationId: string;
  /** Roles that deliver machine images from one forensic account to the others, where one builds for all. @default none: nothing is shared */
  readonly imageDelivery?: ImageDelivery;
}

/** ARNs, whole and without a wildcard. */
export interface ImageDelivery {
  /** The pipeline's role, in the account that builds. */
  readonly pipelineRoleArn: string;
  /** What takes delivery, in each of the other accounts. */
  readonly receiverRoleArns: readonly string[];
  /** What marks delivered images as deprecated, in each of the other accounts. */
  readonly lifecycleRoleArns: readonly string[];
}

/** Any account's break-glass role. Its path and name can be created by nobody but itself once the estate is sealed. */
export const breakGlassPattern = (context: EstateNaming): string =>
  `arn:${context.partition}:iam::*:role${iamPath(context)}${context.prefix}-break-glass-*`;

/** Any account's workflow role. */
export const workflowPattern = (context: EstateNaming): string =>
  `arn:${context.partition}:iam::*:role${iamPath(context)}${context.prefix}-workflow-*`;

/** The role by which any account's pipelines build images: it publishes their ids, and runs their steps. */
export const imagePipelinePattern = (context: EstateNaming): string =>
  `arn:${context.partition}:iam::*:role${iamPath(context)}${context.prefix}-image-pipeline-*`;

/** Roles that the workflow makes for one case each. */
export const caseRolePattern = (context: EstateNaming): string =>
  `arn:${context.partition}:iam::*:role${caseRolePath(context)}*`;

/** Everything under the estate's IAM path but the case roles is made by a deployment and by nobody else. */
export const estateRolePattern = (context: EstateNaming): string =>
  `arn:${context.partition}:iam::*:role${iamPath(context)}${context.prefix}-*`;

/** The condition of a denial that break-glass escapes, and a few roles besides. */
export const unlessBreakGlassOr = (context: EstateNaming, roleArns: readonly string[]): Conditions => ({
  ArnNotLike: { 'aws:PrincipalArn': roleArns.length === 0 ? breakGlassPattern(context) : [breakGlassPattern(context), ...roleArns] },
});

/** The condition of a denial that break-glass alone escapes. */
export const unlessBreakGlass = (context: EstateNaming): Conditions => ({
  ArnNotLike: { 'aws:PrincipalArn': breakGlassPattern(context) },
});
