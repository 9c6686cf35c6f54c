import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';

const DAEMONS = ['/usr/lib/systemd/systemd-udevd', '/lib/systemd/systemd-udevd', '/sbin/udevd'];

/** Where udev keeps what it knows. */
const STATE = ['/run/udev', '/dev/disk'];

/** Says that all of that came from a udevd of ours; where none answers, its process was killed and this is a leftover. */
const MARK = '/run/udev/cleanroom-lab';

/** How long a fresh udevd may take to answer, and a queue of events to drain, on a machine that is slow and busy. Seconds. */
const ANSWER_S = 60;

/** The udevd of this process, if it had to start one. */
let own: { readonly child: ChildProcess; readonly leftovers: readonly string[] } | undefined;
let starting: Promise<void> | undefined;

const udevadm = (...args: string[]) => execa('udevadm', args, { timeout: (ANSWER_S + 5) * 1000 });

const answers = async (): Promise<boolean> => !(await execa('udevadm', ['control', '--ping', '--timeout=2'], { reject: false })).failed;

/** Removes what only our udevd kept up to date, which would be wrong from now on. */
function forget(): void {
  for (const path of own?.leftovers ?? []) rmSync(path, { recursive: true, force: true });
  own = undefined;
}

/** For a process that ends without {@link stopUdev}: nothing can be awaited, so udevd must not write any more. */
function killAndForget(): void {
  own?.child.kill('SIGKILL');
  forget();
}

async function start(): Promise<void> {
  const daemon = DAEMONS.find((path) => existsSync(path));
  if (daemon === undefined) throw new Error(`no udevd in ${DAEMONS.join(', ')}: install the Debian package udev`);
  if (process.getuid?.() !== 0) throw new Error('udevd runs as root only: run this as root');
  if (existsSync(MARK)) for (const path of STATE) rmSync(path, { recursive: true, force: true });
  const leftovers = STATE.filter((path) => !existsSync(path));
  // setpriv: the kernel ends udevd with us, even where we are killed and no handler runs.
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', daemon], { stdio: 'ignore' });
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`${daemon} ended at once with status ${String(code)}`);
  });
  child.unref();
  if (!own) process.once('exit', killAndForget);
  own = { child, leftovers };
  const answered = (async () => {
    const deadline = Date.now() + ANSWER_S * 1000;
    while (!(await answers())) {
      if (Date.now() > deadline) throw new Error(`${daemon} does not answer after ${ANSWER_S} s`);
      await delay(50);
    }
  })();
  failed.catch(() => {}); // it also ends in due time
  await Promise.race([answered, failed]);
  if (leftovers.includes('/run/udev')) writeFileSync(MARK, '');
  await udevadm('trigger', '--subsystem-match=block', '--action=add');
  await settleUdev();
}

/**
 * Makes sure that a udevd runs: the machine's own where there is one, otherwise one that ends with this process. Cheap to
 * call again; starts another one when the one that was there has ended.
 * @throws Error when udev is not installed, this is not root, or udevd does not start
 */
export async function ensureUdev(): Promise<void> {
  if (await answers()) return;
  starting ??= start().finally(() => (starting = undefined));
  await starting;
}

/** Waits until udev has handled every event so far, at most a minute: somebody else's events may keep it busy for longer. */
export async function settleUdev(): Promise<void> {
  await execa('udevadm', ['settle', `--timeout=${ANSWER_S}`], { reject: false, timeout: (ANSWER_S + 5) * 1000 });
}

/** Ends the udevd that {@link ensureUdev} started; leaves any other alone. */
export async function stopUdev(): Promise<void> {
  const child = own?.child;
  const ended = child && child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
  child?.ref(); // the wait for it must keep this process going
  child?.kill('SIGTERM');
  await ended;
  process.off('exit', killAndForget);
  forget();
}
