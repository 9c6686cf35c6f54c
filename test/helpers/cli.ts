import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const COLLECTOR = resolve(import.meta.dirname, '../../agent/cli.ts');

export type CliOptions = {
  /** Added to this process's environment, from which everything of the collector's own is taken. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Closes the reading end of standard output after so many bytes. */
  readonly closeStdoutAfter?: number;
};

/** A line of `--json`. */
export type JsonLine = Readonly<Record<string, unknown>> & { readonly event: string };

export type Ending = { readonly code: number | null; readonly signal: string | null };

/** A collector that runs as a process of its own. */
export type Cli = {
  readonly pid: number;
  stdout(): string;
  stderr(): string;
  /** Standard output so far as JSON lines; throws on one that is none. */
  readonly lines: () => JsonLine[];
  /** Waits for a JSON line; rejects with all output when the collector ends, or a minute passes, before it. */
  event(name: string, matches?: (line: JsonLine) => boolean): Promise<JsonLine>;
  signal(name: NodeJS.Signals): void;
  /** How it ended; after two minutes it is killed. */
  readonly ended: Promise<Ending>;
};

const running = new Set<Cli>();
afterEach(async () => {
  for (const cli of running) {
    cli.signal('SIGKILL');
    await cli.ended;
  }
});

function environment(more: CliOptions['env'] = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(?:CLEANROOM_|AWS_)/.test(name));
  return { ...Object.fromEntries(kept), AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', ...more };
}

/** Starts `collector …`; it is killed after the test at the latest. */
export function startCli(args: readonly string[], options: CliOptions = {}): Cli {
  const child = spawn(process.execPath, [COLLECTOR, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: environment(options.env), cwd: options.cwd });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
    if (out.length >= (options.closeStdoutAfter ?? Infinity)) child.stdout.destroy();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  let over: Ending | undefined;
  const deadline = setTimeout(() => child.kill('SIGKILL'), 280_000);
  const ended = new Promise<Ending>((done) => child.once('close', (code, signal) => {
    clearTimeout(deadline);
    running.delete(cli);
    done((over = { code, signal }));
  }));
  const lines = (): JsonLine[] => out.split('\n').slice(0, -1).map((line) => JSON.parse(line) as JsonLine);
  const cli: Cli = {
    pid: child.pid ?? -1,
    stdout: () => out,
    stderr: () => err,
    lines,
    async event(name, matches = () => true) {
      for (const end = Date.now() + 240_000; ; await sleep(20)) {
        const isOver = over !== undefined; // before the look: what it wrote last counts
        const found = lines().find((line) => line.event === name && matches(line));
        if (found) return found;
        if (isOver || Date.now() > end) throw new Error(`no ${name} (${isOver ? `ended with ${over?.code ?? over?.signal}` : 'in four minutes'}):\n${out}${err}`);
      }
    },
    signal: (name) => void child.kill(name),
    ended,
  };
  running.add(cli);
  return cli;
}

export type CliResult = Ending & { readonly stdout: string; readonly stderr: string; readonly lines: () => JsonLine[] };

/** Runs `collector …` to its end. */
export async function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const cli = startCli(args, options);
  const ending = await cli.ended;
  return { ...ending, stdout: cli.stdout(), stderr: cli.stderr(), lines: cli.lines };
}
