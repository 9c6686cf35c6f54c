/** `node test/infra/bench-synth.ts`: how long synthesis takes, each estate in a process of its own, medians of several runs. */
import { App } from 'cdktf';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseEstate, type Estate } from '../../infra/config.ts';
import { declareStacks } from '../../infra/stacks.ts';
import { largeEstate } from './helpers/large-estate.ts';
import { loadEstate } from './helpers/synth.ts';

const ESTATES: Readonly<Record<string, () => Estate>> = {
  'minimal (1 Region, 1 account)': () => loadEstate('minimal'),
  'example (3 Regions, 4 monitored accounts)': () => loadEstate('example'),
  '10 Regions, 66 monitored accounts': () => parseEstate(largeEstate(10, 66), 'large'),
  '30 Regions, 200 monitored accounts': () => parseEstate(largeEstate(30, 200), 'large'),
};

/** Synthesises an estate to disk. */
function synthesise(name: string): { readonly stacks: number; readonly milliseconds: number; readonly peakMiB: number } {
  const outdir = mkdtempSync(join(tmpdir(), 'cleanroom-synth-'));
  try {
    const started = performance.now();
    const app = new App({ outdir });
    const stacks = declareStacks(app, ESTATES[name]?.() ?? loadEstate('minimal')).size;
    app.synth();
    return { stacks, milliseconds: performance.now() - started, peakMiB: process.resourceUsage().maxRSS / 1024 };
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/** Lines of a table: estate, stacks, seconds with and without Node's start, milliseconds a stack, peak memory. */
export function benchSynth(runs = 3): string {
  const rows = Object.keys(ESTATES).map((name) => {
    const results = Array.from({ length: runs }, () => {
      const started = performance.now();
      const result = JSON.parse(execFileSync(process.execPath, [fileURLToPath(import.meta.url), name], { encoding: 'utf8' })) as ReturnType<typeof synthesise>;
      return { ...result, whole: performance.now() - started };
    });
    const stacks = results[0]?.stacks ?? 0;
    const milliseconds = median(results.map((result) => result.milliseconds));
    return `| ${name} | ${stacks} | ${(median(results.map(({ whole }) => whole)) / 1000).toFixed(1)} | ${(milliseconds / stacks).toFixed(0)} | ${median(results.map(({ peakMiB }) => peakMiB)).toFixed(0)} |`;
  });
  return ['| estate | stacks | seconds, whole process | ms a stack | peak MiB |', '|---|---|---|---|---|', ...rows].join('\n');
}

if (import.meta.main) {
  const [name] = process.argv.slice(2);
  process.stdout.write(`${name === undefined ? benchSynth() : JSON.stringify(synthesise(name))}\n`);
}
