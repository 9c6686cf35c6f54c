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

/** Queue of the acquisitions that ended and whose request ids are still to be looked up. */
export const requestIdsQueueName = ({ prefix }: Pick<EstateNaming, 'prefix'>): string => `${prefix}-request-ids`;

/** What functions write to their own logs, so that a metric filter and the writer cannot drift apart. */
export const FunctionLogEvent = {
  /** Something that a case left behind. */
  sweepOrphan: 'sweep.orphan',
  sweepFinished: 'sweep.finished',
} as const;

/** Label of the state machine's Map over volumes; a part of the ARNs of its child executions. */
export const VOLUMES_LABEL = 'Volumes';

/** Name of the role by which an account's rules forward findings to the bus of cases. Only such roles may put events there. */
export const findingsRoleName = ({ prefix }: Pick<EstateNaming, 'prefix'>, region: string, kind: 'security' | 'member' = 'security'): string =>
  `${prefix}-findings-${kind === 'member' ? 'tag-' : ''}${region}`;

/** The roles of {@link findingsRoleName} in every account and Region. */
export const findingsRolePattern = (naming: EstateNaming): string => `arn:${naming.partition}:iam::*:role${iamPath(naming)}${findingsRoleName(naming, '*')}`;

/** The roles of all functions of an account and Region. */
export const handlerRolePattern = (place: Place): string =>
  `arn:${place.partition}:iam::${place.account}:role${iamPath(place)}${place.prefix}-fn-*-${place.region}`;

/** Path of the parameters that list the monitored accounts with their external ids; they are numbered from 0. */
export const membersPath = ({ prefix, region }: Pick<Place, 'prefix' | 'region'>): string => `/${prefix}/${region}/members`;
