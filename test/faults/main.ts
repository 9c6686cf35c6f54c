/** The fault suite: `npm run test:faults`. */
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { constants } from 'node:os';
import { commandLine, isNamed } from '../helpers/command-line.ts';
import { stopUdev } from '../helpers/udev.ts';
import { startMoto } from '../helpers/moto.ts';
import { useCredentials } from '../helpers/s3-store.ts';
import { ROWS } from './rows.ts';
import type { RowResult } from './row.ts';
import { AT_ONCE, endRows, startRows } from './run-rows.ts';
import { printTable } from './table.ts';

const USAGE = `Usage: npm run test:faults -- [options]

Breaks the source, the store, the host and the network of real collectors, and prints a table: fault, tries, outcome, expected.
Needs root, real loop devices and udev; nothing else on this machine may attach disks meanwhile. See test/faults/README.md.

  --long           every row, and more kills at random instants: some minutes
  --only <texts>   only rows whose area and fault contain one of these texts, with | between them
  --seed <text>    of everything random, to repeat a run (default: a new one, which is printed)
  --jobs <n>       rows at once (default ${AT_ONCE})
  --help           this text

Examples:
  npm run test:faults
  npm run test:faults -- --long --seed 5eed000b
  npm run test:faults -- --only 'two collectors|SIGTERM' --jobs 1

Exit status: 0 every row as expected, 1 a row differs, 2 usage, 130 or 143 told to stop.
`;

const { values, refuse } = commandLine('test:faults', USAGE, () => parseArgs({
  options: {
    long: { type: 'boolean', default: false },
    seed: { type: 'string', default: randomBytes(4).toString('hex') },
    only: { type: 'string', default: '' },
    jobs: { type: 'string', default: String(AT_ONCE) },
    help: { type: 'boolean', default: false },
  },
}).values);
const { long, seed, only } = values;
const jobs = Number(values.jobs);
if (!Number.isInteger(jobs) || jobs < 1) refuse(`got --jobs ${values.jobs}; allowed is a whole number from 1 on`);
const rows = ROWS.filter((row) => (long || row.long !== true) && isNamed(only, `${row.area} ${row.fault}`));
if (rows.length === 0) refuse(`got --only ${only}; no row of the ${long ? 'long' : 'short'} form has any of it in its area or fault`);
const started = performance.now();
process.stderr.write(`${rows.length} faults, ${long ? 'long' : 'short'} form, ${jobs} at once, seed ${seed}\n`);
useCredentials();
const moto = await startMoto();
const pending = startRows(rows, { moto, seed, long, jobs });
for (const result of pending) result.catch(() => undefined); // told where it is awaited

/** Nothing of the suite may outlive it: a loop device left behind is found by the next one. */
async function endEarly(signal: 'SIGINT' | 'SIGTERM'): Promise<void> {
  process.stderr.write(`${signal}: putting away what the rows made\n`);
  for (const problem of await endRows(pending)) process.stderr.write(`    ${problem}\n`);
  await moto.stop();
  await stopUdev();
  process.exit(128 + constants.signals[signal]);
}
let early: Promise<void> | undefined;
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void (early ??= endEarly(signal)));

const results: RowResult[] = [];
try {
  for (const row of pending) {
    const result = await row;
    results.push(result);
    const { area, fault, ok, outcome, seconds } = result;
    for (const problem of ok ? [] : [...result.broken, ...result.told]) process.stderr.write(`    ${problem}\n`);
    process.stderr.write(`${ok ? 'ok ' : 'NOT'} ${area}: ${fault}: ${outcome} (${seconds.toFixed(1)} s)\n`);
  }
} catch (error) {
  await early; // it ends the process
  throw error;
} finally {
  await moto.stop();
  await stopUdev();
}
process.stdout.write(printTable(results));
process.stderr.write(`${results.reduce((sum, { tries }) => sum + tries, 0)} collectors in ${((performance.now() - started) / 60_000).toFixed(1)} min, seed ${seed}\n`);
process.exitCode = results.every(({ ok }) => ok) ? 0 : 1;
