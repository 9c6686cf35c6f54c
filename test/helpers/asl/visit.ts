import type { Clock } from './clock.ts';
import { AslError } from './errors.ts';
import { evaluateData, type Variables } from './evaluate.ts';

/** Variables of a workflow, a branch or an iteration: those around it can be read, never set. */
export class Scope {
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

/** What a flow of states runs in. */
export interface Frame {
  readonly scope: Scope;
  /** The context object, without the state's own part. */
  readonly context: Readonly<Record<string, unknown>>;
}

/** What an expression draws its time and its chance from. */
interface Source {
  readonly clock: Clock;
  readonly random?: () => number;
}

/** What a state, or the rule of a Choice, says of the way out of it. */
interface Leaving {
  readonly Assign?: Readonly<Record<string, unknown>>;
  readonly Output?: unknown;
  readonly Next?: string;
  readonly End?: boolean;
}

/** One visit to a state: what its expressions see. */
export class Visit {
  readonly input: unknown;
  readonly context: Readonly<Record<string, unknown>>;
  readonly #run: Source;
  readonly #frame: Frame;
  readonly #stateContext: Readonly<Record<string, unknown>>;
  readonly #more: Readonly<Record<string, unknown>>;

  constructor(run: Source, frame: Frame, input: unknown, stateContext: Readonly<Record<string, unknown>>, more: Readonly<Record<string, unknown>> = {}) {
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
