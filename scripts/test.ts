/**
 * Everything that must hold: types, lint, shell scripts, tests. Runs all of them even when one fails, streams what they
 * say, and ends with the line `N passed, N failed`: tests, and each failed check as one more failure.
 * Arguments go to mocha: `npm test -- --grep overwrite`, `npm test -- test/agent/pipeline.test.ts`.
 */
import { spawn } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { BESIDE } from './beside.ts';
import { COUNTS_FILE, type TestCounts } from './mocha-summary.ts';

const root = resolve(import.meta.dirname, '..');
const bin = (name: string): string => join(root, 'node_modules/.bin', name);
const ALL_TESTS = 'test/**/*.test.ts';
/** How long mocha may go on after its last test: what lives longer is a server or handle that a test left open. */
const LINGER_MS = Number(process.env.CLEANROOM_TEST_LINGER_MS ?? 20_000);
const LAST_WORDS_MS = 2000;

/** What a program says while another has the screen: kept until its turn comes, and passed on from then on. */
class Turn {
  #kept: Buffer[] | undefined = [];

  say(chunk: Buffer): void {
    if (this.#kept) this.#kept.push(chunk);
    else process.stdout.write(chunk);
  }

  begin(): void {
    for (const chunk of this.#kept ?? []) process.stdout.write(chunk);
    this.#kept = undefined;
  }
}

type RunOptions = {
  readonly env?: NodeJS.ProcessEnv;
  readonly watch?: (kill: () => void) => () => void;
  /** When it may be heard; left out, it has our own standard streams. */
  readonly turn?: Turn;
};

/** Runs one program; resolves with its exit status, 1 for a signal or a failed start. */
const run = (command: string, args: readonly string[], { env, watch, turn }: RunOptions = {}): Promise<number> =>
  new Promise((done) => {
    const said = turn ? 'pipe' : 'inherit';
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', said, said], env: { ...process.env, ...env } });
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => turn!.say(chunk));
    const unwatch = watch?.(() => child.kill('SIGKILL'));
    child.once('error', (error) => {
      console.error(`cannot start ${command}: ${error.message}`);
      unwatch?.();
      done(1);
    });
    child.once('exit', (code) => {
      unwatch?.();
      const end = (): void => done(code ?? 1);
      if (!turn) return end();
      child.once('close', end);
      // What it left running may hold its output open.
      setTimeout(() => [child.stdout, child.stderr].forEach((stream) => stream?.destroy()), LAST_WORDS_MS).unref();
    });
  });

const heading = (text: string): void => console.log(`\n== ${text}`);

/** Shell scripts of the project: `*.sh`, what the collector's host calls, and what CI runs. */
const shellScripts = (): string[] =>
  [...globSync(['*.sh', '{.ci,agent,cli,infra,modules,scripts,stacks,test}/**/*.sh', 'agent/host/libexec/*'], { cwd: root }), '.ci/run'].toSorted();

const OPTIONS_WITH_VALUE = /^(-g|--grep|-f|--fgrep|-t|--timeout|-s|--slow|-r|--require|--retries)$/;

/** Whether the arguments name test files; mocha would otherwise run none. */
const namesTests = (args: readonly string[]): boolean =>
  args.some((arg, index) => !arg.startsWith('-') && !OPTIONS_WITH_VALUE.test(args[index - 1] ?? ''));

/** Runs mocha once; resolves with its counts, in which a crash, a hang and a pending test are failures. */
const runMocha = async (args: readonly string[], turn?: Turn): Promise<TestCounts> => {
  const directory = mkdtempSync(join(tmpdir(), 'cleanroom-test-'));
  const file = join(directory, 'counts.json');
  try {
    let hung = false;
    const tell = (text: string): void => (turn ? turn.say(Buffer.from(`${text}\n`)) : console.error(text));
    const lingers = (kill: () => void): (() => void) => {
      let endedAt: number | undefined;
      const timer = setInterval(() => {
        if (endedAt === undefined && existsSync(file)) endedAt = Date.now();
        if (endedAt === undefined || Date.now() - endedAt < LINGER_MS) return;
        hung = true;
        tell(`mocha did not end within ${LINGER_MS / 1000} s of its last test: a test left a server, process or timer open`);
        kill();
      }, 500);
      return () => clearInterval(timer);
    };
    const reporter = ['--reporter', join(root, 'scripts/mocha-summary.ts')];
    const status = await run(bin('mocha'), [...reporter, ...args], { env: { [COUNTS_FILE]: file }, watch: lingers, ...(turn && { turn }) });
    const counts = existsSync(file)
      ? (JSON.parse(readFileSync(file, 'utf8')) as TestCounts)
      : { passed: 0, failed: 0, pending: 0, failures: [] };
    if (counts.pending > 0) tell(`${counts.pending} test(s) did not run: a skipped test proves nothing`);
    const known = counts.failed + counts.pending + (hung ? 1 : 0);
    const unexplained = status !== 0 && known === 0 ? 1 : 0; // mocha itself failed: no tests, a file that does not load
    return { ...counts, failed: known + unexplained };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};

/** Runs what the arguments ask for; without any, everything, as two mochas side by side. The second is heard after the first. */
const runTests = async (args: readonly string[]): Promise<TestCounts> => {
  const beside = globSync(BESIDE, { cwd: root }).toSorted();
  if (args.length > 0 || beside.length === 0) return runMocha(namesTests(args) ? args : [...args, ALL_TESTS]);
  const turn = new Turn();
  const both = await Promise.all([runMocha([ALL_TESTS, '--ignore', BESIDE]).finally(() => turn.begin()), runMocha(beside, turn)]);
  const sum = (of: 'passed' | 'failed' | 'pending'): number => both.reduce((total, counts) => total + counts[of], 0);
  return { passed: sum('passed'), failed: sum('failed'), pending: sum('pending'), failures: both.flatMap(({ failures }) => failures) };
};

const checks = [
  { name: 'types', command: bin('tsc'), args: ['--noEmit'] },
  { name: 'lint', command: bin('oxlint'), args: ['--type-aware', '--deny-warnings'] },
  { name: 'shell scripts', command: 'shellcheck', args: shellScripts() },
];

let failedChecks = 0;
for (const { name, command, args } of checks) {
  heading(name);
  if ((await run(command, args)) === 0) console.log('ok');
  else failedChecks += 1;
}
heading('tests');
const { passed, failed, failures } = await runTests(process.argv.slice(2));
for (const title of failures) console.error(`failed: ${title}`);
if (failedChecks > 0) console.error(`${failedChecks} of ${checks.length} checks before the tests failed (above)`);
console.log(`${passed} passed, ${failed + failedChecks} failed`);
process.exitCode = failed + failedChecks === 0 ? 0 : 1;
