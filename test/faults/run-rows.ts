import { setTimeout as sleep } from 'node:timers/promises';
import { AdaptiveLimit } from '../../agent/adapters/adaptive-limit.ts';
import { messageOf } from '../../agent/errors.ts';
import type { Moto } from '../helpers/moto.ts';
import { Lab } from './lab.ts';
import { randomOf } from './random.ts';
import { isExpected, type FaultRow, type RowResult } from './row.ts';

/** Rows at once: most of them wait most of the time, for a disk, a store or a limit. */
export const AT_ONCE = 6;

export type SuiteOptions = {
  readonly moto: Moto;
  readonly seed: string;
  readonly long: boolean;
  /** Rows that run at once. @default 6 */
  readonly jobs?: number;
};

/** Labs of the rows that run. */
const open = new Set<Lab>();
let ending = false;

/** Runs one row in a lab of its own, and looks afterwards whether everything still holds. */
export async function runRow(row: FaultRow, { moto, seed, long }: SuiteOptions): Promise<RowResult> {
  const started = performance.now();
  if (ending) throw new Error('the suite is being ended');
  const lab = await Lab.open(moto, randomOf(seed, row.fault), long);
  open.add(lab);
  let outcome: string;
  let broken: string[] = [];
  try {
    outcome = await row.run(lab).catch((error: unknown) => `the case itself failed: ${messageOf(error)}`);
    broken = await lab.broken().catch((error: unknown) => [`it could not be checked: ${messageOf(error)}`]);
  } finally {
    broken = [...broken, ...(await lab.close())];
    open.delete(lab);
  }
  const expected = typeof row.expected === 'string' ? row.expected : row.expected.join(' or ');
  const ok = isExpected(outcome, row.expected) && broken.length === 0;
  return { area: row.area, fault: row.fault, tries: lab.tries, outcome, expected, ok, broken, told: ok ? [] : lab.told, seconds: (performance.now() - started) / 1000 };
}

/**
 * Starts all rows, a few at a time: those that take longest first, so that they do not run alone in the end, and otherwise
 * in their order. One result a row, in their order; none rejects, but where the suite was ended early.
 */
export function startRows(rows: readonly FaultRow[], options: SuiteOptions): Promise<RowResult>[] {
  const limit = new AdaptiveLimit(options.jobs ?? AT_ONCE);
  const results = new Map<FaultRow, Promise<RowResult>>();
  for (const row of rows.toSorted((a, b) => Number(b.first ?? false) - Number(a.first ?? false))) results.set(row, limit.run(() => runRow(row, options)));
  return rows.map((row) => results.get(row)!);
}

/** Ends the rows that run and puts away what they made: disks, mounts, servers, collectors. None begins after this. */
export async function endRows(results: readonly Promise<unknown>[]): Promise<readonly string[]> {
  ending = true;
  const putAway = async (): Promise<string[]> => (await Promise.all([...open].map((lab) => lab.close()))).flat();
  const problems = await putAway();
  const settled = Promise.allSettled(results);
  await Promise.race([settled, sleep(20_000, undefined, { ref: false })]); // a row may have made something more until it noticed
  return [...problems, ...(await putAway())];
}
