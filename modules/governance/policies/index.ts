import { packStatements, type PolicyDocument } from '../../policy.ts';
import { denyUnlistedServices } from './allow-list.ts';
import type { GuardrailContext } from './context.ts';
import { denyEvidenceTampering } from './evidence-worm.ts';
import { denyExfiltration } from './exfiltration.ts';
import { denyIdentityChange } from './identity.ts';
import { denyKeyTampering } from './key-guard.ts';
import { denyUnguardedLaunch } from './launch-guard.ts';
import { denyLogTampering } from './log-guard.ts';
import { denyNetworkChange } from './network-seal.ts';
import { denyPipelineChange } from './pipeline-guard.ts';
import { denyUnloggedSessions } from './session-guard.ts';

export * from './context.ts';
export { denyUnlistedServices, USABLE_SERVICES } from './allow-list.ts';
export { denyEvidenceTampering } from './evidence-worm.ts';
export { denyExfiltration } from './exfiltration.ts';
export { denyIdentityChange } from './identity.ts';
export { denyKeyTampering } from './key-guard.ts';
export { denyUnguardedLaunch, LAUNCHABLE_SUBNETS } from './launch-guard.ts';
export { denyLogTampering } from './log-guard.ts';
export { denyNetworkChange } from './network-seal.ts';
export { denyPipelineChange } from './pipeline-guard.ts';
export { denyUnloggedSessions } from './session-guard.ts';
export { denyOtherRegions } from './region-pin.ts';
export { resourcePerimeter } from './resource-perimeter.ts';
export { ec2Declarative } from './ec2-declarative.ts';
export { S3_POLICY_PROVIDER, s3BlockPublicAccess } from './s3-account.ts';
export { caseTagPolicy, PURPOSES } from './case-tags.ts';

/** The service control policies of a forensic unit, by subject. The Region pin is not among them: it is one an account. */
export const SERVICE_CONTROL_POLICIES = {
  'allow-list': denyUnlistedServices,
  'network-seal': denyNetworkChange,
  'launch-guard': denyUnguardedLaunch,
  'evidence-worm': denyEvidenceTampering,
  'key-guard': denyKeyTampering,
  'log-guard': denyLogTampering,
  'session-guard': denyUnloggedSessions,
  'pipeline-guard': denyPipelineChange,
  identity: denyIdentityChange,
  exfiltration: denyExfiltration,
} as const satisfies Record<string, (context: GuardrailContext) => PolicyDocument>;

/**
 * All service control policies of a forensic unit in as few documents as the organization's quota allows: a node takes
 * five (ten since May 2026), and AWS's own FullAWSAccess is one of them.
 * @param limit characters a document may have in this organization
 */
export const packedServiceControlPolicies = (context: GuardrailContext, limit: number): readonly PolicyDocument[] =>
  packStatements(
    Object.values(SERVICE_CONTROL_POLICIES).flatMap((policy) => policy(context).Statement),
    limit,
  );
