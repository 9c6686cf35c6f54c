import type { StateMachine } from '../../../modules/acquisition-workflow/definition/asl.ts';
import { actionOf, type Service } from '../../../modules/acquisition-workflow/definition/tasks.ts';
import type { PolicyDocument, PolicyStatement } from '../../../modules/policy.ts';
import { callOf } from './arguments.ts';
import { statesOf, tasksOf } from './walk.ts';

/** IAM actions whose name is not the operation's. */
const RENAMED: Readonly<Record<string, string>> = { 's3:ListObjectsV2': 's3:ListBucket' };

/** What a call is checked for besides itself: what it tags, which role it passes. */
const BESIDES: Readonly<Record<string, readonly string[]>> = {
  'ec2:RunInstances': ['ec2:CreateTags', 'iam:PassRole'],
  'ec2:CopySnapshot': ['ec2:CreateTags', 'kms:CreateGrant', 'kms:Decrypt', 'kms:DescribeKey', 'kms:GenerateDataKeyWithoutPlaintext', 'kms:ReEncryptFrom', 'kms:ReEncryptTo'],
  'ec2:CreateVolume': ['ec2:CreateTags', 'kms:CreateGrant', 'kms:Decrypt', 'kms:DescribeKey', 'kms:GenerateDataKeyWithoutPlaintext', 'kms:ReEncryptFrom', 'kms:ReEncryptTo'],
  'ec2:CreateSnapshots': ['ec2:CreateTags'],
  'ec2:CreateSecurityGroup': ['ec2:CreateTags'],
  'iam:CreateRole': ['iam:TagRole'],
  's3:PutObject': ['kms:GenerateDataKey'],
  'sns:Publish': ['kms:Decrypt', 'kms:GenerateDataKey'],
};

/** Calls that no policy has to allow: the grant itself names who may retire it. */
const BY_ITSELF: ReadonlySet<string> = new Set(['kms:RetireGrant']);

export type Whose = 'workflow' | 'member';

/** Every IAM action that a machine needs of one of its roles, with the states that need it. */
export function neededActions(machine: StateMachine, whose: Whose): ReadonlyMap<string, readonly string[]> {
  const needed = new Map<string, string[]>();
  const add = (action: string, state: string): void => void needed.set(action, [...(needed.get(action) ?? []), state]);
  for (const { name, state } of tasksOf(machine)) {
    if ((state.Credentials === undefined) !== (whose === 'workflow')) {
      if (whose === 'workflow') add('sts:AssumeRole', name);
      continue;
    }
    const call = callOf(state.Resource);
    const plain = call ? actionOf(call.service as Service, call.action) : 'lambda:InvokeFunction';
    const action = RENAMED[plain] ?? plain;
    if (BY_ITSELF.has(action)) continue;
    add(action, name);
    for (const besides of BESIDES[action] ?? []) add(besides, name);
  }
  for (const name of distributedMaps(machine)) {
    if (whose === 'workflow') for (const action of ['states:StartExecution', 'states:DescribeExecution', 'states:StopExecution']) add(action, name);
  }
  return needed;
}

/** Maps whose iterations are executions, which the state machine starts itself. */
const distributedMaps = (machine: StateMachine): string[] =>
  statesOf(machine).flatMap(({ name, state }) => (state.Type === 'Map' && state.ItemProcessor.ProcessorConfig.Mode === 'DISTRIBUTED' ? [name] : []));

const list = (value: PolicyStatement['Action']): readonly string[] => (value === undefined ? [] : typeof value === 'string' ? [value] : value);

const matches = (pattern: string, action: string): boolean => new RegExp(`^${pattern.replaceAll('*', '.*')}$`, 'i').test(action);
const actionsOf = (policy: PolicyDocument, effect: 'Allow' | 'Deny'): readonly string[] => policy.Statement.filter(({ Effect }) => Effect === effect).flatMap(({ Action }) => list(Action));

/** Actions that are needed and not granted. */
export const notGranted = (needed: ReadonlyMap<string, readonly string[]>, policy: PolicyDocument): string[] =>
  [...needed].filter(([action]) => !actionsOf(policy, 'Allow').some((pattern) => matches(pattern, action))).map(([action, states]) => `${action}: needed by "${states[0]}", not granted`);

/** Actions that are granted and not needed; what somebody else needs is `known`, with the reason. */
export const notNeeded = (needed: ReadonlyMap<string, readonly string[]>, policy: PolicyDocument, known: Readonly<Record<string, string>>): string[] =>
  [...new Set(actionsOf(policy, 'Allow'))].filter((action) => !needed.has(action) && !(action in known)).map((action) => `${action}: granted, and nothing needs it`);

/** Actions that are needed and that a denial without a condition refuses. */
export const denied = (needed: ReadonlyMap<string, readonly string[]>, policy: PolicyDocument): string[] => {
  const refused = policy.Statement.filter(({ Effect, Condition }) => Effect === 'Deny' && Condition === undefined).flatMap(({ Action }) => list(Action));
  return [...needed.keys()].filter((action) => refused.some((pattern) => matches(pattern, action))).map((action) => `${action}: needed, and denied`);
};
