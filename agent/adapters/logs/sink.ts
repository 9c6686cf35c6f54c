import type { LogEvent, LogRecord } from '../../../modules/vocabulary/index.ts';
import type { EventFields } from './event-log.ts';

/** Lets a sink say something about itself, for instance that it spools; it reaches every sink. */
export type Emit = (level: LogRecord['level'], event: LogEvent, fields: EventFields) => void;

/** One place that records go to. */
export interface LogSink {
  /** Takes a record at once; what the sink cannot take it spools or counts. */
  write(record: LogRecord): void;
  /** Called once, when the sink becomes part of a log. */
  attach?(emit: Emit): void;
  /** Whether something written is not delivered yet; absent where writing is delivering. */
  readonly isWaiting?: boolean;
  /** Delivers what it can within `timeoutMs`, then lets go of files and timers. Never rejects. */
  close(timeoutMs: number): Promise<void>;
}
