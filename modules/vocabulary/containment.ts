import { iamPath, type EstateNaming } from './estate-names.ts';

/**
 * Keys of the tags by which a role's denial of sessions knows whom it is for; the value is the instance's id. A key for
 * each last digit of an instance id, so that instances that share a role and are contained at the same moment hardly meet.
 */
export const CONTAINED_TAG_KEYS = Array.from({ length: 16 }, (_, digit) => `CleanroomContained${digit.toString(16)}`);

/** All of them, as a policy's pattern. */
export const CONTAINED_TAG_PATTERN = 'CleanroomContained?';

/** Name of the instance profile, and of its role, that a contained instance has in the place of its own: it may do nothing. */
export const containedProfileName = ({ prefix }: Pick<EstateNaming, 'prefix'>): string => `${prefix}-contained`;

export const containedRoleArn = (naming: EstateNaming, account: string): string =>
  `arn:${naming.partition}:iam::${account}:role${iamPath(naming)}${containedProfileName(naming)}`;

export const containedProfileArn = (naming: EstateNaming, account: string): string =>
  `arn:${naming.partition}:iam::${account}:instance-profile${iamPath(naming)}${containedProfileName(naming)}`;

/** Last part of the name of the policy that denies the sessions of contained instances. */
export const SESSION_DENIAL = 'deny-contained-sessions';

export const sessionDenialPolicyName = ({ prefix }: Pick<EstateNaming, 'prefix'>): string => `${prefix}-${SESSION_DENIAL}`;

export const sessionDenialPolicyArn = (naming: EstateNaming, account: string): string =>
  `arn:${naming.partition}:iam::${account}:policy${iamPath(naming)}${sessionDenialPolicyName(naming)}`;
