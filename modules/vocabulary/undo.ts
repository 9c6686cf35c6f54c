import { z } from 'zod';
import { AccountId, RegionName } from './identifiers.ts';

/**
 * The calls that may undo a preparation of the suspect. A list and not a pattern, so that no record, forged or mistaken,
 * can make a release delete or terminate anything. Written as the SDK integrations write them.
 */
export const UNDO_ACTIONS = [
  'autoscaling:exitStandby',
  'ec2:associateIamInstanceProfile',
  'ec2:modifyInstanceAttribute',
  'ec2:modifyInstanceMetadataOptions',
  'ec2:modifyNetworkInterfaceAttribute',
  'ec2:replaceIamInstanceProfileAssociation',
  'elasticloadbalancing:registerInstancesWithLoadBalancer',
  'elasticloadbalancingv2:registerTargets',
  /** Takes away the denial of sessions that the containment put on a role, and no other policy. */
  'iam:deleteRolePolicy',
] as const;
export type UndoAction = (typeof UNDO_ACTIONS)[number];

/** Name of the inline policy that denies the sessions of a contained instance. */
export const sessionDenialPolicyName = (instanceId: string): string => `cleanroom-deny-sessions-${instanceId}`;

/** One call that undoes one step, with its parameters as the SDK names them. */
export const UndoCall = z
  .strictObject({
    action: z.enum(UNDO_ACTIONS),
    account: AccountId,
    region: RegionName,
    parameters: z.record(z.string(), z.json()),
  })
  .refine(
    ({ action, parameters: { PolicyName: name } }) =>
      action !== 'iam:deleteRolePolicy' || (typeof name === 'string' && name.startsWith(sessionDenialPolicyName('i-'))),
    { message: 'the only policy that may be taken away is the denial of sessions', path: ['parameters', 'PolicyName'] },
  );
export type UndoCall = z.infer<typeof UndoCall>;
