import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ProcessTree, type TreeUse } from './process-tree.ts';

export type Use = {
  readonly wallSeconds: number;
  /** User and system time of every process of the command. */
  readonly cpuSeconds: number;
} & Pick<TreeUse, 'peakRssBytes' | 'peakPssBytes'>;

export type CommandResult = Use & { readonly stdout: string; readonly stderr: string };

/** The outer shell's `times` covers each descendant that was waited for, so the command runs in a shell of its own. */
const WRAPPER = 'bash -o pipefail -euc "$1"; status=$?; times > "$2"; exit $status';
/** CPU time that sampling may have seen beyond what the shell counted, before a process counts as run away. */
const ESCAPED_SECONDS = 0.5;

/** Seconds in the second line of bash's `times`: what the children used. */
function childSeconds(times: string): number {
  const line = times.trim().split('\n')[1] ?? '';
  const seconds = [...line.matchAll(/(\d+)m([\d.]+)s/g)].map(([, minutes, rest]) => Number(minutes) * 60 + Number(rest));
  if (seconds.length !== 2) throw new Error(`cannot read the shell's times: ${JSON.stringify(times)}`);
  return seconds[0]! + seconds[1]!;
}

/** The end of what a command said, without the progress that it overwrote. */
const lastWords = (stderr: string): string =>
  stderr
    .split('\n')
    .map((line) => line.slice(line.lastIndexOf('\r') + 1).trimEnd())
    .filter((line) => line !== '')
    .slice(-8)
    .join('\n')
    .slice(-2000);

const killTree = (tree: ProcessTree): void => {
  for (const pid of tree.alive()) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // ended by itself meanwhile
    }
  }
};

/**
 * Runs one bash command (with pipefail) and measures it with all its processes.
 * @param directory a folder for its output, made if missing
 * @throws Error when it fails, with the end of its standard error, or when a process outlived it uncounted
 */
export async function runCommand(
  command: string,
  directory: string,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<CommandResult> {
  await mkdir(directory, { recursive: true });
  const file = (name: string): string => join(directory, name);
  const [stdout, stderr] = [openSync(file('stdout'), 'w'), openSync(file('stderr'), 'w')];
  signal.throwIfAborted();
  const started = performance.now();
  // A session of its own, so that ^C reaches the bench alone, which then ends the command in order.
  const child = spawn('bash', ['-c', WRAPPER, 'bash', command, file('times')], {
    cwd: directory,
    env,
    detached: true,
    stdio: ['ignore', stdout, stderr],
  });
  closeSync(stdout);
  closeSync(stderr);
  const tree = new ProcessTree(child.pid ?? -1);
  const onAbort = (): void => killTree(tree);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const [code, killedBy] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    const wallSeconds = (performance.now() - started) / 1000;
    signal.throwIfAborted();
    const use = tree.stop();
    const text = { stdout: readFileSync(file('stdout'), 'utf8'), stderr: readFileSync(file('stderr'), 'utf8') };
    if (code !== 0) throw new Error(`exit ${code ?? killedBy}: ${command}\n${lastWords(text.stderr)}`);
    const cpuSeconds = childSeconds(readFileSync(file('times'), 'utf8'));
    if (use.cpuSeconds > cpuSeconds + ESCAPED_SECONDS) {
      throw new Error(`processes used ${use.cpuSeconds} s, the shell counted only ${cpuSeconds} s: ${command}`);
    }
    return { wallSeconds, cpuSeconds, peakRssBytes: use.peakRssBytes, peakPssBytes: use.peakPssBytes, ...text };
  } finally {
    signal.removeEventListener('abort', onAbort);
    tree.stop();
    killTree(tree);
  }
}
