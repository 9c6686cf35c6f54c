import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { LOG_GROUPS, LogEvent, logGroupOf, type LogGroup, type LogRecord } from '../../../modules/vocabulary/index.ts';
import { GroupDelivery } from './group-delivery.ts';
import { MAX_MESSAGE_BYTES, PUT_LIMITS } from './log-batches.ts';
import { LogGroupsClient } from './log-groups-client.ts';
import { boundedJsonLine } from './log-line.ts';
import type { Emit, LogSink } from './sink.ts';
import { rankOf } from './spool-room.ts';
import { Spool } from './spool.ts';

export type CloudWatchSinkOptions = {
  readonly client: CloudWatchLogsClient;
  /** Before the three groups' names, for example `/cleanroom/`. */
  readonly prefix: string;
  /** Log stream in each group: what tells collectors apart, for example the instance ID. */
  readonly stream: string;
  /** Directory for what is not delivered yet; made with mode 0700. */
  readonly spoolDir: string;
  /** Bytes of spool files; over it the oldest progress and heartbeat events go first. @default 256 MiB */
  readonly maxSpoolBytes?: number;
  /** Bytes that may wait in memory while the disk takes nothing. @default 4 MiB */
  readonly maxMemoryBytes?: number;
  /** How often it sends, in milliseconds. @default 1000 */
  readonly intervalMs?: number;
  /** Longest wait between two tries, in milliseconds. @default 60000 */
  readonly maxBackoffMs?: number;
  /** Longest time for one request, in milliseconds. @default 20000 */
  readonly requestTimeoutMs?: number;
  /** Milliseconds since the epoch, for the events' times; waits go by the monotonic clock. @default Date.now */
  readonly clock?: () => number;
};

/** What a CloudWatch sink did so far, in events. */
export type CloudWatchSinkState = {
  readonly delivered: number;
  /** Lost: dropped for want of room in spool and memory. */
  readonly dropped: number;
  /** Lost: the service refused them for good. */
  readonly refused: number;
  /** Bytes that wait on disk and in memory. */
  readonly waitingBytes: number;
};

export type CloudWatchSink = LogSink & { readonly state: CloudWatchSinkState };

const GROUPS = Object.keys(LOG_GROUPS) as LogGroup[];
const MINUTE = 60_000;

/**
 * Sends records to the three log groups through a spool on disk. Within a group they arrive in the order they were written,
 * each **at least** once: after a crash, or a request whose answer was lost, some may arrive twice. While the service does not
 * answer they stay spooled, also past the end of the process: the next one delivers them first. Nothing here ever waits in
 * the caller's way. What is written is in the kernel's hands within milliseconds; it is not forced to the medium.
 */
export function cloudWatchSink(options: CloudWatchSinkOptions): CloudWatchSink {
  const { intervalMs = 1000, maxSpoolBytes = 256 * 1024 ** 2, maxMemoryBytes = 4 * 1024 ** 2, clock = Date.now } = options;
  const spool = new Spool({ dir: options.spoolDir, maxBytes: maxSpoolBytes, maxMemoryBytes });
  let emit: Emit = () => {};
  const stopped = new AbortController();
  const deliveries = new Map(
    GROUPS.map((group) => [
      group,
      new GroupDelivery({
        group,
        spool,
        client: new LogGroupsClient({ client: options.client, prefix: options.prefix, stream: options.stream, clock }),
        emit: (level, event, fields) => emit(level, event, fields),
        stopped: stopped.signal,
        maxBackoffMs: options.maxBackoffMs ?? 60_000,
        requestTimeoutMs: options.requestTimeoutMs ?? 20_000,
        clock,
      }),
    ]),
  );
  const all = [...deliveries.values()];
  let announcedDrops = 0;
  let nextAnnouncement = 0;
  let nextAdoption = performance.now() + MINUTE;
  let unsentBytes = 0;
  let closed = false;

  const announceDrops = (): void => {
    if (spool.dropped === announcedDrops || performance.now() < nextAnnouncement) return;
    emit('warn', LogEvent.logsSpooled, {
      dropped: spool.dropped - announcedDrops,
      because: `more than ${maxSpoolBytes} bytes on disk or ${maxMemoryBytes} bytes in memory wait for the log service`,
    });
    announcedDrops = spool.dropped;
    nextAnnouncement = performance.now() + MINUTE;
  };
  const tick = async (): Promise<void> => {
    announceDrops();
    unsentBytes = 0;
    await spool.flush();
    if (performance.now() >= nextAdoption) {
      nextAdoption = performance.now() + MINUTE;
      await spool.adopt();
    }
    await Promise.all(all.map(async (delivery) => delivery.run()));
  };
  const timer = setInterval(() => void tick(), intervalMs).unref();

  return {
    get state() {
      const sum = (key: 'delivered' | 'refused'): number => all.reduce((total, delivery) => total + delivery[key], 0);
      return {
        delivered: sum('delivered'),
        refused: sum('refused'),
        dropped: spool.dropped,
        waitingBytes: spool.fileBytes + spool.memoryBytes,
      };
    },
    get isWaiting() {
      return spool.fileBytes + spool.memoryBytes > 0;
    },
    attach(into) {
      emit = into;
    },
    write(record: LogRecord) {
      if (closed) return;
      const line = boundedJsonLine(record, MAX_MESSAGE_BYTES);
      spool.append(logGroupOf(record.event), line, rankOf(record));
      unsentBytes += line.length + PUT_LIMITS.eventOverhead;
      if (unsentBytes >= PUT_LIMITS.maxBytes) void tick();
    },
    async close(timeoutMs) {
      if (closed) return;
      clearInterval(timer);
      const stop = setTimeout(() => stopped.abort(), timeoutMs);
      const finish = async (): Promise<void> => {
        await spool.flush();
        await Promise.all(all.map(async (delivery) => delivery.drain()));
        closed = true;
        await spool.close();
      };
      let stuck: NodeJS.Timeout | undefined;
      const giveUp = new Promise<void>((resolve) => {
        stuck = setTimeout(resolve, timeoutMs + 1000); // a disk that hangs must not hold the process
      });
      await Promise.race([finish(), giveUp]);
      closed = true;
      clearTimeout(stop);
      clearTimeout(stuck);
      stopped.abort();
    },
  };
}
