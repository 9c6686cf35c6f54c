/** The Amazon States Language as far as the workflow uses it: JSONata only, plain data. */

/** A JSONata expression as a state machine writes it. */
export type Expression = `{% ${string} %}`;
export const jsonata = (text: string): Expression => `{% ${text} %}`;

/** A text as a JSONata string. */
export const quoted = (text: string): string => JSON.stringify(text);

/** What may stand in a field that takes data: JSON whose strings may be expressions. */
export type Data = string | number | boolean | null | readonly Data[] | { readonly [key: string]: Data };

export type Assign = Readonly<Record<string, Data>>;

export interface Retrier {
  readonly ErrorEquals: readonly string[];
  readonly IntervalSeconds: number;
  readonly MaxAttempts: number;
  readonly BackoffRate: number;
  readonly MaxDelaySeconds?: number;
  readonly JitterStrategy?: 'FULL' | 'NONE';
}

export interface Catcher {
  readonly ErrorEquals: readonly string[];
  readonly Assign?: Assign;
  readonly Output?: Data;
  readonly Next: string;
}

interface Common {
  readonly Comment?: string;
}
type Onward = { readonly Next: string } | { readonly End: true };

export type PassState = Common & Onward & { readonly Type: 'Pass'; readonly Assign?: Assign; readonly Output?: Data };

export type TaskState = Common &
  Onward & {
    readonly Type: 'Task';
    readonly Resource: string;
    readonly Arguments: Data;
    /** Role that the call is made with. @default the state machine's own */
    readonly Credentials?: { readonly RoleArn: string };
    readonly TimeoutSeconds: number | Expression;
    readonly HeartbeatSeconds?: number | Expression;
    readonly Retry: readonly Retrier[];
    readonly Catch: readonly Catcher[];
    readonly Assign?: Assign;
    readonly Output?: Data;
  };

export interface Rule {
  readonly Condition: Expression;
  readonly Assign?: Assign;
  readonly Output?: Data;
  readonly Next: string;
}
export type ChoiceState = Common & { readonly Type: 'Choice'; readonly Choices: readonly Rule[]; readonly Default: string; readonly Assign?: Assign };

export type WaitState = Common & Onward & { readonly Type: 'Wait'; readonly Seconds: number | Expression; readonly Assign?: Assign; readonly Output?: Data };

export type ParallelState = Common &
  Onward & {
    readonly Type: 'Parallel';
    readonly Branches: readonly Flow[];
    readonly Retry?: readonly Retrier[];
    readonly Catch: readonly Catcher[];
    readonly Assign?: Assign;
    readonly Output?: Data;
  };

export type MapState = Common &
  Onward & {
    readonly Type: 'Map';
    readonly Items: Data;
    readonly ItemSelector: Data;
    readonly ItemProcessor: Flow & {
      readonly ProcessorConfig: { readonly Mode: 'INLINE' } | { readonly Mode: 'DISTRIBUTED'; readonly ExecutionType: 'STANDARD' };
    };
    readonly MaxConcurrency: number;
    /** Of a distributed Map: part of its child executions' ARNs. */
    readonly Label?: string;
    readonly ToleratedFailurePercentage?: number;
    readonly Retry?: readonly Retrier[];
    readonly Catch: readonly Catcher[];
    readonly Assign?: Assign;
    readonly Output?: Data;
  };

/** What a Map of few items does with each: ten at once, inside the execution itself. */
export const tenAtOnce = (StartAt: string, each: States): Pick<MapState, 'MaxConcurrency' | 'ItemProcessor'> => ({
  MaxConcurrency: 10,
  ItemProcessor: { ProcessorConfig: { Mode: 'INLINE' }, StartAt, States: each },
});

export type SucceedState = Common & { readonly Type: 'Succeed'; readonly Output?: Data };
export type FailState = Common & { readonly Type: 'Fail'; readonly Error: string; readonly Cause: string };

export type State = PassState | TaskState | ChoiceState | WaitState | ParallelState | MapState | SucceedState | FailState;
export type States = Readonly<Record<string, State>>;

export interface Flow {
  readonly StartAt: string;
  readonly States: States;
}

export interface StateMachine extends Flow {
  readonly Comment: string;
  readonly QueryLanguage: 'JSONata';
  /** Seconds after which the whole execution ends, whatever it is doing. */
  readonly TimeoutSeconds: number;
}
