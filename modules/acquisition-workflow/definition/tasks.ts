import { memberRoleName, iamPath, functionArn, type HandlerName, type Place } from '../../vocabulary/index.ts';
import { jsonata, quoted, type Assign, type Catcher, type Data, type Expression, type Retrier, type TaskState } from './asl.ts';

/** What the definition is made for. */
export interface WorkflowNames extends Place {
  /** Prefix of the collector's log groups. */
  readonly logPrefix: string;
  /** Days for which the evidence snapshots are locked, 1 to 36,500. */
  readonly snapshotLockDays: number;
  /** `compliance`: nobody unlocks it before that; `governance`: whoever is allowed to may. */
  readonly snapshotLockMode: 'governance' | 'compliance';
}

/** Names that Step Functions uses for services in `aws-sdk` integrations, where they are not those of the AWS CLI. */
export type Service = 'autoscaling' | 'cloudwatchlogs' | 'ec2' | 'elasticloadbalancing' | 'elasticloadbalancingv2' | 'iam' | 'kms' | 's3' | 'securityhub' | 'sns';

/** Questions may be asked again whatever went wrong. */
const ASK_AGAIN: readonly Retrier[] = [
  { ErrorEquals: ['States.ALL'], IntervalSeconds: 2, MaxAttempts: 5, BackoffRate: 2, MaxDelaySeconds: 30, JitterStrategy: 'FULL' },
];

/**
 * What every collector of a Region asks again and again is asked too often when there are hundreds: a question then has to be
 * put off until there is room for it, and a look that is minutes late loses nothing.
 */
const ASK_PATIENTLY: readonly Retrier[] = [
  { ErrorEquals: ['States.ALL'], IntervalSeconds: 2, MaxAttempts: 30, BackoffRate: 2, MaxDelaySeconds: 60, JitterStrategy: 'FULL' },
];

/** First part of the names of a service's errors. */
export const ERROR_PREFIX: Readonly<Record<Service, string>> = {
  autoscaling: 'AutoScaling',
  cloudwatchlogs: 'CloudWatchLogs',
  ec2: 'Ec2',
  elasticloadbalancing: 'ElasticLoadBalancing',
  elasticloadbalancingv2: 'ElasticLoadBalancingV2',
  iam: 'Iam',
  kms: 'Kms',
  s3: 'S3',
  securityhub: 'SecurityHub',
  sns: 'Sns',
};

/** The error that everything is which a service's model gives no name; of EC2, that is every error. */
export const anyErrorOf = (service: Service): string => `${ERROR_PREFIX[service]}.${ERROR_PREFIX[service]}Exception`;

/** Errors for a moment that a service's model does name: a retrier takes errors by their exact names. */
const PASSING: Partial<Record<Service, readonly string[]>> = {
  iam: ['Iam.ConcurrentModificationException', 'Iam.EntityTemporarilyUnmodifiableException', 'Iam.ServiceFailureException'],
};

/** Errors after which nobody knows whether AWS did what it was asked for; an answer with a status of 5xx is another, told by its text. */
export const lostAnswers = (service: Service): readonly string[] => ['States.Timeout', `${ERROR_PREFIX[service]}.SdkClientException`];

/** Whether `$problem` is such an error of EC2's. */
export const ANSWER_LOST = `($problem.error in ${JSON.stringify(lostAnswers('ec2'))} or $contains($problem.cause, /Status Code: 5[0-9][0-9]/))`;

/** Whether `$problem` says that there is no room for it now: of snapshot copies, 20 may be in flight in a Region. */
export const IS_BUSY = '$contains($problem.cause, /limit|too many|throttl|rate exceeded|rate has been exceeded/i)';

/** Changes that, made twice, leave what they leave when made once. */
export const REPEATABLE: ReadonlySet<string> = new Set([
  'ec2:lockSnapshot',
  'ec2:modifyInstanceAttribute',
  'ec2:modifyInstanceMetadataOptions',
  'ec2:modifyNetworkInterfaceAttribute',
  'ec2:modifySnapshotAttribute',
  'ec2:terminateInstances',
  'elasticloadbalancing:deregisterInstancesFromLoadBalancer',
  'elasticloadbalancingv2:deregisterTargets',
  'iam:attachRolePolicy',
  'iam:tagRole',
]);

/** A change is tried again when AWS answered that it did not make it; after a lost answer, where making it twice does no harm. */
export const changeAgain = (service: Service, action = ''): readonly Retrier[] => [
  { ErrorEquals: [anyErrorOf(service), ...(PASSING[service] ?? []), ...(REPEATABLE.has(`${service}:${action}`) ? lostAnswers(service) : [])], IntervalSeconds: 3, MaxAttempts: 4, BackoffRate: 2, MaxDelaySeconds: 30, JitterStrategy: 'FULL' },
];

/** What EC2 says where calls come too fast, as a JSONata pattern: its errors have one name. */
export const TOO_FAST = '/request ?limit|throttl|rate exceeded/i';

/** What is remembered of an error: never more than a record, a log line or a message can take, and never nothing. */
export const problemOf = (what: string): Expression =>
  jsonata(
    `{"state": ${quoted(what)}, "error": $exists($states.errorOutput.Error) ? $string($states.errorOutput.Error) : "unknown", "cause": $exists($states.errorOutput.Cause) ? $substring($string($states.errorOutput.Cause), 0, 1500) : ""}`,
  );

/** Every error that can be caught; States.ALL leaves out the one about size. */
export const whenItFails = (what: string, next: string, assign: Assign = { problem: problemOf(what) }): readonly Catcher[] => [
  { ErrorEquals: ['States.DataLimitExceeded'], Assign: assign, Next: next },
  { ErrorEquals: ['States.ALL'], Assign: assign, Next: next },
];

/** What went wrong beside the point: noted, and the work goes on. */
export const notedAndOn = (what: string, next: string, assign: Assign = {}): readonly Catcher[] =>
  whenItFails(what, next, { ...assign, notes: jsonata(`$append($notes, [${problemOf(what).slice(3, -3)}])`) });

interface TaskOptions {
  readonly next: string;
  readonly catch: readonly Catcher[];
  readonly assign?: Assign;
  readonly comment?: string;
  /** @default 60 */
  readonly seconds?: number | Expression;
  readonly retry?: readonly Retrier[];
}

export interface CallOptions extends TaskOptions {
  readonly service: Service;
  /** In camel case, as `aws-sdk` integrations write it. */
  readonly action: string;
  readonly args: Data;
  /** With the acquisition role of the monitored account that the case is about. */
  readonly inMember?: boolean;
  /** Whether the call changes nothing, so that it may be made again after any error; `patiently` what is asked in a loop. */
  readonly asks?: boolean | 'patiently';
}

const finish = ({ next, comment, seconds = 60, assign }: TaskOptions, rest: Pick<TaskState, 'Resource' | 'Arguments' | 'Retry' | 'Catch'> & Pick<TaskState, 'Credentials'>): TaskState => ({
  Type: 'Task',
  ...(comment === undefined ? {} : { Comment: comment }),
  ...rest,
  TimeoutSeconds: seconds,
  ...(assign === undefined ? {} : { Assign: assign }),
  Output: {}, // what is needed later is assigned; the rest need not travel
  Next: next,
});

/** The role by which the workflow enters the account of the case's instance. */
export const memberRole = (names: WorkflowNames): Expression =>
  jsonata(`${quoted(`arn:${names.partition}:iam::`)} & $case.account & ${quoted(`:role${iamPath(names)}${memberRoleName(names)}`)}`);

/** One call of an AWS API. */
export const callTask = (names: WorkflowNames, options: CallOptions): TaskState =>
  finish(options, {
    Resource: `arn:${names.partition}:states:::aws-sdk:${options.service}:${options.action}`,
    Arguments: options.args,
    ...(options.inMember ? { Credentials: { RoleArn: memberRole(names) } } : {}),
    Retry: options.retry ?? (options.asks === 'patiently' ? ASK_PATIENTLY : options.asks ? ASK_AGAIN : changeAgain(options.service, options.action)),
    Catch: options.catch,
  });

export interface HandlerOptions extends TaskOptions {
  readonly handler: HandlerName;
  readonly payload: { readonly [key: string]: Data };
  /** Whether the state waits until somebody gives the token back that it hands over as `token`. */
  readonly waitsForToken?: boolean;
}

/** What Lambda itself may fail with for a moment. */
const LAMBDA_AGAIN: readonly Retrier[] = [
  {
    ErrorEquals: ['Lambda.ServiceException', 'Lambda.AWSLambdaException', 'Lambda.SdkClientException', 'Lambda.TooManyRequestsException'],
    IntervalSeconds: 2,
    MaxAttempts: 6,
    BackoffRate: 2,
    MaxDelaySeconds: 60,
    JitterStrategy: 'FULL',
  },
];

/**
 * A function that died, or had no time left, may have done what it was asked for all the same. Each does it once however often it
 * is asked: a change that is recorded is left out, an object that is stored stays, and a look is a look. Only a question to people
 * is not asked again: their refusal is an error as well.
 */
const FUNCTION_AGAIN: Retrier = { ErrorEquals: ['States.ALL'], IntervalSeconds: 5, MaxAttempts: 6, BackoffRate: 2, MaxDelaySeconds: 60, JitterStrategy: 'FULL' };

/** One of the workflow's own functions, where a decision needs code. Its answer is `$states.result.Payload`. */
export const handlerTask = (names: WorkflowNames, { handler, payload, waitsForToken = false, ...options }: HandlerOptions): TaskState =>
  finish(options, {
    Resource: `arn:${names.partition}:states:::lambda:invoke${waitsForToken ? '.waitForTaskToken' : ''}`,
    Arguments: {
      FunctionName: functionArn(names, handler),
      Payload: { ...payload, ...(waitsForToken ? { token: jsonata('$states.context.Task.Token') } : {}) },
    },
    Retry: options.retry ?? (waitsForToken ? LAMBDA_AGAIN : [...LAMBDA_AGAIN, FUNCTION_AGAIN]),
    Catch: options.catch,
  });

/** What IAM and CloudTrail call a service. */
const EVENT_SOURCE: Readonly<Record<Service, string>> = {
  autoscaling: 'autoscaling',
  cloudwatchlogs: 'logs',
  ec2: 'ec2',
  elasticloadbalancing: 'elasticloadbalancing',
  elasticloadbalancingv2: 'elasticloadbalancing',
  iam: 'iam',
  kms: 'kms',
  s3: 's3',
  securityhub: 'securityhub',
  sns: 'sns',
};

/** The IAM action of an integration's call, such as `ec2:CreateSnapshots`. */
export const actionOf = (service: Service, action: string): string => `${EVENT_SOURCE[service]}:${action.charAt(0).toUpperCase()}${action.slice(1)}`;

/** An API call that touched evidence or the suspect, as the custody log is told of it. */
export interface TouchedCall {
  readonly service: Service;
  readonly action: string;
  /** JSONata expressions of ids, with commas between them. All of one call's: they find it in CloudTrail. */
  readonly resources: string;
  /** A JSONata expression. */
  readonly account: string;
  readonly region: string;
  /** Names of the request's parameters, where nothing else tells it from other calls of its name. */
  readonly parameters?: readonly string[];
  /** The state that made it and when that was entered, where another one tells of it. @default the state that tells */
  readonly by?: { readonly state: string; readonly enteredAt: string };
}

/**
 * One such call as a JSONata object. The integrations return no request id; the event's name, its resources and the two
 * times find it in CloudTrail, where it is looked up when the acquisition has ended.
 */
export const madeCall = ({ service, action, resources, account, region, parameters, by }: TouchedCall): string =>
  `{"action": ${quoted(actionOf(service, action))}, "account": ${account}, "region": ${quoted(region)}, "resources": [${resources}], ${parameters === undefined ? '' : `"parameters": ${JSON.stringify(parameters)}, `}"state": ${by === undefined ? '$states.context.State.Name' : quoted(by.state)}, "enteredAt": ${by?.enteredAt ?? '$states.context.State.EnteredTime'}, "endedAt": $now()}`;

/** The calls so far, and one more. */
export const touched = (service: Service, action: string, resources: string, account: string, region: string, parameters?: readonly string[]): Expression =>
  jsonata(`$append($calls, [${madeCall({ service, action, resources, account, region, ...(parameters === undefined ? {} : { parameters }) })}])`);

/** The calls so far, and those that a function made itself. */
export const TOLD_CALLS: Expression = jsonata('$append($calls, [$states.result.Payload.calls])');

/** What a Map over calls of one kind tells: each iteration's output is its call, or `{"failed": true}`. @param note JSONata of a problem, for where one failed */
export const touchedByEach = (note: string): Assign => ({
  calls: jsonata('$append($calls, [$states.result[$exists(action)]])'),
  notes: jsonata(`$count($states.result[failed = true]) > 0 ? $append($notes, [${note}]) : $notes`),
});
