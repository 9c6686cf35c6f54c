import { CONTAINED_TAG_KEYS, containedProfileName, iamPath, sessionDenialPolicyName } from '../../vocabulary/index.ts';
import { jsonata, quoted, type Expression, type States } from './asl.ts';
import { doneChange } from './preserve.ts';
import { callTask, notedAndOn, touched, type CallOptions, type WorkflowNames } from './tasks.ts';

/** First state that looks at the credentials of the instance, before anything is changed. */
export const LOOK_AT_CREDENTIALS = 'Which profile has it?';
/** First state that takes them from it. */
export const REPLACE_CREDENTIALS = 'Has it a profile to be replaced?';

const ofAccount = (names: WorkflowNames, kind: string, name: string): Expression =>
  jsonata(`${quoted(`arn:${names.partition}:iam::`)} & $case.account & ${quoted(`:${kind}${iamPath(names)}${name}`)}`);
const inside = (expression: Expression): string => expression.slice(3, -3);
const denialArn = (names: WorkflowNames): Expression => ofAccount(names, 'policy', sessionDenialPolicyName(names));

/** The changes that say how the credentials are given back; a release begins with the last one. */
export const credentialUndo = (names: WorkflowNames): string => {
  const profile = doneChange(names, '"its instance profile is replaced by one that may do nothing"', 'ec2:replaceIamInstanceProfileAssociation', '{"InstanceId": $case.instanceId, "IamInstanceProfile": {"Arn": $profile.arn}}');
  const denial = doneChange(names, '"the denial of sessions is attached to role " & $denial.role', 'iam:detachRolePolicy', `{"RoleName": $denial.role, "PolicyArn": ${inside(denialArn(names))}}`);
  const tag = doneChange(names, '"its sessions of role " & $denial.role & " are denied"', 'iam:untagRole', '{"RoleName": $denial.role, "TagKeys": [$denial.key]}');
  return `$append($profile.id = "" ? [] : [${profile}], $denial.key = "" ? [] : [${denial}, ${tag}])`;
};

/** The key that the instance's last digit gives, or another that is free; the one that has this instance already, where there is one. */
const FREE_KEY = `($keys := ${JSON.stringify(CONTAINED_TAG_KEYS)}; $taken := $states.result.Tags[Key in $keys]; $mine := $taken[Value = $case.instanceId][0].Key; $own := "CleanroomContained" & $substring($case.instanceId, -1); $free := $filter($append([$own], $keys), function($k) { $not($k in $taken.Key) })[0]; {"role": $denial.role, "key": $exists($mine) ? $mine : $exists($free) ? $free : $error("the sessions of ${CONTAINED_TAG_KEYS.length} instances of this role are denied already")})`;

/**
 * A new profile ends what the instance can ask for from now on; the sessions that it has, and whoever took them with them,
 * are denied by the instance's id, which every session of an instance carries.
 * @param write state that records how to undo it, before anything is done
 */
export const credentialStates = (names: WorkflowNames, write: string, on: string): States => {
  const step = (state: string, { next, onFailure = next, ...options }: Omit<CallOptions, 'catch' | 'inMember'> & { readonly onFailure?: string }): States => ({
    [state]: callTask(names, { inMember: true, next, catch: notedAndOn(state, onFailure), ...options }),
  });
  const role = { RoleName: jsonata('$denial.role') };
  const touchedRole = (action: string) => ({ calls: touched('iam', action, '$denial.role', '$case.account', names.region) });
  return {
    ...step(LOOK_AT_CREDENTIALS, {
      service: 'ec2',
      action: 'describeIamInstanceProfileAssociations',
      args: { Filters: [{ Name: 'instance-id', Values: [jsonata('$case.instanceId')] }] },
      asks: true,
      assign: {
        // One that another case has replaced already is given back by the release of that case.
        profile: jsonata(`($found := $states.result.IamInstanceProfileAssociations[State in ["associating", "associated"]][0]; $exists($found) and $found.IamInstanceProfile.Arn != ${inside(ofAccount(names, 'instance-profile', containedProfileName(names)))} ? {"id": $found.AssociationId, "arn": $found.IamInstanceProfile.Arn} : {"id": "", "arn": ""})`),
      },
      next: 'Has it a profile?',
      onFailure: write,
    }),
    'Has it a profile?': { Type: 'Choice', Choices: [{ Condition: jsonata('$profile.id != ""'), Next: 'Which role is in the profile?' }], Default: write },
    ...step('Which role is in the profile?', {
      service: 'iam',
      action: 'getInstanceProfile',
      args: { InstanceProfileName: jsonata('$split($profile.arn, "/")[-1]') },
      asks: true,
      assign: { denial: jsonata('($role := $states.result.InstanceProfile.Roles[0].RoleName; {"role": $exists($role) ? $role : "", "key": ""})') },
      next: 'Has the profile a role?',
      onFailure: write,
    }),
    'Has the profile a role?': { Type: 'Choice', Choices: [{ Condition: jsonata('$denial.role != ""'), Next: 'Whose sessions of the role are denied?' }], Default: write },
    ...step('Whose sessions of the role are denied?', { service: 'iam', action: 'listRoleTags', args: role, asks: true, assign: { denial: jsonata(FREE_KEY) }, next: write }),
    [REPLACE_CREDENTIALS]: { Type: 'Choice', Choices: [{ Condition: jsonata('$profile.id != ""'), Next: 'Replace its profile' }], Default: on },
    ...step('Replace its profile', {
      service: 'ec2',
      action: 'replaceIamInstanceProfileAssociation',
      args: { AssociationId: jsonata('$profile.id'), IamInstanceProfile: { Arn: ofAccount(names, 'instance-profile', containedProfileName(names)) } },
      assign: { calls: touched('ec2', 'replaceIamInstanceProfileAssociation', '$case.instanceId', '$case.account', names.region) },
      next: 'Are its sessions to be denied?',
    }),
    'Are its sessions to be denied?': { Type: 'Choice', Choices: [{ Condition: jsonata('$denial.key != ""'), Next: 'Attach the denial of sessions' }], Default: on },
    ...step('Attach the denial of sessions', {
      comment: 'It denies nobody anything until the role names an instance',
      service: 'iam',
      action: 'attachRolePolicy',
      args: { ...role, PolicyArn: denialArn(names) },
      assign: touchedRole('attachRolePolicy'),
      next: 'Deny its sessions',
      onFailure: on,
    }),
    ...step('Deny its sessions', {
      service: 'iam',
      action: 'tagRole',
      args: { ...role, Tags: [{ Key: jsonata('$denial.key'), Value: jsonata('$case.instanceId') }] },
      assign: touchedRole('tagRole'),
      next: on,
    }),
  };
};
