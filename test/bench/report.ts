import { MiB } from '../../modules/vocabulary/index.ts';
import { NAME } from './cases.ts';
import type { Machine } from './machine.ts';
import type { CaseSummary } from './summary.ts';
import type { Verdict } from './targets.ts';

/** Everything a bench found; `--json` prints it as it is. */
export type BenchReport = {
  readonly machine: Machine;
  readonly size: number;
  readonly runs: number;
  readonly slowLink: { readonly latencyMs: number; readonly bytesPerSecond: number };
  readonly cases: readonly CaseSummary[];
  /** Cases that failed, with the reason; they are in no other list. */
  readonly failed: readonly { readonly name: string; readonly reason: string }[];
  /** Cases that could not be measured here, with the reason. */
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
  readonly targets: readonly Verdict[];
};

/** Lines of a table: the first column to the left, the others to the right. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  ');
  return [line(head), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(line)];
}

const whole = (value: number): string => value.toFixed(0);
const share = (value: number): string => (value < 0.01 ? '–' : `${whole(value * 100)} %`);

function caseRow(summary: CaseSummary, first: CaseSummary | undefined): string[] {
  const { mibPerSecond: rate, cpuSecondsPerGib, peakRssBytes, peakPssBytes, sinkBusy, othersBusy } = summary;
  return [
    summary.name,
    whole(rate.median),
    `${whole(rate.min)}–${whole(rate.max)}`,
    first ? (rate.median / first.mibPerSecond.median).toFixed(2) : '–',
    cpuSecondsPerGib.median.toFixed(2),
    whole(peakRssBytes.max / MiB),
    whole(peakPssBytes.max / MiB),
    share(sinkBusy.median),
    share(othersBusy.median),
  ];
}

const CASE_HEAD = ['case', 'MiB/s', 'min–max', '× first', 'CPU s/GiB', 'peak MiB', 'of it own', 'sink', 'others'];
const VERDICT = (reached: boolean | undefined): string => (reached === undefined ? 'not measured' : reached ? 'reached' : 'NOT reached');

/** The report for a person. */
export function printReport(report: BenchReport): string {
  const { machine, size, runs, slowLink, cases, failed, skipped, targets } = report;
  const first = cases.find(({ name }) => name === NAME.first);
  const link = `${slowLink.latencyMs} ms, ${(slowLink.bytesPerSecond / 1e6).toFixed(0)} MB/s a connection`;
  return [
    `${size / MiB} MiB random source in memory, ${runs} counted run(s) of each case in interleaved rounds; slow link: ${link}`,
    '',
    ...table(CASE_HEAD, cases.map((summary) => caseRow(summary, first))),
    '',
    'MiB/s: median. × first: against dc3dd hash=sha256 | aws over HTTPS. CPU: user + system of all processes of the command.',
    'peak: highest sum of resident memory of all its processes, a shared page counted for each; of it own: shared pages divided',
    'among those that map them. sink: share of one core that the sink used; near 100 % the sink is the limit.',
    'others: the same for everything else on this machine; above about 10 % the row was disturbed: measure again.',
    '',
    ...table(['target', 'measured', ''], targets.map(({ target, measured, reached }) => [target, measured ?? '–', VERDICT(reached)])),
    '',
    ...table(['machine', ''], Object.entries(machine)).slice(2).map((line) => line.trimEnd()),
    ...Map.groupBy(skipped, ({ reason }) => reason)
      .entries()
      .map(([reason, group]) => `skipped, because ${reason}: ${group.map(({ name }) => name).join('; ')}`),
    ...failed.map(({ name, reason }) => `FAILED: ${name}: ${reason}`),
    '',
  ].join('\n');
}
