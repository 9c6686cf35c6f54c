import type { Catcher, Flow, Retrier, State, StateMachine } from '../../../modules/acquisition-workflow/definition/asl.ts';
import type { Clock } from './clock.ts';
import { AslError, takes } from './errors.ts';
import { runMap } from './map.ts';
import { runTask, type Dispatch } from './task.ts';
import { Tokens } from './tokens.ts';
import { Scope, Visit, type Frame } from './visit.ts';

export { Tokens } from './tokens.ts';
export type { Dispatch, TaskRequest } from './task.ts';

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
        return visit.with({ result: limited(await runTask(name, state, visit, { ...this.#options, tokens: this.#tokens })) }).leave(state);
      case 'Parallel': {
        const branches = state.Branches.map((branch) => this.#forked(() => this.#flow(branch, visit.input, visit.inner())));
        return visit.with({ result: limited(await this.#options.clock.await(Promise.all(branches))) }).leave(state);
      }
      case 'Map': {
        const by = { clock: this.#options.clock, flow: this.#flow.bind(this), forked: this.#forked.bind(this) };
        return visit.with({ result: limited(await runMap(state, visit, by)) }).leave(state);
      }
    }
  }

  #forked<T>(work: () => Promise<T>): Promise<T> {
    const { clock } = this.#options;
    return 'run' in clock ? (clock as unknown as { run<U>(w: () => Promise<U>): Promise<U> }).run(work) : work();
  }
}

const limited = (result: unknown): unknown => {
  if (result !== undefined && Buffer.byteLength(JSON.stringify(result)) > MAX_BYTES) throw new AslError('States.DataLimitExceeded', 'the result is over 256 KiB');
  return result;
};
