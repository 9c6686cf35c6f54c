import type { LogRecord } from '../../../modules/vocabulary/index.ts';
import { jsonLine } from './log-line.ts';
import type { LogSink } from './sink.ts';

export type MemorySinkOptions = {
  /** Which records it keeps, for instance those of one acquisition. @default every record */
  readonly filter?: (record: LogRecord) => boolean;
  /** Bytes of lines it keeps; from then on it drops the newest and counts them. @default 16 MiB */
  readonly maxBytes?: number;
};

/** A sink that keeps records in memory. */
export type MemorySink = LogSink & {
  readonly records: readonly LogRecord[];
  readonly dropped: number;
  /** One JSON line a record, as it is stored in a capture log; says at its end how many records did not fit. */
  text(): string;
};

/** Keeps records in memory, inside a bound: for tests, and for the text of one acquisition's capture log. */
export function memorySink({ filter = () => true, maxBytes = 16 * 1024 ** 2 }: MemorySinkOptions = {}): MemorySink {
  const records: LogRecord[] = [];
  const lines: string[] = [];
  let bytes = 0;
  let dropped = 0;
  return {
    records,
    get dropped() {
      return dropped;
    },
    text: () => lines.join('') + (dropped > 0 ? `${JSON.stringify({ leftOut: dropped, because: 'over the log\'s bound' })}\n` : ''),
    write(record) {
      if (!filter(record)) return;
      const line = `${jsonLine(record)}\n`;
      if (bytes + line.length > maxBytes) {
        dropped += 1;
        return;
      }
      bytes += line.length;
      records.push(record);
      lines.push(line);
    },
    close: async () => {},
  };
}
