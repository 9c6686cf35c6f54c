import { randomUUID } from 'node:crypto';
import type { TaskState } from '../../../modules/acquisition-workflow/definition/asl.ts';
import type { Clock } from './clock.ts';
import { AslError } from './errors.ts';
import type { Tokens } from './tokens.ts';
import type { Visit } from './visit.ts';

/** What a Task asks the world for. */
export interface TaskRequest {
  readonly state: string;
  /** `arn:aws:states:::aws-sdk:ec2:describeInstances` and the like. */
  readonly resource: string;
  readonly args: unknown;
  /** Role of the state's `Credentials`. */
  readonly roleArn: string | undefined;
  readonly stateMachineArn: string;
  readonly clock: Clock;
}

/** Answers a Task, or throws an {@link AslError}. */
export type Dispatch = (request: TaskRequest) => Promise<unknown>;

/** Who answers a Task, in whose time, and where it leaves its token. */
interface Worker {
  readonly dispatch: Dispatch;
  readonly clock: Clock;
  readonly stateMachineArn: string;
  readonly tokens: Tokens;
}

/** Runs a Task to its result, within its time. */
export async function runTask(name: string, state: TaskState, visit: Visit, by: Worker): Promise<unknown> {
  const { dispatch, clock, stateMachineArn } = by;
  const token = randomUUID();
  const ready = visit.with({ context: { ...visit.context, Task: { Token: token } } });
  const roleArn = state.Credentials === undefined ? undefined : String(await ready.evaluate(state.Credentials.RoleArn));
  const args = await ready.evaluate(state.Arguments);
  const seconds = Number(await ready.evaluate(state.TimeoutSeconds));
  const request: TaskRequest = { state: name, resource: state.Resource, args, roleArn, stateMachineArn, clock };
  const timeout = (): AslError => new AslError('States.Timeout', `${name} took longer than ${seconds} seconds`);
  if (!state.Resource.endsWith('.waitForTaskToken')) return clock.within(seconds, () => dispatch(request), timeout);
  const beatSeconds = state.HeartbeatSeconds === undefined ? undefined : Number(await ready.evaluate(state.HeartbeatSeconds));
  return clock.within(seconds, () => untilToken(token, request, beatSeconds, by), timeout);
}

/** Waits for somebody to show the token, as long as heartbeats come in time. */
async function untilToken(token: string, request: TaskRequest, beatSeconds: number | undefined, { dispatch, clock, tokens }: Worker): Promise<unknown> {
  let beaten = clock.now();
  const answer = new Promise<unknown>((succeed, fail) => {
    tokens.expect(token, { succeed, fail, beat: () => (beaten = clock.now()) });
  });
  answer.catch(() => undefined); // it may come before anybody waits for it
  try {
    await dispatch(request);
    if (beatSeconds === undefined) return await clock.await(answer);
    for (;;) {
      const left = beaten / 1000 + beatSeconds - clock.now() / 1000;
      if (left <= 0) throw new AslError('States.HeartbeatTimeout', `${request.state} gave no heartbeat for ${beatSeconds} seconds`);
      const first = await clock.within(left, async () => ({ answer: await clock.await(answer) }), () => new AslError('beat')).catch((error: unknown) => {
        if (error instanceof AslError && error.error === 'beat') return undefined;
        throw error;
      });
      if (first) return first.answer;
    }
  } finally {
    tokens.forget(token);
  }
}
