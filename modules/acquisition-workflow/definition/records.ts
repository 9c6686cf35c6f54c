import { jsonata, quoted, type Catcher, type Expression, type TaskState } from './asl.ts';
import { handlerTask, notedAndOn, type WorkflowNames } from './tasks.ts';

/** The time of a change: when the state was entered, so that a task that is tried again sends the very same one. */
export const AT = '$states.context.State.EnteredTime';

/** A text that a record takes: printable ASCII, 1,000 characters at most. AWS's messages may hold anything. */
export const safe = (text: string): string => `$substring($replace($string(${text}), /[^ -~]/, "?"), 0, 1000)`;

/** One line about a problem: `state: error: cause`. */
export const problemLine = (problem: string): string => safe(`${problem}.state & ": " & ${problem}.error & ": " & ${problem}.cause`);

export interface RecordOptions {
  /** A JSONata list of changes, without their time. */
  readonly changes: string;
  readonly next: string;
  /** @default the work goes on without the record, and the failure is noted */
  readonly catch?: readonly Catcher[];
  readonly state: string;
  /** Variable that is emptied because the record has it now. */
  readonly clears?: 'calls';
  readonly comment?: string;
}

const changesOf = (list: string): Expression => jsonata(`[$map(${list}, function($change) { $merge([{"at": ${AT}}, $change]) })]`);

/** Writes changes into the case record and the custody log. */
export const recordTask = (names: WorkflowNames, { changes, next, state, clears, comment, ...options }: RecordOptions): TaskState =>
  handlerTask(names, {
    handler: 'record',
    payload: { input: jsonata('$case'), change: changesOf(changes) },
    seconds: 120,
    next,
    catch: options.catch ?? notedAndOn(state, next),
    ...(clears === undefined ? {} : { assign: { [clears]: [] } }),
    ...(comment === undefined ? {} : { comment }),
  });

/** The change that says at which step an acquisition is. */
export const stageChange = (stage: string, status?: string): string =>
  `{"kind": "stage", "stage": ${quoted(stage)}${status === undefined ? '' : `, "status": ${quoted(status)}`}}`;

/** The change that hands the calls made so far to the custody log; nothing where there were none. */
export const CALLS_CHANGE = '($count($calls) > 0 ? [{"kind": "touched", "calls": $calls}] : [])';
