import { policyDocument, type PolicyDocument, type PolicyStatement } from '../policy.ts';
import { CASE_TAGS, CONTAINED_TAG_KEYS, CONTAINED_TAG_PATTERN, containedProfileArn, containedRoleArn, sessionDenialPolicyArn, type EstateNaming } from '../vocabulary/index.ts';

export interface ContainmentNaming extends EstateNaming {
  /** The monitored account. */
  readonly account: string;
}

/**
 * Denies everything to the sessions of contained instances, and nothing to anybody else: a session of an instance has the
 * instance's id in `aws:userid`, and the role that it is attached to names the contained ones in its tags. Made once, since
 * IAM cannot limit what an inline policy says to a role that may write one.
 */
export const sessionDenial = (): PolicyDocument =>
  policyDocument({
    Sid: 'DenyContainedSessions',
    Effect: 'Deny',
    Action: '*',
    Resource: '*',
    // A variable without a value would make the whole statement void, so each has one that no session's name ends in.
    Condition: { StringLike: { 'aws:userid': CONTAINED_TAG_KEYS.map((key) => `*:\${aws:PrincipalTag/${key}, 'nobody'}`) } },
  });

/** Of the role that a contained instance has: not even what other policies grant to everybody in the account. */
export const containedRolePolicy = (): PolicyDocument => policyDocument({ Sid: 'Nothing', Effect: 'Deny', Action: '*', Resource: '*' });

/** What the acquisition role may do to the credentials of a suspect, and how a release gives them back. */
export function credentialStatements(naming: ContainmentNaming): readonly PolicyStatement[] {
  const { partition, account } = naming;
  const instances = `arn:${partition}:ec2:*:${account}:instance/*`;
  const roles = `arn:${partition}:iam::${account}:role/*`;
  const contained = containedProfileArn(naming, account);
  const denial = { ArnEquals: { 'iam:PolicyARN': sessionDenialPolicyArn(naming, account) } };
  const toEc2 = { 'iam:PassedToService': 'ec2.amazonaws.com' };
  // The state machine's sessions have no tags: only the functions that name their case give anything back.
  const inRelease = { [`aws:PrincipalTag/${CASE_TAGS.caseId}`]: '?*' };
  const containedTags = { 'ForAllValues:StringLike': { 'aws:TagKeys': CONTAINED_TAG_PATTERN } };
  return [
    { Sid: 'LookAtRoles', Effect: 'Allow', Action: ['iam:GetInstanceProfile', 'iam:ListRoleTags'], Resource: [roles, `arn:${partition}:iam::${account}:instance-profile/*`] },
    {
      Sid: 'ReplaceProfile',
      Effect: 'Allow',
      Action: 'ec2:ReplaceIamInstanceProfileAssociation',
      Resource: instances,
      Condition: { ArnEquals: { 'ec2:NewInstanceProfile': contained } },
    },
    { Sid: 'PassContainedRole', Effect: 'Allow', Action: 'iam:PassRole', Resource: containedRoleArn(naming, account), Condition: { StringEquals: toEc2 } },
    {
      // Of contained instances only: no other instance can be given a role.
      Sid: 'GiveProfileBack',
      Effect: 'Allow',
      Action: 'ec2:ReplaceIamInstanceProfileAssociation',
      Resource: instances,
      Condition: { ArnEquals: { 'ec2:InstanceProfile': contained }, StringLike: inRelease },
    },
    { Sid: 'PassRoleBack', Effect: 'Allow', Action: 'iam:PassRole', Resource: roles, Condition: { StringEquals: toEc2, StringLike: inRelease } },
    { Sid: 'DenySessions', Effect: 'Allow', Action: 'iam:AttachRolePolicy', Resource: roles, Condition: denial },
    { Sid: 'MarkContained', Effect: 'Allow', Action: 'iam:TagRole', Resource: roles, Condition: { ...containedTags } },
    { Sid: 'UnmarkContained', Effect: 'Allow', Action: 'iam:UntagRole', Resource: roles, Condition: { ...containedTags, StringLike: inRelease } },
    {
      // Not while it denies the sessions of another contained instance.
      Sid: 'AllowSessionsAgain',
      Effect: 'Allow',
      Action: 'iam:DetachRolePolicy',
      Resource: roles,
      Condition: { ...denial, StringLike: inRelease, Null: Object.fromEntries(CONTAINED_TAG_KEYS.map((key) => [`aws:ResourceTag/${key}`, 'true'])) },
    },
  ];
}

/** Actions on identities that stay denied where a containment may attach, tag and pass. */
export const NEVER_ON_IDENTITIES = [
  'iam:Add*', 'iam:AttachGroupPolicy', 'iam:AttachUserPolicy', 'iam:C*', 'iam:De*User*', 'iam:De*Group*', 'iam:Dea*', 'iam:Del*', 'iam:Dis*', 'iam:E*', 'iam:Put*',
  'iam:R*', 'iam:Set*', 'iam:TagUser', 'iam:Up*',
];

/** The second lock: whatever is granted one day, nothing but the denial is attached, and a role is passed to nobody but EC2. */
export const neverGiveRights = (naming: ContainmentNaming): readonly PolicyStatement[] => [
  {
    Sid: 'NeverGiveRights',
    Effect: 'Deny',
    Action: ['iam:AttachRolePolicy', 'iam:DetachRolePolicy'],
    Resource: '*',
    Condition: { ArnNotEquals: { 'iam:PolicyARN': sessionDenialPolicyArn(naming, naming.account) } },
  },
  { Sid: 'NeverPassElsewhere', Effect: 'Deny', Action: 'iam:PassRole', Resource: '*', Condition: { StringNotEquals: { 'iam:PassedToService': 'ec2.amazonaws.com' } } },
];
