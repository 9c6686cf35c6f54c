import { jsonata, quoted, type Assign, type Catcher, type States } from './asl.ts';
import { callTask, madeCall, problemOf, type TouchedCall, type WorkflowNames } from './tasks.ts';

/**
 * Snapshots have no client token: asked for twice, there are two. So they carry whose they are in their description, and
 * after a lost answer it is looked for them before they are asked for again.
 * @param of a JSONata expression of what the snapshot is of, beside the case
 */
export const snapshotMark = (of: string): string => `"Cleanroom case " & $case.caseId & ", " & ${of} & ", execution " & $states.context.Execution.Name`;

/** Remembers an error, and since when the call may have been under way. */
export const rememberLost = (state: string): Assign => ({ problem: problemOf(state), asked: jsonata('$states.context.State.EnteredTime') });

export interface TakeOver {
  /** The state that asked, and whose answer was lost. */
  readonly asked: string;
  /** Names of the states that look, decide and take over. */
  readonly look: string;
  readonly found: string;
  readonly take: string;
  /** {@link snapshotMark} of what was asked for. */
  readonly mark: string;
  readonly inMember: boolean;
  /** A JSONata condition on `$seen`, the snapshots with that mark, the oldest first. */
  readonly complete: string;
  /** What is assigned when they are taken over. */
  readonly assign: Assign;
  /** The call that made them, as custody is told of it. */
  readonly call: TouchedCall;
  readonly catch: readonly Catcher[];
  readonly next: string;
}

/** Looks whether what was asked for is there after all: then it is taken over, and else asked for again. */
export const takeOverStates = (names: WorkflowNames, { asked, look, found, take, mark, inMember, complete, assign, call, catch: catchers, next }: TakeOver): States => ({
  [look]: callTask(names, {
    service: 'ec2',
    action: 'describeSnapshots',
    args: { OwnerIds: ['self'], Filters: [{ Name: 'description', Values: [jsonata(mark)] }] },
    inMember,
    asks: true,
    assign: { seen: jsonata('[$sort([$states.result.Snapshots], function($a, $b) { $a.StartTime > $b.StartTime })]') },
    catch: catchers,
    next: found,
  }),
  [found]: { Type: 'Choice', Choices: [{ Condition: jsonata(complete), Next: take }], Default: asked },
  [take]: {
    Type: 'Pass',
    Assign: {
      ...assign,
      calls: jsonata(`$append($calls, [${madeCall({ ...call, by: { state: asked, enteredAt: '$asked' } })}])`),
      notes: jsonata(`$append($notes, [{"state": ${quoted(asked)}, "error": "Cleanroom.AnswerLost", "cause": "it was done all the same, and is taken over"}])`),
      problem: null,
    },
    Output: {},
    Next: next,
  },
});
