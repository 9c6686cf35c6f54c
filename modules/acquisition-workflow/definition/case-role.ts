import { CASE_TAGS, caseRolePath, roleName } from '../../vocabulary/index.ts';
import { boundaryArn, collectorPolicyArn } from '../../access/policies/workflow.ts';
import { serviceTrust } from '../../access/policies/trust.ts';
import { jsonata, quoted, type Assign, type Catcher, type Data, type Retrier, type States, type TaskState } from './asl.ts';
import { ENDING } from './open.ts';
import { callTask, changeAgain, notedAndOn, whenItFails, type CallOptions, type WorkflowNames } from './tasks.ts';

/**
 * Name of the role and of the profile of one instance's collectors: one a case and instance, so that it can be taken away
 * when this acquisition is over whatever else the case does. At most 64 characters, which is what IAM takes.
 */
export const collectorRoleName = (names: WorkflowNames): string =>
  `${quoted(`${roleName(names, 'collector')}-`)} & $case.instanceId & "-" & $substring($hash($case.caseId, "SHA-256"), 0, 6)`;

const existsAlready = (error: string, next: string, state: string): readonly Catcher[] => [{ ErrorEquals: [error], Next: next }, ...whenItFails(state, ENDING)];

const iam = (names: WorkflowNames, action: string, args: Data, next: string, catchers: readonly Catcher[], more: Pick<CallOptions, 'assign' | 'retry'> = {}): TaskState =>
  callTask(names, { service: 'iam', action, args, catch: catchers, next, ...more });

/**
 * What was made a moment ago may not be known to the next call: IAM is eventually consistent. So a step that makes something
 * waits for what the one before made, up to three minutes; each may be made twice.
 */
const waiting = (action: string): readonly Retrier[] => [
  { ErrorEquals: ['Iam.NoSuchEntityException'], IntervalSeconds: 2, MaxAttempts: 10, BackoffRate: 2, MaxDelaySeconds: 30, JitterStrategy: 'FULL' },
  ...changeAgain('iam', action),
];

const ROLE = { RoleName: jsonata('$collectorRole') };
const PROFILE = { InstanceProfileName: jsonata('$collectorRole') };

/** Makes what the collectors are allowed to do: add objects under this one case. */
export const caseRoleStates = (names: WorkflowNames): States => {
  const exists = 'Iam.EntityAlreadyExistsException';
  return {
    'Name the collectors\' role': { Type: 'Pass', Assign: { collectorRole: jsonata(collectorRoleName(names)) }, Output: {}, Next: 'Make the collectors\' role' },
    'Make the collectors\' role': iam(
      names,
      'createRole',
      {
        ...ROLE,
        Path: caseRolePath(names),
        Description: jsonata('"Collectors of Cleanroom case " & $case.caseId'),
        AssumeRolePolicyDocument: JSON.stringify(serviceTrust('ec2.amazonaws.com')),
        PermissionsBoundary: boundaryArn(names, 'pipeline'),
        Tags: [{ Key: CASE_TAGS.caseId, Value: jsonata('$case.caseId') }],
      },
      'Give it the collectors\' policy',
      existsAlready(exists, 'Give it the collectors\' policy', 'Make the collectors\' role'),
      { assign: { leftBehind: jsonata('$append($leftBehind, [{"resource": $collectorRole, "why": "role and profile of the collectors"}])') } },
    ),
    'Give it the collectors\' policy': iam(names, 'attachRolePolicy', { ...ROLE, PolicyArn: collectorPolicyArn(names) }, 'Make the collectors\' profile', whenItFails('Give it the collectors\' policy', ENDING), { retry: waiting('attachRolePolicy') }),
    'Make the collectors\' profile': iam(names, 'createInstanceProfile', { ...PROFILE, Path: caseRolePath(names) }, 'Put the role into the profile', existsAlready(exists, 'Put the role into the profile', 'Make the collectors\' profile')),
    'Put the role into the profile': iam(names, 'addRoleToInstanceProfile', { ...PROFILE, ...ROLE }, 'Image each volume', existsAlready('Iam.LimitExceededException', 'Image each volume', 'Put the role into the profile'), { retry: waiting('addRoleToInstanceProfile') }),
  };
};

/** Takes it away again when no collector is left. */
export const roleRemovalStates = (names: WorkflowNames): States => {
  const step = (state: string, action: string, args: Data, next: string, assign?: Assign): States => ({ [state]: iam(names, action, args, next, notedAndOn(state, next), assign === undefined ? {} : { assign }) });
  return {
    ...step('Take the role out of the profile', 'removeRoleFromInstanceProfile', { ...PROFILE, ...ROLE }, 'Delete the collectors\' profile'),
    ...step('Delete the collectors\' profile', 'deleteInstanceProfile', PROFILE, 'Take the collectors\' policy away'),
    ...step('Take the collectors\' policy away', 'detachRolePolicy', { ...ROLE, PolicyArn: collectorPolicyArn(names) }, 'Delete the collectors\' role'),
    ...step('Delete the collectors\' role', 'deleteRole', ROLE, ENDING, { leftBehind: jsonata('[$leftBehind[resource != $collectorRole]]') }),
  };
};
