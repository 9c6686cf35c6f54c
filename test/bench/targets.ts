import { MiB } from '../../modules/vocabulary/index.ts';
import { NAME } from './cases.ts';
import type { CaseSummary } from './summary.ts';

export type Verdict = {
  readonly target: string;
  /** What was measured, as text; undefined when a case it needs was not measured. */
  readonly measured: string | undefined;
  readonly reached: boolean | undefined;
};

type Lookup = (name: string) => CaseSummary | undefined;

/** A quotient of two cases' figures and its bound. */
type Target = {
  readonly target: string;
  readonly needs: (of: Lookup) => readonly [number | undefined, number | undefined];
  readonly atLeast?: number;
  readonly atMost?: number;
  readonly print: (value: number) => string;
};

const times = (value: number): string => `${value.toFixed(2)} ×`;
const percent = (value: number): string => `${(value * 100).toFixed(0)} %`;
const mebibytes = (value: number): string => `${value.toFixed(0)} MiB`;

/** How many times faster one case is than another. */
const faster = (name: string, than: string) => (of: Lookup) => [of(name)?.mibPerSecond.median, of(than)?.mibPerSecond.median] as const;
const peak = (name: string) => (of: Lookup) => [of(name)?.peakRssBytes.max, MiB] as const;

const TARGETS: readonly Target[] = [
  { target: 'HTTPS, SHA-256 a part: at least 2.5 × the first peer', needs: faster(NAME.https, NAME.first), atLeast: 2.5, print: times },
  { target: 'HTTPS, SHA-256 a part: at least 1.5 × dc3dd | tee | aws', needs: faster(NAME.https, NAME.tee), atLeast: 1.5, print: times },
  { target: 'HTTPS, CRC32 full object: at least 3 × the first peer', needs: faster(NAME.httpsCrc, NAME.first), atLeast: 3, print: times },
  { target: 'Slow link: at least 2 × the first peer', needs: faster(NAME.slow, NAME.firstSlow), atLeast: 2, print: times },
  {
    target: "HTTPS, CPU seconds a GiB: at most 40 % of the first peer's",
    needs: (of) => [of(NAME.https)?.cpuSecondsPerGib.median, of(NAME.first)?.cpuSecondsPerGib.median],
    atMost: 0.4,
    print: percent,
  },
  { target: 'HTTP: at least 65 % of reading and hashing alone', needs: faster(NAME.http, NAME.readAndHash), atLeast: 0.65, print: percent },
  { target: 'HTTP, moonshot: at least 85 % of the same', needs: faster(NAME.http, NAME.readAndHash), atLeast: 0.85, print: percent },
  { target: 'Folder on tmpfs: at least 2 × dc3dd of=', needs: faster(NAME.tmpfs, NAME.peerTmpfs), atLeast: 2, print: times },
  { target: 'Folder on a disk: at least 2 × dc3dd of=', needs: faster(NAME.disk, NAME.peerDisk), atLeast: 2, print: times },
  { target: 'Peak memory, parts of a 1 TiB disk: at most 256 MiB', needs: peak(NAME.part1Tib), atMost: 256, print: mebibytes },
  { target: 'Peak memory, parts of a 48 TiB disk: at most 512 MiB', needs: peak(NAME.part48Tib), atMost: 512, print: mebibytes },
];

/** Compares what was measured with the project's targets. */
export function judge(cases: readonly CaseSummary[]): Verdict[] {
  const of: Lookup = (name) => cases.find((summary) => summary.name === name);
  return TARGETS.map(({ target, needs, atLeast = -Infinity, atMost = Infinity, print }) => {
    const [value, base] = needs(of);
    if (value === undefined || base === undefined) return { target, measured: undefined, reached: undefined };
    const quotient = value / base;
    return { target, measured: print(quotient), reached: quotient >= atLeast && quotient <= atMost };
  });
}
