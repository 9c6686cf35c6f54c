import type { LogEvent } from '../../../modules/vocabulary/index.ts';

/** Fields of one event. Hostile text goes in escaped; secrets never. */
export type EventFields = Readonly<Record<string, string | number | boolean | null | undefined | readonly string[]>>;

/**
 * Where the collector says what it does. Writing never blocks, never throws and never fails an image: what a sink cannot
 * take is spooled or counted, not lost silently.
 */
export interface EventLog {
  info(event: LogEvent, fields?: EventFields): void;
  warn(event: LogEvent, fields?: EventFields): void;
  error(event: LogEvent, fields?: EventFields): void;
  /** Gives the sinks up to `timeoutMs` to deliver; what is left stays spooled. */
  close(timeoutMs: number): Promise<void>;
}
