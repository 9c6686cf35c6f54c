import { randomUUID } from 'node:crypto';
import type { Catcher, Flow, MapState, Retrier, State, StateMachine, TaskState } from '../../../modules/acquisition-workflow/definition/asl.ts';
import type { Clock } from './clock.ts';
import { AslError, takes } from './errors.ts';
import { evaluateData, type Variables } from './evaluate.ts';

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

export interface ExecutionOptions {
  readonly machine: StateMachine;
  readonly input: unknown;
  readonly name: string;
  readonly stateMachineArn: string;
  readonly dispatch: Dispatch;
  readonly clock: Clock;
  /** Where waiting tasks put the way to wake them, by token. */
  readonly tokens?: Tokens;
  /** From 0 to 1: what `$random` gives, and the jitter of a retry takes. @default chance; a retry's whole pause */
  readonly random?: () => number;
}

/** What happened, in order: which state was entered, and how. */
export interface HistoryEvent {
  readonly type: 'entered' | 'failed' | 'retried' | 'caught';
  readonly state: string;
  readonly at: number;
  readonly error?: string;
  readonly cause?: string;
}
export interface ExecutionResult {
  readonly status: 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT';
  readonly output?: unknown;
  readonly error?: string;
  readonly cause?: string;
  readonly history: readonly HistoryEvent[];
}

/** SendTaskSuccess, SendTaskFailure and SendTaskHeartbeat for the tasks that wait for a token. */
export class Tokens {
  readonly #waiting = new Map<string, { succeed: (output: unknown) => void; fail: (error: Error) => void; beat: () => void }>();

  success(token: string, output: unknown): void {
    this.#take(token).succeed(output);
  }
  failure(token: string, error: string, cause: string): void {
    this.#take(token).fail(new AslError(error, cause));
  }
  heartbeat(token: string): void {
    this.#take(token).beat();
  }
  expect(token: string, waiter: { succeed: (output: unknown) => void; fail: (error: Error) => void; beat: () => void }): void {
    this.#waiting.set(token, waiter);
  }
  forget(token: string): void {
    this.#waiting.delete(token);
  }
  #take(token: string): { succeed: (output: unknown) => void; fail: (error: Error) => void; beat: () => void } {
    const found = this.#waiting.get(token);
    if (!found) throw new AslError('TaskTimedOut', 'no task waits for this token');
    return found;
  }
}

/** Variables of a workflow, a branch or an iteration: those around it can be read, never set. */
class Scope {
  readonly #own: Record<string, unknown> = {};
  readonly #outer: Scope | undefined;
  constructor(outer?: Scope) {
    this.#outer = outer;
  }
  all(): Variables {
    return { ...this.#outer?.all(), ...this.#own };
  }
  assign(values: Readonly<Record<string, unknown>>): void {
    for (const name of Object.keys(values)) {
      if (this.#outer && name in this.#outer.all()) throw new AslError('States.Runtime', `$${name} belongs to an outer scope`);
    }
    Object.assign(this.#own, values);
  }
}

interface Frame {
  readonly scope: Scope;
  /** The context object, without the state's own part. */
  readonly context: Readonly<Record<string, unknown>>;
}

/** Payload limit of Step Functions: 256 KiB of UTF-8. */
const MAX_BYTES = 262_144;

/** Runs one execution to its end. It knows what the workflow uses of the language: JSONata, and all state types. */
export class Execution {
  readonly #options: ExecutionOptions;
  readonly #history: HistoryEvent[] = [];
  readonly #tokens: Tokens;
  #over = false;

  constructor(options: ExecutionOptions) {
    this.#options = options;
    this.#tokens = options.tokens ?? new Tokens();
  }

  async run(): Promise<ExecutionResult> {
    const { machine, input, name, stateMachineArn, clock } = this.#options;
    const execution = {
      Id: `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${name}`,
      Input: input,
      Name: name,
      StartTime: new Date(clock.now()).toISOString(),
    };
    const context = { Execution: execution, StateMachine: { Id: stateMachineArn, Name: stateMachineArn.split(':').at(-1) } };
    try {
      const work = (): Promise<unknown> => this.#flow(machine, input, { scope: new Scope(), context });
      const output = await clock.within(machine.TimeoutSeconds, work, () => new AslError('States.ExecutionTimeout', 'the execution timed out'));
      return { status: 'SUCCEEDED', output, history: this.#history };
    } catch (error) {
      if (!(error instanceof AslError)) throw error;
      const status = error.error === 'States.ExecutionTimeout' ? 'TIMED_OUT' : 'FAILED';
      return { status, error: error.error, cause: error.message, history: this.#history };
    } finally {
      this.#over = true; // what was running beside the end enters no further state
    }
  }

  async #flow(flow: Flow, input: unknown, frame: Frame): Promise<unknown> {
    let current = { name: flow.StartAt, input };
    for (;;) {
      if (this.#over) throw new AslError('States.Runtime', 'the execution is over');
      const state = flow.States[current.name];
      if (!state) throw new AslError('States.Runtime', `there is no state ${current.name}`);
      const { next, output } = await this.#state(current.name, state, current.input, frame);
      if (next === undefined) return output;
      current = { name: next, input: output };
    }
  }

  async #state(name: string, state: State, input: unknown, frame: Frame): Promise<{ next: string | undefined; output: unknown }> {
    const { clock } = this.#options;
    const enteredAt = clock.now();
    this.#history.push({ type: 'entered', state: name, at: enteredAt });
    for (const attempts = new Map<Retrier, number>(); ; ) {
      const retries = [...attempts.values()].reduce((sum, count) => sum + count, 0);
      const visit = new Visit(this.#options, frame, input, { Name: name, EnteredTime: new Date(enteredAt).toISOString(), RetryCount: retries });
      try {
        return await this.#once(name, state, visit);
      } catch (error) {
        if (!(error instanceof AslError)) throw error;
        this.#note('failed', name, error);
        const retrier = 'Retry' in state ? state.Retry?.find(({ ErrorEquals }) => takes(ErrorEquals, error.error)) : undefined;
        const done = retrier ? (attempts.get(retrier) ?? 0) : 0;
        if (retrier && done < retrier.MaxAttempts) {
          attempts.set(retrier, done + 1);
          const longest = Math.min(retrier.IntervalSeconds * retrier.BackoffRate ** done, retrier.MaxDelaySeconds ?? Infinity);
          await clock.sleep(retrier.JitterStrategy === 'FULL' ? longest * (this.#options.random?.() ?? 1) : longest, name);
          this.#note('retried', name, error);
          continue;
        }
        const catcher = 'Catch' in state ? state.Catch.find(({ ErrorEquals }) => takes(ErrorEquals, error.error)) : undefined;
        if (!catcher) throw error;
        this.#note('caught', name, error);
        return this.#caught(catcher, error, visit);
      }
    }
  }

  #note(type: HistoryEvent['type'], state: string, error: AslError): void {
    this.#history.push({ type, state, at: this.#options.clock.now(), error: error.error, cause: error.message });
  }

  async #caught(catcher: Catcher, error: AslError, visit: Visit): Promise<{ next: string; output: unknown }> {
    const failed = visit.with({ errorOutput: error.output });
    const output = catcher.Output === undefined ? error.output : await failed.evaluate(catcher.Output);
    await failed.assign(catcher.Assign);
    return { next: catcher.Next, output };
  }

  /** One try of a state. */
  async #once(name: string, state: State, visit: Visit): Promise<{ next: string | undefined; output: unknown }> {
    switch (state.Type) {
      case 'Pass':
        return visit.leave(state, visit.input);
      case 'Succeed':
        return { next: undefined, output: state.Output === undefined ? visit.input : await visit.evaluate(state.Output) };
      case 'Fail':
        throw new AslError(String(await visit.evaluate(state.Error)), String(await visit.evaluate(state.Cause)));
      case 'Wait':
        await this.#options.clock.sleep(Number(await visit.evaluate(state.Seconds)), name);
        return visit.leave(state, visit.input);
      case 'Choice': {
        for (const rule of state.Choices) {
          const holds = await visit.evaluate(rule.Condition);
          if (typeof holds !== 'boolean') throw new AslError('States.QueryEvaluationError', `a condition gave ${JSON.stringify(holds)}, not a boolean`);
          if (holds) return visit.leave({ ...rule }, visit.input);
        }
        return visit.leave({ ...(state.Assign === undefined ? {} : { Assign: state.Assign }), Next: state.Default }, visit.input);
      }
      case 'Task':
        return visit.with({ result: limited(await this.#task(name, state, visit)) }).leave(state);
      case 'Parallel': {
        const branches = state.Branches.map((branch) => this.#forked(() => this.#flow(branch, visit.input, visit.inner())));
        return visit.with({ result: limited(await this.#options.clock.await(Promise.all(branches))) }).leave(state);
      }
      case 'Map':
        return visit.with({ result: limited(await this.#map(state, visit)) }).leave(state);
    }
  }

  #forked<T>(work: () => Promise<T>): Promise<T> {
    const { clock } = this.#options;
    return 'run' in clock ? (clock as unknown as { run<U>(w: () => Promise<U>): Promise<U> }).run(work) : work();
  }

  async #task(name: string, state: TaskState, visit: Visit): Promise<unknown> {
    const { dispatch, clock, stateMachineArn } = this.#options;
    const token = randomUUID();
    const ready = visit.with({ context: { ...visit.context, Task: { Token: token } } });
    const roleArn = state.Credentials === undefined ? undefined : String(await ready.evaluate(state.Credentials.RoleArn));
    const args = await ready.evaluate(state.Arguments);
    const seconds = Number(await ready.evaluate(state.TimeoutSeconds));
    const request: TaskRequest = { state: name, resource: state.Resource, args, roleArn, stateMachineArn, clock };
    const timeout = (): AslError => new AslError('States.Timeout', `${name} took longer than ${seconds} seconds`);
    if (!state.Resource.endsWith('.waitForTaskToken')) return clock.within(seconds, () => dispatch(request), timeout);
    const beatSeconds = state.HeartbeatSeconds === undefined ? undefined : Number(await ready.evaluate(state.HeartbeatSeconds));
    return clock.within(seconds, () => this.#untilToken(token, request, beatSeconds), timeout);
  }

  async #untilToken(token: string, request: TaskRequest, beatSeconds: number | undefined): Promise<unknown> {
    const { dispatch, clock } = this.#options;
    let beaten = clock.now();
    const answer = new Promise<unknown>((succeed, fail) => {
      this.#tokens.expect(token, { succeed, fail, beat: () => (beaten = clock.now()) });
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
      this.#tokens.forget(token);
    }
  }

  async #map(state: MapState, visit: Visit): Promise<unknown[]> {
    const items = await visit.evaluate(state.Items);
    if (!Array.isArray(items)) throw new AslError('States.QueryEvaluationError', `Items of a Map gave ${JSON.stringify(items)?.slice(0, 100)}, no list`);
    const distributed = state.ItemProcessor.ProcessorConfig.Mode === 'DISTRIBUTED';
    const results: { readonly index: number; readonly output: unknown }[] = [];
    let failures = 0;
    const iterate = async (value: unknown, index: number): Promise<void> => {
      const each = visit.with({ context: { ...visit.context, Map: { Item: { Index: index, Value: value } } } });
      const input = await each.evaluate(state.ItemSelector);
      // A distributed Map's iteration is an execution of its own, which sees no variable from outside.
      const frame = distributed ? { scope: new Scope(), context: childContext(visit.context, input, state.Label, index) } : each.inner();
      try {
        results.push({ index, output: await this.#flow(state.ItemProcessor, input, frame) });
      } catch (error) {
        if (!(error instanceof AslError)) throw error;
        if (!distributed) throw error;
        failures++;
        if ((failures / items.length) * 100 > (state.ToleratedFailurePercentage ?? 0)) throw new AslError('States.ExceedToleratedFailureThreshold', error.message);
      }
    };
    const queue = items.map((value: unknown, index) => ({ value, index }));
    const workers = Array.from({ length: Math.min(state.MaxConcurrency || items.length, items.length) }, () =>
      this.#forked(async () => {
        for (let next = queue.shift(); next; next = queue.shift()) await iterate(next.value, next.index);
      }));
    await this.#options.clock.await(Promise.all(workers));
    return results.toSorted((a, b) => a.index - b.index).map(({ output }) => output);
  }
}

const childContext = (context: Readonly<Record<string, unknown>>, input: unknown, label: string | undefined, index: number): Readonly<Record<string, unknown>> => {
  const parent = context['Execution'] as { Id: string };
  return { ...context, Execution: { ...parent, Id: `${parent.Id.split(':').slice(0, -1).join(':')}/${label ?? 'Map'}:${index}`, Name: `${index}`, Input: input } };
};

const limited = (result: unknown): unknown => {
  if (result !== undefined && Buffer.byteLength(JSON.stringify(result)) > MAX_BYTES) throw new AslError('States.DataLimitExceeded', 'the result is over 256 KiB');
  return result;
};

interface Leaving {
  readonly Assign?: Readonly<Record<string, unknown>>;
  readonly Output?: unknown;
  readonly Next?: string;
  readonly End?: boolean;
}

/** One visit to a state: what its expressions see. */
class Visit {
  readonly input: unknown;
  readonly context: Readonly<Record<string, unknown>>;
  readonly #run: Pick<ExecutionOptions, 'clock' | 'random'>;
  readonly #frame: Frame;
  readonly #stateContext: Readonly<Record<string, unknown>>;
  readonly #more: Readonly<Record<string, unknown>>;

  constructor(run: Pick<ExecutionOptions, 'clock' | 'random'>, frame: Frame, input: unknown, stateContext: Readonly<Record<string, unknown>>, more: Readonly<Record<string, unknown>> = {}) {
    this.#run = run;
    this.#frame = frame;
    this.input = input;
    this.#stateContext = stateContext;
    this.#more = more;
    this.context = (more['context'] as Readonly<Record<string, unknown>> | undefined) ?? { ...frame.context, State: stateContext };
  }

  with(more: Readonly<Record<string, unknown>>): Visit {
    return new Visit(this.#run, this.#frame, this.input, this.#stateContext, { ...this.#more, ...more });
  }

  evaluate(data: unknown): Promise<unknown> {
    const states = { input: this.input, ...this.#more, context: this.context };
    return evaluateData(data, { ...this.#frame.scope.all(), states }, this.#run.clock.now(), this.#run.random);
  }

  async assign(assign: Readonly<Record<string, unknown>> | undefined): Promise<void> {
    if (assign !== undefined) this.#frame.scope.assign((await this.evaluate(assign)) as Readonly<Record<string, unknown>>);
  }

  /** Output and variables are both made of what was there when the state was entered. */
  async leave(state: Leaving, otherwise: unknown = this.#more['result']): Promise<{ next: string | undefined; output: unknown }> {
    const output = state.Output === undefined ? otherwise : await this.evaluate(state.Output);
    await this.assign(state.Assign);
    return { next: state.End ? undefined : state.Next, output };
  }

  /** What a branch or an iteration starts from. */
  inner(): Frame {
    return { scope: new Scope(this.#frame.scope), context: this.context };
  }
}
