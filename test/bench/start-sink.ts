import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { SinkRequest } from './sink.ts';
import type { Link } from './sink-http.ts';
import type { StoredSummary } from './sink-s3.ts';

export type Door = 'http' | 'https' | 'slow';

/** A running sink. Dispose of it to end its process. */
export type Sink = AsyncDisposable & {
  readonly pid: number;
  /** The certificate that clients have to trust, as a PEM file. */
  readonly caFile: string;
  endpoint(door: Door): string;
  /** What is stored under `bucket/prefix`. */
  list(prefix: string): Promise<StoredSummary[]>;
  forget(prefix: string): Promise<void>;
  /** CPU seconds the sink has used so far. */
  cpuSeconds(): Promise<number>;
};

/** What it reads lives for a moment: in a small young generation its memory is used again while a core still has it in its cache. */
const LEAN = ['--min-semi-space-size=1', '--max-semi-space-size=1'];

/** A new self-signed P-256 certificate for 127.0.0.1; openssl, because the bench needs it anyway. */
async function certificate(directory: string): Promise<{ cert: string; key: string }> {
  const cert = join(directory, 'sink.crt');
  const key = join(directory, 'sink.key');
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const names = ['-subj', '/CN=cleanroom bench sink', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
  await promisify(execFile)('openssl', ['req', '-x509', ...kind, ...names, '-keyout', key, '-out', cert]);
  return { cert, key };
}

/**
 * Forks the sink and waits until it listens.
 * @param directory where the certificate and its key go
 * @param slow how the `slow` door behaves
 */
export async function startSink(directory: string, slow: Link): Promise<Sink> {
  const { cert, key } = await certificate(directory);
  const link = ['--latency-ms', String(slow.latencyMs), '--rate', String(slow.bytesPerSecond)];
  const child = fork(new URL('./sink.ts', import.meta.url), ['--cert', cert, '--key', key, ...link], { execArgv: [...process.execArgv, ...LEAN] });
  const exited = once(child, 'exit');
  const started = exited.then(([code]) => {
    throw new Error(`the sink ended with ${String(code)} before it listened`);
  });
  const [{ ports }] = (await Promise.race([once(child, 'message'), started])) as [{ ports: Record<Door, number> }];
  started.catch(() => {}); // from here on an exit shows as a failed answer

  let lastId = 0;
  const ask = (request: { ask: 'cpu' } | { ask: 'list' | 'forget'; prefix: string }): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const id = ++lastId;
      const onMessage = (message: { id: number; value: unknown }): void => {
        if (message.id !== id) return;
        child.off('message', onMessage);
        resolve(message.value);
      };
      child.on('message', onMessage);
      child.send({ ...request, id } satisfies SinkRequest, (error) => error && reject(error));
    });

  return {
    pid: child.pid ?? 0,
    caFile: cert,
    endpoint: (door) => `${door === 'http' ? 'http' : 'https'}://127.0.0.1:${ports[door]}`,
    list: async (prefix) => (await ask({ ask: 'list', prefix })) as StoredSummary[],
    forget: async (prefix) => void (await ask({ ask: 'forget', prefix })),
    cpuSeconds: async () => {
      const { user, system } = (await ask({ ask: 'cpu' })) as NodeJS.CpuUsage;
      return (user + system) / 1e6;
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null) child.kill('SIGKILL');
      await exited;
    },
  };
}
