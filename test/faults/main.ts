/** The fault suite: `npm run test:faults -- [--long] [--seed <text>] [--only <part of a row's name>]`. */
import { parseArgs } from 'node:util';
import { randomBytes } from 'node:crypto';
import { stopUdev } from '../helpers/udev.ts';
import { startMoto } from '../helpers/moto.ts';
import { useCredentials } from '../helpers/s3-store.ts';
import { ROWS } from './rows.ts';
import type { RowResult } from './row.ts';
import { startRows } from './run-rows.ts';
import { printTable } from './table.ts';

const { values } = parseArgs({
  options: {
    long: { type: 'boolean', default: false },
    seed: { type: 'string', default: randomBytes(4).toString('hex') },
    only: { type: 'string', default: '' },
  },
});
const { long, seed, only } = values;
const rows = ROWS.filter((row) => (long || row.long !== true) && only.split("|").some((part) => `${row.area} ${row.fault}`.includes(part)));
process.stderr.write(`${rows.length} faults, ${long ? 'long' : 'short'} form, seed ${seed}\n`);
useCredentials();
const moto = await startMoto();
const results: RowResult[] = [];
try {
  for (const pending of startRows(rows, { moto, seed, long })) {
    const result = await pending;
    results.push(result);
    const { area, fault, ok, outcome, seconds } = result;
    for (const problem of ok ? [] : result.broken) process.stderr.write(`    ${problem}\n`);
    process.stderr.write(`${ok ? 'ok ' : 'NOT'} ${area}: ${fault}: ${outcome} (${seconds.toFixed(1)} s)\n`);
  }
} finally {
  await moto.stop();
  await stopUdev();
}
process.stdout.write(printTable(results));
process.exitCode = results.every(({ ok }) => ok) ? 0 : 1;
