/** The benchmark: `npm run bench`. What it measures and how is in README.md beside this file. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../../agent/errors.ts';
import { MiB } from '../../modules/vocabulary/index.ts';
import { CASES, type Case } from './cases.ts';
import { describeMachine } from './machine.ts';
import { HELP, parseOptions, UsageError, type BenchOptions } from './options.ts';
import { printReport, type BenchReport } from './report.ts';
import { runCase, type Bench, type Run } from './run-case.ts';
import { prepareSource } from './source.ts';
import { startSink } from './start-sink.ts';
import { summarize } from './summary.ts';
import { judge } from './targets.ts';

const checkout = fileURLToPath(new URL('../..', import.meta.url));
const BUNDLE = join(checkout, 'dist/collector.mjs');
const BUILD = join(checkout, 'scripts/build-collector.ts');
const TMPFS_MAGIC = 0x01021994;
/** Kept free on tmpfs beside the source and one copy of it. */
const SPARE_BYTES = 256 * MiB;

const say = (text: string): void => void process.stderr.write(`${text}\n`);

/** Builds the collector's bundle where it can be built. */
async function buildCollector(signal: AbortSignal): Promise<void> {
  if (!existsSync(BUILD)) return;
  const build = spawn(process.execPath, [BUILD, '--arch', 'none'], { cwd: checkout, stdio: ['ignore', 2, 2], signal });
  const [code] = (await once(build, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`building the collector failed with ${code}; run node scripts/build-collector.ts to see why`);
}

/** A new folder under `parent`, gone at the end. */
async function temporaryFolder(parent: string): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(parent, 'cleanroom-bench-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Where the source and the small files go: memory, so that no disk is measured by accident. */
async function memoryFolder(needed: number): Promise<string> {
  const { type, bavail, bsize } = await statfs('/dev/shm').catch(() => ({ type: 0, bavail: 0, bsize: 0 }));
  if (type === TMPFS_MAGIC && bavail * bsize >= needed) return '/dev/shm';
  const fallback = await statfs(tmpdir());
  const free = fallback.bavail * fallback.bsize;
  if (free < needed) throw new Error(`${tmpdir()} has ${free} bytes free, ${needed} are needed: free some, or choose a smaller --size`);
  say(`/dev/shm is no tmpfs with ${needed} bytes free; using ${tmpdir()}, so "tmpfs" means that folder`);
  return tmpdir();
}

const whySkipped = ({ group }: Case, collector: string): string | undefined =>
  group === 'collector' && !existsSync(collector) ? `${collector} is not there` : undefined;

type Outcome = { readonly runs: Map<Case, Run[]>; readonly failed: Map<Case, string> };

/** All cases in rounds (A B C, A B C, …), so that whatever drifts on this machine hits them alike. */
async function runRounds(bench: Bench, cases: readonly Case[], runs: number, signal: AbortSignal): Promise<Outcome> {
  const outcome: Outcome = { runs: new Map(cases.map((one) => [one, []])), failed: new Map() };
  let number = 0;
  for (let round = 0; round <= runs; round++) {
    for (const one of cases) {
      if (outcome.failed.has(one)) continue;
      const label = `${round === 0 ? 'warm-up' : `round ${round}/${runs}`}  ${one.name}`;
      try {
        const run = await runCase(bench, one, ++number, signal);
        if (round > 0) outcome.runs.get(one)?.push(run);
        say(`${label}: ${(bench.source.size / MiB / run.wallSeconds).toFixed(0)} MiB/s`);
      } catch (error) {
        signal.throwIfAborted();
        outcome.failed.set(one, messageOf(error));
        say(`${label}: FAILED: ${(error as Error).message}`);
      }
    }
  }
  return outcome;
}

async function measure(options: BenchOptions, signal: AbortSignal): Promise<BenchReport> {
  const matching = CASES.filter(({ name }) => options.only.test(name));
  if (matching.length === 0) throw new UsageError(`no case matches --only ${options.only}; --list names them`);
  const collector = resolve(options.collector ?? BUNDLE);
  if (options.collector === undefined && matching.some(({ group }) => group === 'collector')) await buildCollector(signal);
  const skipped = matching.flatMap((one) => {
    const reason = whySkipped(one, collector);
    return reason === undefined ? [] : [{ name: one.name, reason }];
  });
  const cases = matching.filter((one) => whySkipped(one, collector) === undefined);

  const machine = await describeMachine(options.aws); // first: its load is to be that before the bench
  const slowLink = { latencyMs: options.latencyMs, bytesPerSecond: options.rate };
  await using memory = await temporaryFolder(await memoryFolder(2 * options.size + SPARE_BYTES));
  await using disk = await temporaryFolder(options.diskFolder);
  const source = await prepareSource(options.source && resolve(options.source), options.size, memory.path, signal);
  await using sink = await startSink(memory.path, slowLink);
  const { aws, collectorArgs } = options;
  const folders = { tmpfs: memory.path, disk: disk.path };
  const shared: Bench = { source, sink, folders, aws, collector, collectorArgs };
  const { runs, failed } = await runRounds(shared, cases, options.runs, signal);

  const measured = cases.filter((one) => !failed.has(one));
  const summaries = measured.map((one) => summarize(one, runs.get(one) ?? [], source.size));
  return {
    machine,
    size: source.size,
    runs: options.runs,
    slowLink,
    cases: summaries,
    failed: [...failed].map(([{ name }, reason]) => ({ name, reason })),
    skipped,
    targets: judge(summaries),
  };
}

async function main(): Promise<number> {
  const interrupt = new AbortController();
  try {
    if (process.argv[2] === 'synth') {
      const { benchSynth } = await import('../infra/bench-synth.ts');
      process.stdout.write(`${benchSynth()}\n`);
      return 0;
    }
    if (process.argv[2] === 'workflow') {
      const { workflowReport } = await import('../workflow/simulation/report.ts');
      process.stdout.write(await workflowReport());
      return 0;
    }
    const options = parseOptions(process.argv.slice(2));
    if (options.help || options.list) {
      process.stdout.write(options.help ? HELP : CASES.map(({ name, about }) => `${name} (${about})\n`).join(''));
      return 0;
    }
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => interrupt.abort(new Error(name)));
    const report = await measure(options, interrupt.signal);
    process.stdout.write(options.json ? `${JSON.stringify(report, null, 2)}\n` : printReport(report));
    return report.failed.length > 0 ? 1 : 0;
  } catch (error) {
    say(`bench: ${interrupt.signal.aborted ? `stopped by ${messageOf(interrupt.signal.reason)}` : messageOf(error)}`);
    if (interrupt.signal.aborted) return 130;
    return error instanceof UsageError ? 2 : 1;
  }
}

process.exitCode = await main();
