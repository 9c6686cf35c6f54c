import type { EventFields, EventLog } from './event-log.ts';

/** A log whose events all carry these fields. Closing it closes nothing: the log it writes to belongs to somebody else. */
export const scopedLog = (log: EventLog, scope: EventFields): EventLog => ({
  info: (event, fields) => log.info(event, { ...scope, ...fields }),
  warn: (event, fields) => log.warn(event, { ...scope, ...fields }),
  error: (event, fields) => log.error(event, { ...scope, ...fields }),
  close: () => Promise.resolve(),
});
