import { jsonata, type ChoiceState, type Expression, type States, type TaskState, type WaitState } from './asl.ts';

export interface PollOptions {
  /** Name of the state that asks; the loop comes back to it. */
  readonly ask: string;
  readonly task: TaskState;
  /** Name of the state that looks at the answer: the task's next one. */
  readonly judge: string;
  readonly rules: ChoiceState['Choices'];
  /** Name of the waiting state. */
  readonly wait: string;
  /** State that the wait leads back to. @default the one that asks */
  readonly again?: string;
  /** Seconds after which it gives up: a number, or a JSONata expression without its marks. */
  readonly within: number | string;
  /** Where it goes then. The rule assigns the problem. */
  readonly late: string;
  readonly lateProblem: Expression;
}

/**
 * Seconds between two looks: 10 at first, then a twentieth of what was waited, at most 900. So an end is seen at most 5 %
 * late, and two weeks of looking fit into a history of 25,000 events.
 */
const PAUSE = '$max([10, $min([900, $floor($waited / 20)])])';

/** What has to be assigned before a loop is entered. */
export const POLL_START = { waited: 0 } as const;

/**
 * Asks, looks, waits, and asks again until a rule leads out or the time is over. `$waited` counts the seconds that were
 * waited; whoever enters the loop sets it to 0. It is compared before each wait, so that no such loop goes on for ever.
 */
export const poll = ({ ask, task, judge, rules, wait, again = ask, within, late, lateProblem }: PollOptions): States => {
  const tooLate: ChoiceState['Choices'][number] = { Condition: jsonata(`$waited >= ${within}`), Assign: { problem: lateProblem }, Next: late };
  const judging: ChoiceState = { Type: 'Choice', Choices: [...rules, tooLate], Default: wait };
  const waiting: WaitState = { Type: 'Wait', Seconds: jsonata(PAUSE), Assign: { waited: jsonata(`$waited + ${PAUSE}`) }, Output: {}, Next: again };
  return { [ask]: task, [judge]: judging, [wait]: waiting };
};
