/** Breaks what the collector promises, one promise at a time, and sees that a test notices: `npm run test:sabotage`. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, readFile, symlink, writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { commandLine, isNamed } from '../helpers/command-line.ts';
import { tempDir } from '../helpers/temp-dir.ts';
import { SABOTAGES, type Sabotage } from './sabotages.ts';

const checkout = resolve(import.meta.dirname, '../..');

const USAGE = `Usage: npm run test:sabotage -- [--only <texts>]

Takes back, in a copy of this checkout, one line that keeps a promise, and runs the tests that have to notice, which pass while
nothing is broken; then the next.
Needs what npm test needs. Nothing else on this machine may attach disks meanwhile. About a quarter of an hour.

  --only <texts>   only promises whose text or file contains one of these texts, with | between them
  --help           this text

Examples:
  npm run test:sabotage
  npm run test:sabotage -- --only contract

Exit status: 0 every sabotage was noticed, 1 one was not, 2 usage, 130 or 143 told to stop.
`;

/** Longest time of one test, and of all of a file. */
const TEST_MS = 30_000;
const TIMEOUT_MS = 180_000;

type Ran = { readonly tests: number; readonly failed?: string; readonly problem?: string };
type Report = { readonly stats: { readonly tests: number }; readonly failures: readonly { readonly fullTitle: string }[] };

/** Copies the working tree, without what git ignores; packages and tools are the checkout's own. */
async function copyTo(folder: string): Promise<void> {
  const { stdout } = await execa('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: checkout });
  const files = [...new Set(stdout.split('\0'))].filter((name) => existsSync(join(checkout, name)));
  await execa('xargs', ['--null', 'cp', '--parents', '--target-directory', folder], { cwd: checkout, input: files.join('\0') });
  for (const name of ['node_modules', '.tools']) await symlink(join(checkout, name), join(folder, name));
}

let running: ChildProcess | undefined;

/** Ends the tests with everything that they started. */
function endRunning(): void {
  try {
    if (running?.pid !== undefined) process.kill(-running.pid, 'SIGKILL');
  } catch {
    // they have ended
  }
}

async function runTests(folder: string, { test, grep }: Sabotage): Promise<Ran> {
  const report = join(folder, 'report.json');
  await writeFile(report, '');
  const only = grep === undefined ? [] : ['--grep', grep];
  const how = ['--bail', '--exit', '--timeout', String(TEST_MS), '--reporter', 'json', '--reporter-option', `output=${report}`];
  running = spawn(process.execPath, ['node_modules/mocha/bin/mocha.js', ...how, ...only, `test/${test}.test.ts`], { cwd: folder, detached: true, stdio: 'ignore' });
  const timer = setTimeout(endRunning, TIMEOUT_MS);
  const [code] = (await once(running, 'exit')) as [number | null];
  clearTimeout(timer);
  endRunning();
  const text = await readFile(report, 'utf8');
  if (text === '') return { tests: 0, problem: code === null ? `it did not end in ${TIMEOUT_MS / 1000} s` : 'no test ran' };
  const { stats, failures } = JSON.parse(text) as Report;
  const failed = failures[0]?.fullTitle;
  if (failed !== undefined && /"(?:before|after)(?: all| each)" hook/.test(failed)) return { tests: stats.tests, problem: failed };
  return { tests: stats.tests, ...(failed === undefined ? {} : { failed }), ...(stats.tests === 0 ? { problem: 'no test has that name' } : {}) };
}

/** Whether the tests pass while nothing is broken, for each file and name once. */
async function controls(folder: string, list: readonly Sabotage[]): Promise<ReadonlyMap<string, Ran>> {
  const results = new Map<string, Ran>();
  for (const each of list) {
    const name = nameOf(each);
    if (results.has(name)) continue;
    process.stderr.write(`unbroken: ${name}\n`);
    results.set(name, await runTests(folder, each));
  }
  return results;
}

const nameOf = ({ test, grep = '' }: Sabotage): string => `${test} ${grep}`.trim();

/** @returns the test that noticed, or why none did */
async function sabotage(folder: string, each: Sabotage, unbroken: Ran): Promise<{ readonly by?: string; readonly why?: string }> {
  const { file, from, to } = each;
  if (unbroken.problem ?? unbroken.failed) return { why: `it fails while nothing is broken: ${unbroken.problem ?? unbroken.failed}` };
  const path = join(folder, file);
  const whole = await readFile(path, 'utf8');
  const pieces = whole.split(from);
  if (pieces.length !== 2) return { why: `${file} has the line ${pieces.length - 1} times` };
  await writeFile(path, pieces.join(to));
  try {
    const { failed, problem, tests } = await runTests(folder, each);
    return failed === undefined ? { why: problem ?? `${tests} tests passed` } : { by: failed };
  } finally {
    await writeFile(path, whole);
  }
}

const { values: { only }, refuse } = commandLine('test:sabotage', USAGE, () => parseArgs({ options: { only: { type: 'string', default: '' }, help: { type: 'boolean', default: false } } }).values);
const list = SABOTAGES.filter(({ promise, file }) => isNamed(only, `${promise} ${file}`));
if (list.length === 0) refuse(`got --only ${only}; no promise's text or file contains any of it`);
const dir = await tempDir();
await chmod(dir.path, 0o755); // a test runs a program of the copy as another user
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    endRunning();
    void dir.remove().finally(() => process.exit(128 + constants.signals[signal]));
  });
}
let missed = 0;
try {
  await copyTo(dir.path);
  const unbroken = await controls(dir.path, list);
  process.stdout.write('| promise | noticed by |\n|---|---|\n');
  for (const [index, each] of list.entries()) {
    process.stderr.write(`${index + 1} of ${list.length}: ${each.promise}\n`);
    const { by, why } = await sabotage(dir.path, each, unbroken.get(nameOf(each))!);
    if (by === undefined) missed++;
    process.stdout.write(`| ${each.promise} | ${by ?? `**NOT NOTICED**: ${why}`} |\n`);
  }
} finally {
  await dir.remove();
}
process.stderr.write(`${list.length - missed} of ${list.length} noticed\n`);
process.exitCode = missed === 0 ? 0 : 1;
