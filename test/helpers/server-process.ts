import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

/** A server that a test started. */
export type ServerProcess = {
  readonly pid: number;
  /** What it wrote so far, at most the last 64 KiB. */
  output(): string;
  /** Waits until `ready` gives something. Rejects with the output when the process ends, or `timeoutMs` pass, before that. */
  until<T>(what: string, ready: () => Promise<T | undefined> | T | undefined, timeoutMs: number): Promise<T>;
  /** SIGTERM, SIGKILL after `graceMs` (default 5000); resolves when it has ended. Safe to call twice. */
  stop(graceMs?: number): Promise<void>;
};

const KEPT_OUTPUT = 65_536;
const running = new Set<ChildProcess>();
// The last resort, for a test run that dies before its `after` hooks: no server may outlive it.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts a server in the foreground, its output kept for error messages. */
export const startProcess = (command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): ServerProcess => {
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  let output = '';
  let ended: string | undefined;
  const ending = new Promise<void>((resolve) => {
    const end = (how: string): void => {
      running.delete(child);
      ended ??= how;
      resolve();
    };
    child.once('error', (error) => end(`could not be started: ${error.message}`));
    child.once('exit', (code, signal) => end(`ended with ${signal ?? `status ${code}`}`));
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-KEPT_OUTPUT);
    });
  }

  return {
    pid: child.pid ?? -1,
    output: () => output,
    async until(what, ready, timeoutMs) {
      for (const deadline = Date.now() + timeoutMs; ; await sleep(50)) {
        const result = await ready();
        if (result !== undefined) return result;
        if (ended !== undefined) throw new Error(`${command} ${ended} before it was ${what}:\n${output}`);
        if (Date.now() > deadline) throw new Error(`${command} was not ${what} within ${timeoutMs} ms:\n${output}`);
      }
    },
    async stop(graceMs = 5_000) {
      if (ended !== undefined) return;
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
      await ending;
      clearTimeout(timer);
    },
  };
};
