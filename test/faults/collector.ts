import { spawn, type ChildProcess } from 'node:child_process';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const CLI = resolve(import.meta.dirname, '../../agent/cli.ts');

/** A line of the collector's JSON log. */
export type Line = { readonly event: string; readonly [field: string]: unknown };

export type Ended = {
  /** COMPLETE, PARTIAL, INTERRUPTED, KILLED, or FAILED and the code of the failure. */
  readonly outcome: string;
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly lines: readonly Line[];
  readonly stdout: string;
  readonly stderr: string;
  readonly seconds: number;
};

export type Running = {
  readonly pid: number;
  kill(signal: NodeJS.Signals): void;
  /** Resolves with the first line of the log, from the start, that fits; rejects when the collector ends without one. */
  until(what: string, fits: (line: Line, index: number, lines: readonly Line[]) => boolean): Promise<Line>;
  readonly ended: Promise<Ended>;
};

export type CollectorOptions = {
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Runs the collector below this command, for example `prlimit --nofile=64`. @default none */
  readonly under?: readonly string[];
  /** Where its standard output goes. @default a pipe that is read to its end */
  readonly stdout?: 'closed' | 'unread' | number;
  /** Seconds it may take before it is killed and the case has failed: every end must come in bounded time. @default 240: a loaded machine is slow */
  readonly limitSeconds?: number;
};

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

const linesOf = (stdout: string): Line[] =>
  stdout.split('\n').flatMap((text) => {
    try {
      const line = JSON.parse(text) as Line | null;
      return typeof line?.event === 'string' ? [line] : [];
    } catch {
      return [];
    }
  });

/** What an ending means. Exit status and log must say the same; where they do not, that is the outcome. */
function outcomeOf(code: number | null, signal: NodeJS.Signals | null, lines: readonly Line[]): string {
  if (signal !== null) return 'KILLED';
  const last = lines.findLast(({ event }) => event === 'acquisition.ended');
  const failure = lines.findLast(({ event }) => event === 'error');
  const told = failure ?? (last?.['code'] === undefined ? undefined : last); // a watch tells an acquisition's failure, and goes on
  const said = told ? (told['code'] === 'INTERRUPTED' ? 'INTERRUPTED' : `FAILED ${String(told['code'])}`) : last && String(last['status']);
  const allowed = { 0: ['COMPLETE', undefined], 3: ['PARTIAL', undefined], 5: ['INTERRUPTED', undefined] }[code ?? -1];
  const fits = allowed ? allowed.includes(said) : said === undefined || said.startsWith('FAILED');
  if (!fits) return `exit ${code} after ${said}`;
  return said ?? { 0: 'COMPLETE', 1: 'FAILED', 3: 'PARTIAL', 5: 'INTERRUPTED' }[code ?? -1] ?? `exit ${code}`;
}

/** Starts the real collector as a process of its own. */
export function startCollector({ args, env = {}, under = [], stdout, limitSeconds = 240 }: CollectorOptions): Running {
  const [command, ...rest] = [...under, process.execPath, CLI, ...args];
  const started = performance.now();
  const child = spawn(command!, rest, { env: { ...process.env, ...env }, stdio: ['ignore', typeof stdout === 'number' ? stdout : 'pipe', 'pipe'] });
  running.add(child);
  let [out, err, late] = ['', '', false];
  if (stdout === 'closed') child.stdout?.destroy();
  else if (stdout !== 'unread') child.stdout?.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (err += text));
  const limit = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, limitSeconds * 1000);
  const ended = new Promise<Ended>((done, failed) => {
    child.once('error', failed);
    const end = (code: number | null, signal: NodeJS.Signals | null): void => {
      clearTimeout(limit);
      running.delete(child);
      const lines = linesOf(out);
      const outcome = late ? `STILL RUNNING after ${limitSeconds} s` : outcomeOf(code, signal, lines);
      done({ outcome, exitCode: code, signal, lines, stdout: out, stderr: err, seconds: (performance.now() - started) / 1000 });
    };
    // One that even SIGKILL does not end waits in the kernel, for a disk that does not answer.
    setTimeout(() => running.has(child) && end(null, 'SIGKILL'), limitSeconds * 1000 + 3000).unref();
    if (stdout === 'unread') child.once('exit', end);
    else child.once('close', end);
  });
  let hasEnded = false;
  void ended.then(() => (hasEnded = true), () => (hasEnded = true));
  return {
    pid: child.pid ?? -1,
    kill: (signal) => void child.kill(signal),
    async until(what, fits) {
      for (;;) {
        const found = linesOf(out).find(fits);
        if (found) return found;
        if (hasEnded) throw new Error(`the collector ended before ${what}: ${(await ended).outcome}\n${err}`);
        await sleep(10);
      }
    },
    ended,
  };
}

/** Runs the collector to its end. */
export const runCollector = (options: CollectorOptions): Promise<Ended> => startCollector(options).ended;
