import { z } from 'zod';
import { CONTAINED_TAG_KEYS, SESSION_DENIAL } from './containment.ts';
import { AccountId, RegionName } from './identifiers.ts';
import { SOURCE_GRANT_NAME } from './source-keys.ts';

/**
 * The calls that may undo a preparation of the suspect. A list and not a pattern, so that no record, forged or mistaken,
 * can make a release delete or terminate anything. Written as the SDK integrations write them.
 */
export const UNDO_ACTIONS = [
  'autoscaling:exitStandby',
  'ec2:modifyInstanceAttribute',
  'ec2:modifyInstanceMetadataOptions',
  'ec2:modifyNetworkInterfaceAttribute',
  /** With `InstanceId` and not `AssociationId`: the association that the containment makes has no id yet when its undo is recorded. */
  'ec2:replaceIamInstanceProfileAssociation',
  'elasticloadbalancing:registerInstancesWithLoadBalancer',
  'elasticloadbalancingv2:registerTargets',
  /** Takes the denial of sessions off a role, and no other policy. */
  'iam:detachRolePolicy',
  /** Says that a role's denial is for this instance no longer; takes no other tag away. */
  'iam:untagRole',
  /** With `Name` and not `GrantId`: the grant has no id yet when its undo is recorded. Takes a right of ours away, and nobody else's. */
  'kms:retireGrant',
] as const;
export type UndoAction = (typeof UNDO_ACTIONS)[number];

const DENIAL_ARN = new RegExp(`^arn:aws[a-z-]*:iam::\\d{12}:policy/([a-z0-9-]+)/\\1-${SESSION_DENIAL}$`);

/** One call that undoes one step, with its parameters as the SDK names them. */
export const UndoCall = z
  .strictObject({
    action: z.enum(UNDO_ACTIONS),
    account: AccountId,
    region: RegionName,
    parameters: z.record(z.string(), z.json()),
  })
  .refine(
    ({ action, parameters: { PolicyArn: arn } }) => action !== 'iam:detachRolePolicy' || (typeof arn === 'string' && DENIAL_ARN.test(arn)),
    { message: 'the only policy that may be taken off a role is the denial of sessions', path: ['parameters', 'PolicyArn'] },
  )
  .refine(
    ({ action, parameters: { TagKeys: keys } }) =>
      action !== 'iam:untagRole' || (Array.isArray(keys) && keys.length > 0 && keys.every((key) => typeof key === 'string' && CONTAINED_TAG_KEYS.includes(key))),
    { message: 'the only tags that may be taken off a role are those of its denial of sessions', path: ['parameters', 'TagKeys'] },
  )
  .refine(
    ({ action, account, parameters: { Name: name, RetiringPrincipal: by } }) =>
      action !== 'kms:retireGrant' || (typeof name === 'string' && SOURCE_GRANT_NAME.test(name) && typeof by === 'string' && by.includes(`:iam::${account}:role/`)),
    { message: 'the only grants that may be retired are those that a case made', path: ['parameters', 'Name'] },
  );
export type UndoCall = z.infer<typeof UndoCall>;
