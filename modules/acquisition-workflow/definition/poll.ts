import { jsonata, type ChoiceState, type Expression, type States, type TaskState, type WaitState } from './asl.ts';

export interface LoopOptions {
  /** Name of the state that looks at the answer. */
  readonly judge: string;
  readonly rules: ChoiceState['Choices'];
  /** Name of the waiting state. */
  readonly wait: string;
  /** State that the wait leads back to. */
  readonly again: string;
  /** Least seconds between two looks. @default 5 */
  readonly least?: number;
  /** Seconds after which it gives up: a number, or a JSONata expression without its marks. */
  readonly within: number | string;
  /** Where it goes then. The rule assigns the problem. */
  readonly late: string;
  readonly lateProblem: Expression;
}

export interface PollOptions extends Omit<LoopOptions, 'again'> {
  /** Name of the state that asks; the loop comes back to it. */
  readonly ask: string;
  /** Its next state is the one that looks at the answer. */
  readonly task: TaskState;
}

/**
 * Seconds between two looks: 5 or so at first, then a twentieth of what was waited, at most 900. So an end is seen at most 5 %
 * late, and two weeks of looking fit into a history of 25,000 events.
 */
const pauseOf = (least: number): string => `$max([${least}, $min([900, $floor($waited / 20)])])`;

/** A wait that counts its seconds, in a loop that has an end elsewhere. */
export const pauseState = (next: string, least = 5): WaitState => ({
  Type: 'Wait',
  Seconds: jsonata(pauseOf(least)),
  Assign: { waited: jsonata(`$waited + ${pauseOf(least)}`) },
  Output: {},
  Next: next,
});

/** What has to be assigned before a loop is entered. */
export const POLL_START = { waited: 0 } as const;

/**
 * Looks at an answer and waits, again and again, until a rule leads out or the time is over. `$waited` counts the seconds that
 * were waited; whoever enters the loop sets it to 0. It is compared before each wait, so that no such loop goes on for ever.
 */
export const loop = ({ judge, rules, wait, again, least = 5, within, late, lateProblem }: LoopOptions): States => {
  const tooLate: ChoiceState['Choices'][number] = { Condition: jsonata(`$waited >= ${within}`), Assign: { problem: lateProblem }, Next: late };
  const judging: ChoiceState = { Type: 'Choice', Choices: [...rules, tooLate], Default: wait };
  return { [judge]: judging, [wait]: pauseState(again, least) };
};

/** Asks by one task, looks, waits, and asks again. */
export const poll = ({ ask, task, ...options }: PollOptions): States => ({ [ask]: task, ...loop({ ...options, again: ask }) });
