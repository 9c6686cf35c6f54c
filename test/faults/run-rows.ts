import { AdaptiveLimit } from '../../agent/adapters/adaptive-limit.ts';
import { messageOf } from '../../agent/errors.ts';
import type { Moto } from '../helpers/moto.ts';
import { Lab } from './lab.ts';
import { randomOf } from './random.ts';
import { isExpected, type FaultRow, type RowResult } from './row.ts';

export type SuiteOptions = { readonly moto: Moto; readonly seed: string; readonly long: boolean };

/** Runs one row in a lab of its own, and looks afterwards whether everything still holds. */
export async function runRow(row: FaultRow, { moto, seed, long }: SuiteOptions): Promise<RowResult> {
  const started = performance.now();
  const lab = await Lab.open(moto, randomOf(seed, row.fault), long);
  let outcome: string;
  let broken: string[] = [];
  try {
    outcome = await row.run(lab).catch((error: unknown) => `the case itself failed: ${messageOf(error)}`);
    broken = await lab.broken().catch((error: unknown) => [`it could not be checked: ${messageOf(error)}`]);
  } finally {
    broken = [...broken, ...(await lab.close())];
  }
  const expected = typeof row.expected === 'string' ? row.expected : row.expected.join(' or ');
  const ok = isExpected(outcome, row.expected) && broken.length === 0;
  return { area: row.area, fault: row.fault, tries: lab.tries, outcome, expected, ok, broken, seconds: (performance.now() - started) / 1000 };
}

/** Rows at once: most of them wait most of the time, for a disk, a store or a limit. */
const AT_ONCE = 4;

/** Starts all rows, a few at a time, in their order. One result a row; none of them rejects. */
export function startRows(rows: readonly FaultRow[], options: SuiteOptions): Promise<RowResult>[] {
  const limit = new AdaptiveLimit(AT_ONCE);
  return rows.map((row) => limit.run(() => runRow(row, options)));
}
