import type { LogEvent, LogRecord } from '../../../modules/vocabulary/index.ts';
import type { EventFields, EventLog } from './event-log.ts';
import type { LogSink } from './sink.ts';

export type EventLogOptions = {
  readonly sinks: readonly LogSink[];
  /** Milliseconds since the epoch. @default Date.now */
  readonly clock?: () => number;
};

/** An EventLog whose sinks can change while it is in use. */
export interface FanOutLog extends EventLog {
  /** Adds a sink, for instance one acquisition's capture log; the function that comes back takes it out again, unclosed. */
  add(sink: LogSink): () => void;
  /** Records that a sink failed to take: always 0 unless a sink breaks its own promise. */
  readonly refused: number;
  /** Whether a sink has something that is not delivered yet. */
  readonly isWaiting: boolean;
}

const RESERVED = new Set(['time', 'level', 'event']);

/** The record of one event; a field that would hide the record's own `time`, `level` or `event` is kept as `field.…`. */
function recordOf(time: number, level: LogRecord['level'], event: LogEvent, fields: EventFields): LogRecord {
  const record: LogRecord = { time: new Date(time).toISOString(), level, event };
  for (const [key, value] of Object.entries(fields)) {
    if (value !== undefined) record[RESERVED.has(key) ? `field.${key}` : key] = value;
  }
  return record;
}

/** The collector's event log: every record goes to every sink, and no sink's trouble reaches the caller or another sink. */
export function createEventLog({ sinks, clock = Date.now }: EventLogOptions): FanOutLog {
  const active = new Set<LogSink>();
  let refused = 0;
  const write = (level: LogRecord['level'], event: LogEvent, fields: EventFields = {}): void => {
    let record: LogRecord;
    try {
      record = recordOf(clock(), level, event, fields);
    } catch {
      refused += 1;
      return;
    }
    for (const sink of active) {
      try {
        sink.write(record);
      } catch {
        refused += 1;
      }
    }
  };
  const add = (sink: LogSink) => {
    active.add(sink);
    sink.attach?.(write);
    return () => void active.delete(sink);
  };
  for (const sink of sinks) add(sink);
  return {
    info: (event, fields) => write('info', event, fields),
    warn: (event, fields) => write('warn', event, fields),
    error: (event, fields) => write('error', event, fields),
    add,
    get refused() {
      return refused;
    },
    get isWaiting() {
      return [...active].some((sink) => sink.isWaiting ?? false);
    },
    async close(timeoutMs) {
      await Promise.allSettled([...active].map(async (sink) => sink.close(timeoutMs)));
    },
  };
}
