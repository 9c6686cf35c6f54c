import { jsonata, type Assign, type Catcher, type Data, type States } from './asl.ts';
import { whenItFails } from './tasks.ts';

/** How a branch of a Parallel ends. It never fails itself: a failing branch would stop the other one in the middle of a call. */
export interface BranchEnd {
  /** Name of the state that says what was reached. */
  readonly done: string;
  /** Name of the state that says what failed. */
  readonly failed: string;
  /** What it tells either way; variables that are set by then. */
  readonly tells: { readonly [key: string]: Data };
}

export const branchEnds = ({ done, failed, tells }: BranchEnd): States => ({
  [done]: { Type: 'Pass', Output: { ok: true, ...tells, problem: null, calls: jsonata('$calls'), notes: jsonata('$notes') }, End: true },
  [failed]: { Type: 'Pass', Output: { ok: false, ...tells, problem: jsonata('$problem'), calls: jsonata('$calls'), notes: jsonata('$notes') }, End: true },
});

/** The first state of a branch: its own variables, none of them undefined later. */
export const branchStart = (name: string, next: string, assign: Assign = {}): States => ({
  [name]: { Type: 'Pass', Assign: { calls: [], notes: [], problem: null, waited: 0, ...assign }, Output: {}, Next: next },
});

export const toBranchEnd = (state: string, failed: string): readonly Catcher[] => whenItFails(state, failed);
