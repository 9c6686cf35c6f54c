import type { StateMachine } from '../../../modules/acquisition-workflow/definition/asl.ts';
import type { AwsBridge, OperationModel, Shape } from '../../helpers/aws/bridge.ts';
import { tasksOf } from './walk.ts';

/** boto3's names of services that Step Functions names otherwise. */
export const BOTO_NAME: Readonly<Record<string, string>> = { cloudwatchlogs: 'logs', elasticloadbalancing: 'elb', elasticloadbalancingv2: 'elbv2' };

const INTEGRATION = /^arn:aws:states:::aws-sdk:([a-z0-9]+):([A-Za-z0-9]+)$/;

/** The service and action of an `aws-sdk` integration; undefined of any other. */
export const callOf = (resource: string): { readonly service: string; readonly action: string } | undefined => {
  const match = INTEGRATION.exec(resource);
  return match ? { service: match[1]!, action: match[2]! } : undefined;
};

const isExpression = (data: unknown): boolean => typeof data === 'string' && data.startsWith('{%');
const KIND: Readonly<Record<string, string>> = { string: 'string', integer: 'number', long: 'number', float: 'number', double: 'number', boolean: 'boolean' };

const scalarProblems = (shape: Shape, data: unknown, path: string): string[] => {
  const kind = KIND[shape.type];
  if (kind !== undefined && typeof data !== kind) return [`${path}: ${JSON.stringify(data)} is no ${shape.type}`];
  if (typeof data === 'string') {
    if (shape.enum && !shape.enum.includes(data)) return [`${path}: "${data}" is none of ${shape.enum.slice(0, 8).join(', ')}`];
    if (shape.max !== undefined && data.length > shape.max) return [`${path}: longer than ${shape.max}`];
    if (shape.min !== undefined && data.length < shape.min) return [`${path}: shorter than ${shape.min}`];
  }
  if (typeof data === 'number' && ((shape.max !== undefined && data > shape.max) || (shape.min !== undefined && data < shape.min))) return [`${path}: ${data} is not in ${shape.min} to ${shape.max}`];
  return [];
};

/** What speaks against a piece of a request; an expression is known when it is evaluated only, so it passes. */
export const problemsOf = (shape: Shape, data: unknown, path: string): string[] => {
  if (isExpression(data) || shape.type === 'any' || shape.type === 'blob') return [];
  if (shape.type === 'list') return Array.isArray(data) ? data.flatMap((item, index) => problemsOf(shape.member!, item, `${path}[${index}]`)) : [`${path}: no list`];
  if (typeof data === 'object' && data !== null && !Array.isArray(data)) {
    if (shape.type === 'map') return Object.entries(data).flatMap(([key, value]) => problemsOf(shape.value!, value, `${path}.${key}`));
    if (shape.type !== 'structure') return [`${path}: an object, where ${shape.type} is wanted`];
    const missing = (shape.required ?? []).filter((name) => !(name in data)).map((name) => `${path}: ${name} is missing`);
    const members = Object.entries(data).flatMap(([key, value]) => {
      const member = shape.members?.[key];
      return member ? problemsOf(member, value, `${path}.${key}`) : [`${path}: there is no ${key}`];
    });
    return [...missing, ...members];
  }
  return shape.type === 'structure' || shape.type === 'map' ? [`${path}: ${JSON.stringify(data)} is no object`] : scalarProblems(shape, data, path);
};

export type Models = ReadonlyMap<string, OperationModel | null>;

/** The models of all operations that a machine calls. */
export async function modelsOf(bridge: AwsBridge, machine: StateMachine): Promise<Models> {
  const calls = tasksOf(machine).flatMap(({ state }) => callOf(state.Resource) ?? []);
  const models = new Map<string, OperationModel | null>();
  for (const [service, group] of Map.groupBy(calls, (call) => call.service)) {
    const actions = [...new Set(group.map(({ action }) => action))];
    const found = await bridge.models(BOTO_NAME[service] ?? service, actions);
    for (const action of actions) models.set(`${service}:${action}`, found[action] ?? null);
  }
  return models;
}

/** What speaks against the arguments of a machine's SDK calls. */
export const argumentProblems = (machine: StateMachine, models: Models): string[] =>
  tasksOf(machine).flatMap(({ name, state }) => {
    const call = callOf(state.Resource);
    if (!call) return [];
    const model = models.get(`${call.service}:${call.action}`);
    if (!model) return [`${name}: ${call.service} has no operation ${call.action}`];
    if (model.name !== `${call.action.charAt(0).toUpperCase()}${call.action.slice(1)}`) return [`${name}: ${call.action} is written ${model.name}`];
    return problemsOf(model.input, state.Arguments, name);
  });
