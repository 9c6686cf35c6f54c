import { GiB, MiB } from '../../modules/vocabulary/index.ts';
import type { Case } from './cases.ts';
import type { Run } from './run-case.ts';

export type Spread = { readonly median: number; readonly min: number; readonly max: number };

/** What one case's counted runs came to. */
export type CaseSummary = {
  readonly name: string;
  readonly group: Case['group'];
  readonly about: string;
  readonly mibPerSecond: Spread;
  readonly wallSeconds: Spread;
  readonly cpuSecondsPerGib: Spread;
  readonly peakRssBytes: Spread;
  readonly peakPssBytes: Spread;
  readonly sinkBusy: Spread;
  readonly othersBusy: Spread;
  readonly runs: readonly Run[];
};

/** Median (the mean of the middle two for an even number), smallest and largest. */
export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  const middle = (sorted.length - 1) / 2;
  return { median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2, min: at(0), max: at(sorted.length - 1) };
}

/** Sums up a case over `size` bytes a run. */
export function summarize({ name, group, about }: Case, runs: readonly Run[], size: number): CaseSummary {
  const over = (value: (run: Run) => number): Spread => spread(runs.map(value));
  return {
    name,
    group,
    about,
    mibPerSecond: over(({ wallSeconds }) => size / MiB / wallSeconds),
    wallSeconds: over(({ wallSeconds }) => wallSeconds),
    cpuSecondsPerGib: over(({ cpuSeconds }) => cpuSeconds / (size / GiB)),
    peakRssBytes: over(({ peakRssBytes }) => peakRssBytes),
    peakPssBytes: over(({ peakPssBytes }) => peakPssBytes),
    sinkBusy: over(({ sinkBusy }) => sinkBusy),
    othersBusy: over(({ othersBusy }) => othersBusy),
    runs,
  };
}
