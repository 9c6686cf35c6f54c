/** Breaks what the collector promises, one promise at a time, and sees that a test notices: `npm run test:sabotage`. */
import { readFile, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { tempDir } from '../helpers/temp-dir.ts';
import { SABOTAGES, type Sabotage } from './sabotages.ts';

const checkout = resolve(import.meta.dirname, '../..');

const USAGE = `Usage: npm run test:sabotage -- [--only <texts>]

Takes back, in a copy of this checkout, one line that keeps a promise, and runs the tests that have to notice; then the next.
Needs what npm test needs. Nothing else on this machine may attach disks meanwhile. About ten minutes.

  --only <texts>   only promises whose text or file contains one of these texts, with | between them
  --help           this text

Examples:
  npm run test:sabotage
  npm run test:sabotage -- --only contract

Exit status: 0 every sabotage was noticed, 1 one was not, 2 usage.
`;

/** Longest time of one test, and of all of a file; what a sabotage keeps from ending was noticed too. */
const TEST_MS = 30_000;
const TIMEOUT_MS = 180_000;

type Noticed = { readonly noticed: boolean; readonly by: string };
type Report = { readonly stats: { readonly tests: number }; readonly failures: readonly { readonly fullTitle: string }[] };

function usageError(message: string): never {
  process.stderr.write(`test:sabotage: ${message}\n\n${USAGE}`);
  process.exit(2);
}

function chosen(): readonly Sabotage[] {
  try {
    const { values: { only, help } } = parseArgs({ options: { only: { type: 'string', default: '' }, help: { type: 'boolean', default: false } } });
    if (help) {
      process.stdout.write(USAGE);
      process.exit(0);
    }
    const found = SABOTAGES.filter(({ promise, file }) => only.split('|').some((part) => `${promise} ${file}`.includes(part)));
    return found.length > 0 ? found : usageError(`got --only ${only}; no promise's text or file contains any of it`);
  } catch (error) {
    return usageError((error as Error).message);
  }
}

/** Copies what git knows; packages and tools are the checkout's own. */
async function copyTo(folder: string): Promise<void> {
  const { stdout } = await execa('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: checkout });
  await execa('xargs', ['--null', 'cp', '--parents', '--target-directory', folder], { cwd: checkout, input: stdout });
  for (const name of ['node_modules', '.tools']) await symlink(join(checkout, name), join(folder, name));
}

async function sabotage(folder: string, { file, from, to, test, grep }: Sabotage): Promise<Noticed> {
  const path = join(folder, file);
  const whole = await readFile(path, 'utf8');
  const pieces = whole.split(from);
  if (pieces.length !== 2) return { noticed: false, by: `${file} has the line ${pieces.length - 1} times` };
  const report = join(folder, 'report.json');
  await writeFile(report, '');
  await writeFile(path, pieces.join(to));
  try {
    const only = grep === undefined ? [] : ['--grep', grep];
    const { timedOut, stderr } = await execa(process.execPath, ['node_modules/mocha/bin/mocha.js', '--bail', '--exit', '--timeout', String(TEST_MS), '--reporter', 'json', '--reporter-option', `output=${report}`, ...only, `test/${test}.test.ts`], {
      cwd: folder, reject: false, timeout: TIMEOUT_MS, forceKillAfterDelay: 10_000, maxBuffer: 100 * 1024 ** 2,
    });
    const text = await readFile(report, 'utf8');
    if (text === '') return timedOut ? { noticed: true, by: 'it does not end' } : { noticed: false, by: `no test ran: ${stderr.trim().split('\n').at(-1)}` };
    const { stats, failures } = JSON.parse(text) as Report;
    if (failures.length > 0) return { noticed: true, by: failures[0]!.fullTitle };
    return { noticed: false, by: stats.tests === 0 ? 'no test has that name' : `${stats.tests} tests passed` };
  } finally {
    await writeFile(path, whole);
  }
}

const list = chosen();
const dir = await tempDir();
let missed = 0;
try {
  await copyTo(dir.path);
  process.stdout.write('| promise | noticed by |\n|---|---|\n');
  for (const [index, each] of list.entries()) {
    process.stderr.write(`${index + 1} of ${list.length}: ${each.promise}\n`);
    const { noticed, by } = await sabotage(dir.path, each);
    if (!noticed) missed++;
    process.stdout.write(`| ${each.promise} | ${noticed ? by : `**NOT NOTICED**: ${by}`} |\n`);
  }
} finally {
  await dir.remove();
}
process.stderr.write(`${list.length - missed} of ${list.length} noticed\n`);
process.exitCode = missed === 0 ? 0 : 1;
