/**
 * Everything that must hold: types, lint, shell scripts, tests. Runs all of them even when one fails, streams what they
 * say, and ends with the line `N passed, N failed`: tests, and each failed check as one more failure.
 * Arguments go to mocha: `npm test -- --grep overwrite`, `npm test -- test/agent/pipeline.test.ts`.
 */
import { spawn } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { COUNTS_FILE, type TestCounts } from './mocha-summary.ts';

const root = resolve(import.meta.dirname, '..');
const bin = (name: string): string => join(root, 'node_modules/.bin', name);
const ALL_TESTS = 'test/**/*.test.ts';
/** How long mocha may go on after its last test: what lives longer is a server or handle that a test left open. */
const LINGER_MS = Number(process.env.CLEANROOM_TEST_LINGER_MS ?? 20_000);

/** Runs one program with our own standard streams; resolves with its exit status, 1 for a signal or a failed start. */
const run = (command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}, watch?: (kill: () => void) => () => void): Promise<number> =>
  new Promise((done) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, ...env } });
    const unwatch = watch?.(() => child.kill('SIGKILL'));
    child.once('error', (error) => {
      console.error(`cannot start ${command}: ${error.message}`);
      unwatch?.();
      done(1);
    });
    child.once('exit', (code) => {
      unwatch?.();
      done(code ?? 1);
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

/** Runs mocha; resolves with its counts, in which a crash, a hang and a pending test are failures. */
const runTests = async (args: readonly string[]): Promise<TestCounts> => {
  const directory = mkdtempSync(join(tmpdir(), 'cleanroom-test-'));
  const file = join(directory, 'counts.json');
  try {
    let hung = false;
    const lingers = (kill: () => void): (() => void) => {
      let endedAt: number | undefined;
      const timer = setInterval(() => {
        if (endedAt === undefined && existsSync(file)) endedAt = Date.now();
        if (endedAt === undefined || Date.now() - endedAt < LINGER_MS) return;
        hung = true;
        console.error(`mocha did not end within ${LINGER_MS / 1000} s of its last test: a test left a server, process or timer open`);
        kill();
      }, 500);
      return () => clearInterval(timer);
    };
    const specs = namesTests(args) ? args : [...args, ALL_TESTS];
    const status = await run(bin('mocha'), ['--reporter', join(root, 'scripts/mocha-summary.ts'), ...specs], { [COUNTS_FILE]: file }, lingers);
    const counts = existsSync(file)
      ? (JSON.parse(readFileSync(file, 'utf8')) as TestCounts)
      : { passed: 0, failed: 0, pending: 0 };
    if (counts.pending > 0) console.error(`${counts.pending} test(s) did not run: a skipped test proves nothing`);
    const known = counts.failed + counts.pending + (hung ? 1 : 0);
    const unexplained = status !== 0 && known === 0 ? 1 : 0; // mocha itself failed: no tests, a file that does not load
    return { ...counts, failed: known + unexplained };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
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
const { passed, failed } = await runTests(process.argv.slice(2));
if (failedChecks > 0) console.error(`${failedChecks} of ${checks.length} checks before the tests failed (above)`);
console.log(`${passed} passed, ${failed + failedChecks} failed`);
process.exitCode = failed + failedChecks === 0 ? 0 : 1;
