import { AwsError, type Credentials, type Told } from '../../helpers/aws/bridge.ts';
import { AslError } from '../../helpers/asl/errors.ts';
import type { Dispatch, TaskRequest } from '../../helpers/asl/interpreter.ts';
import { ERROR_PREFIX, type Service } from '../../../modules/acquisition-workflow/definition/tasks.ts';
import { memberRoleArn } from '../../../modules/vocabulary/index.ts';
import { BOTO_NAME, callOf } from '../definition/arguments.ts';
import { MEMBER, PLACE, type AwsWorld } from './aws-world.ts';
import { fillIn } from './moto-lacks.ts';
import type { Trail } from './trail.ts';

export type Handler = (payload: never) => Promise<unknown>;

/** A call as it comes to a test's own part: it may answer it, throw, or leave it to AWS by giving undefined. */
export type Hook = (call: AwsCall) => Promise<unknown> | undefined;

export interface AwsCall {
  readonly state: string;
  readonly service: string;
  /** In camel case; for a function, its handler's name. */
  readonly action: string;
  readonly args: Record<string, unknown>;
  readonly inMember: boolean;
  readonly clock: TaskRequest['clock'];
  /** Makes the call for real. */
  real(): Promise<unknown>;
}

export interface DispatchOptions {
  readonly world: AwsWorld;
  readonly handlers: Readonly<Record<string, Handler>>;
  /** Asked before AWS is. */
  readonly hook?: Hook;
  /** Every call that was made, in order. */
  readonly calls?: AwsCall[];
  /** Takes down what AWS answered. */
  readonly trail?: Trail | undefined;
}

/** As Step Functions names what a service answered: EC2's errors have one name, others have that of their model. */
const aslError = (service: string, error: AwsError): AslError => {
  const prefix = ERROR_PREFIX[service as Service] ?? service;
  const modeled = service !== 'ec2' && /^[A-Z]\w+$/.test(error.code);
  const name = modeled ? `${prefix}.${error.code.replace(/Exception$/, '')}Exception` : `${prefix}.${prefix}Exception`;
  return new AslError(name, `${error.message} (Service: ${prefix}, Status Code: ${error.status}, Request ID: 00000000-0000-0000-0000-000000000000)`);
};

/** Takes the machine's calls to moto and to the handlers, and those of a monitored account through its role. */
export function dispatchTo({ world, handlers, hook, calls = [], trail }: DispatchOptions): Dispatch {
  const sessions = new Map<string, Promise<Credentials>>();
  const session = (roleArn: string, externalId: string): Promise<Credentials> => {
    if (!sessions.has(roleArn)) sessions.set(roleArn, world.assume(roleArn, externalId));
    return sessions.get(roleArn)!;
  };

  const callAws = async (service: string, action: string, request: TaskRequest): Promise<unknown> => {
    if (request.roleArn !== undefined && request.roleArn !== memberRoleArn(PLACE, MEMBER)) throw new AslError('States.TaskFailed', `${request.roleArn} is no role of this world`);
    const credentials = request.roleArn === undefined ? world.forensic : await session(request.roleArn, request.stateMachineArn);
    const args = request.args as Record<string, unknown>;
    const inMember = request.roleArn !== undefined;
    let requestId: string | undefined;
    const told: Told = (id) => (requestId = id);
    const note = (outcome: { answer: unknown } | { error: AwsError }): void => trail?.note({ state: request.state, service, action, args, inMember, time: request.clock.now(), ...(requestId === undefined ? {} : { requestId }), ...outcome });
    try {
      const answer = await fillIn(world, { service, action, args, inMember }, () => world.call(credentials, BOTO_NAME[service] ?? service, action, args, told), told);
      note({ answer });
      return answer;
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      note({ error });
      throw aslError(service, error);
    }
  };

  const invoke = async (name: string, payload: unknown): Promise<unknown> => {
    const handler = handlers[name];
    if (!handler) throw new Error(`there is no handler ${name}`);
    try {
      return { Payload: JSON.parse(JSON.stringify((await handler(payload as never)) ?? null)) as unknown };
    } catch (error) {
      if (error instanceof AslError) throw error;
      throw new AslError((error as Error).name, JSON.stringify({ errorType: (error as Error).name, errorMessage: (error as Error).message }));
    }
  };

  return async (request) => {
    const sdk = callOf(request.resource);
    const args = request.args as { FunctionName?: string; Payload?: unknown };
    const name = sdk ? sdk.action : args.FunctionName!.split(`:function:${PLACE.prefix}-`)[1]!;
    const call: AwsCall = {
      state: request.state,
      service: sdk?.service ?? 'lambda',
      action: name,
      args: (sdk ? args : args.Payload) as Record<string, unknown>,
      inMember: request.roleArn !== undefined,
      clock: request.clock,
      real: () => (sdk ? callAws(sdk.service, sdk.action, request) : invoke(name, args.Payload)),
    };
    calls.push(call);
    return (await hook?.(call)) ?? call.real();
  };
}
