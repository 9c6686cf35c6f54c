import type { HandlerName } from './case-names.ts';
import { iamPath, type EstateNaming, type Place } from './estate-names.ts';

/** Name of a function's role; roles are global, so the Region is a part of it. */
export const handlerRoleName = ({ prefix, region }: Pick<Place, 'prefix' | 'region'>, handler: HandlerName): string => `${prefix}-fn-${handler}-${region}`;

export const handlerRoleArn = (place: Place, handler: HandlerName): string =>
  `arn:${place.partition}:iam::${place.account}:role${iamPath(place)}${handlerRoleName(place, handler)}`;

/** Log group of a function. */
export const functionLogGroup = ({ prefix }: Pick<EstateNaming, 'prefix'>, handler: HandlerName): string => `/aws/lambda/${prefix}-${handler}`;

/** Log group of the state machine's history. Under this prefix CloudWatch Logs needs no resource policy for each group. */
export const stateMachineLogGroup = ({ prefix }: Pick<EstateNaming, 'prefix'>): string => `/aws/vendedlogs/states/${prefix}-acquisition`;

/** Queue of the events that opened no case. */
export const failedEventsQueueName = ({ prefix }: Pick<EstateNaming, 'prefix'>): string => `${prefix}-cases-failed`;

/** What functions write to their own logs, so that a metric filter and the writer cannot drift apart. */
export const FunctionLogEvent = {
  /** Something that a case left behind. */
  sweepOrphan: 'sweep.orphan',
  sweepFinished: 'sweep.finished',
} as const;

/** Label of the state machine's Map over volumes; a part of the ARNs of its child executions. */
export const VOLUMES_LABEL = 'Volumes';
