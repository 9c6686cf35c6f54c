import type { Writable } from 'node:stream';
import type { LogRecord } from '../../../modules/vocabulary/index.ts';
import { jsonLine, textLine } from './log-line.ts';
import type { LogSink } from './sink.ts';

export type StdoutSinkOptions = {
  /** JSON lines, or lines for a person. */
  readonly json: boolean;
  /** @default process.stdout */
  readonly stream?: Writable;
  /** Bytes that may wait for a slow reader before records are left out and counted. @default 1 MiB */
  readonly maxWaitingBytes?: number;
};

/** A sink that writes lines to standard output. `dropped`: records that its reader did not take. */
export type StdoutSink = LogSink & { readonly dropped: number };

/** Streams whose errors are already taken care of: a sink for each acquisition must not add a listener each. */
const guarded = new WeakSet<Writable>();
const broken = new WeakSet<Writable>();

function guard(stream: Writable): void {
  if (guarded.has(stream)) return;
  guarded.add(stream);
  stream.on('error', () => broken.add(stream)); // EPIPE or a full disk: standard output is never worth an image
}

/**
 * Writes each record to standard output. A reader that has gone (EPIPE), a closed stream or one that does not keep up
 * costs records, which are counted, and nothing else.
 */
export function stdoutSink({ json, stream = process.stdout, maxWaitingBytes = 1024 ** 2 }: StdoutSinkOptions): StdoutSink {
  guard(stream);
  let dropped = 0;
  let unannounced = 0;
  const usable = (): boolean => !broken.has(stream) && !stream.destroyed && stream.writable;
  const render = json ? jsonLine : textLine;
  return {
    get dropped() {
      return dropped;
    },
    write(record: LogRecord) {
      if (!usable() || stream.writableLength > maxWaitingBytes) {
        dropped += 1;
        unannounced += 1;
        return;
      }
      const line = render(unannounced === 0 ? record : { ...record, leftOutBefore: unannounced });
      unannounced = 0;
      stream.write(`${line}\n`);
    },
    async close(timeoutMs) {
      if (!usable() || stream.writableLength === 0) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        const done = (): void => {
          clearTimeout(timer);
          resolve();
        };
        stream.once('drain', done).once('close', done);
        stream.write('', done);
      });
    },
  };
}
