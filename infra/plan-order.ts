/** `npm run plan:order [estate file]`: the stacks of an estate in the order of their deployment, and what each waits for. */
import { EstateError } from './config.ts';
import { DEFAULT_ESTATE, readEstate } from './estate-file.ts';
import { planStacks, type PlannedStack } from './plan.ts';

/** One line a stack, in columns. */
export function printPlan(stacks: readonly PlannedStack[]): string {
  const rows = stacks.map(({ id, account, region, after, missing }, index) => [
    `${index + 1}.`,
    id,
    account ?? '(no id yet)',
    region,
    missing.length > 0 ? `waits: ${missing.join('; ')}` : after.length > 0 ? `after ${after.join(', ')}` : '',
  ]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd()).join('\n');
}

if (import.meta.main) {
  try {
    process.stdout.write(`${printPlan(planStacks(readEstate(process.argv[2] ?? process.env.CLEANROOM_ESTATE ?? DEFAULT_ESTATE)))}\n`);
  } catch (error) {
    if (!(error instanceof EstateError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 2;
  }
}
