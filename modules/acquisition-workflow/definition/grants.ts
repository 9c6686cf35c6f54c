import { roleArn, SOURCE_KEY_OPERATIONS } from '../../vocabulary/index.ts';
import { jsonata, tenAtOnce, type Expression, type States } from './asl.ts';
import { doneChange } from './preserve.ts';
import { recordTask } from './records.ts';
import { anyErrorOf, callTask, madeCall, memberRole, notedAndOn, problemOf, whenItFails, type WorkflowNames } from './tasks.ts';

/** First state of the grants: after the snapshots were asked for, so that a grant works everywhere by the time they are complete. */
export const GRANT_KEYS = 'Are there keys to be granted?';
/** First state that takes them back. */
export const TAKE_GRANTS_BACK = 'Are there grants to be taken back?';

const WRITE = 'Write down how to take the grants back';
const GRANT = 'Grant the keys of its volumes';
const BACK = 'Take the grants back';

/** {@link SOURCE_GRANT_NAME} as JSONata. */
const NAME = '"cleanroom-" & $case.instanceId & "-" & $substring($hash($case.caseId, "SHA-256"), 0, 16)';
const what = (keyArn: string): string => `"the forensic account may use the key " & ${keyArn}`;
const left = (grant: string): string => `"grant " & ${grant}.grantId & " on " & ${grant}.keyArn`;

/** What an iteration tells: its grant, and its call for the custody log. @param grantId a JSONata expression */
const answered = (names: WorkflowNames, action: string, grantId: string): Expression =>
  jsonata(`{"keyArn": $states.input.keyArn, "grantId": ${grantId}, "call": ${madeCall({ service: 'kms', action, resources: `$states.input.keyArn, ${grantId}`, account: '$case.account', region: names.region })}}`);

const GRANTS = jsonata('[$states.result[$exists(grantId)].{"keyArn": keyArn, "grantId": grantId}]');
/** Of the calls that were answered, and of no other. */
const CALLS = jsonata('$append($calls, [$states.result.call])');

/** Each key's own answer, whichever way it went: one that is refused says so, and its volumes are copied under the transit key. */
const grantOne = (names: WorkflowNames): States => {
  const refused = 'The key is not granted';
  return {
    'Grant a key': {
      ...callTask(names, {
        comment: 'The snapshot can then be restored as it is, without a copy under the transit key',
        service: 'kms',
        action: 'createGrant',
        args: {
          KeyId: jsonata('$states.input.keyArn'),
          GranteePrincipal: roleArn(names, 'workflow'),
          RetiringPrincipal: memberRole(names),
          Operations: SOURCE_KEY_OPERATIONS,
          Name: jsonata(NAME),
        },
        inMember: true,
        // KMS gives the same grant for the same name, so asking again is harmless; a refusal is worth no minute.
        retry: [{ ErrorEquals: [anyErrorOf('kms')], IntervalSeconds: 2, MaxAttempts: 2, BackoffRate: 2, MaxDelaySeconds: 10, JitterStrategy: 'FULL' }],
        catch: whenItFails('Grant a key', refused, {}).map((catcher) => ({ ...catcher, Output: jsonata(`{"keyArn": $states.input.keyArn, "problem": ${problemOf('Grant a key').slice(3, -3)}}`) })),
        next: 'The key is granted',
      }),
      Output: answered(names, 'createGrant', '$states.result.GrantId'),
    },
    'The key is granted': { Type: 'Succeed' },
    [refused]: { Type: 'Succeed' },
  };
};

/**
 * Lets the forensic workflow use the keys of the suspect's volumes, by a grant that this case names and that its end, or a
 * release, takes back. Written down before it is made.
 * @param on state that follows, whatever came of it
 */
export const grantStates = (names: WorkflowNames, on: string): States => ({
  [GRANT_KEYS]: { Type: 'Choice', Choices: [{ Condition: jsonata('$count($plan.grants) > 0'), Next: WRITE }], Default: on },
  [WRITE]: recordTask(names, {
    state: WRITE,
    changes: `[$map($plan.grants, function($g) { ${doneChange(names, what('$g.keyArn'), 'kms:retireGrant', `{"KeyId": $g.keyArn, "Name": ${NAME}, "RetiringPrincipal": ${memberRole(names).slice(3, -3)}}`)} })]`,
    catch: notedAndOn(WRITE, on), // a grant that nobody knows how to take back is not made
    next: GRANT,
  }),
  [GRANT]: {
    Type: 'Map',
    Items: jsonata('$plan.grants'),
    ItemSelector: { keyArn: jsonata('$states.context.Map.Item.Value.keyArn') },
    ...tenAtOnce('Grant a key', grantOne(names)),
    Assign: {
      grants: GRANTS,
      notes: jsonata('$append($notes, [$states.result[$exists(problem)].problem])'),
      leftBehind: jsonata(`$append($leftBehind, [$states.result[$exists(grantId)].{"resource": ${left('$')}, "why": "lets the forensic account use the key; a release takes it back"}])`),
      calls: CALLS,
    },
    Output: {},
    Catch: notedAndOn(GRANT, on),
    Next: on,
  },
});

const takeOne = (names: WorkflowNames): States => ({
  'Take a grant back': {
    ...callTask(names, {
      service: 'kms',
      action: 'retireGrant',
      args: { KeyId: jsonata('$states.input.keyArn'), GrantId: jsonata('$states.input.grantId') },
      inMember: true,
      catch: whenItFails('Take a grant back', 'The grant stays', {}),
      next: 'The grant is taken back',
    }),
    Output: answered(names, 'retireGrant', '$states.input.grantId'),
  },
  'The grant is taken back': { Type: 'Succeed' },
  'The grant stays': { Type: 'Succeed', Output: {} },
});

/**
 * Takes the grants back when every image is proven and every evidence snapshot kept: until then a volume that was restored may
 * still be filled from the snapshot. What cannot be taken back stays listed, and is undone by a release.
 * @param on state that follows, whatever came of it
 */
export const grantRemovalStates = (names: WorkflowNames, on: string): States => ({
  [TAKE_GRANTS_BACK]: { Type: 'Choice', Choices: [{ Condition: jsonata('$count($grants) > 0'), Next: BACK }], Default: on },
  [BACK]: {
    Type: 'Map',
    Items: jsonata('$grants'),
    ItemSelector: jsonata('$states.context.Map.Item.Value'),
    ...tenAtOnce('Take a grant back', takeOne(names)),
    Assign: {
      grants: GRANTS,
      leftBehind: jsonata(`($back := $states.result[$exists(grantId)].(${left('$')}); [$leftBehind[$not(resource in $back)]])`),
      calls: CALLS,
    },
    Output: {},
    Catch: notedAndOn(BACK, on),
    Next: 'Record that the grants are taken back',
  },
  'Record that the grants are taken back': recordTask(names, {
    state: 'Record that the grants are taken back',
    changes: `[$map($grants, function($g) { {"kind": "undone", "what": ${what('$g.keyArn')}} })]`,
    next: on,
  }),
});
