import type { RowResult } from './row.ts';

const HEAD = ['area', 'fault', 'tries', 'outcome', 'expected', 'time'] as const;

const cellsOf = (row: RowResult): string[] => [
  row.area, row.fault, String(row.tries), row.outcome, row.ok ? 'as expected' : `NOT AS EXPECTED: ${row.expected}`, `${row.seconds.toFixed(1)} s`,
];

/** The table of all faults, and below it what did not hold. */
export function printTable(rows: readonly RowResult[]): string {
  const table = [[...HEAD], ...rows.map(cellsOf)];
  const widths = HEAD.map((_, column) => Math.max(...table.map((cells) => cells[column]!.length)));
  const line = (cells: readonly string[]): string => `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`;
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  const broken = rows.flatMap(({ fault, broken: what }) => what.map((each) => `${fault}: ${each}`));
  const wrong = rows.filter(({ ok }) => !ok).length;
  return [line(table[0]!), rule, ...table.slice(1).map(line), ...broken, `${rows.length - wrong} faults as expected, ${wrong} not`, ''].join('\n');
}
