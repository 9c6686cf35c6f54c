import { z } from 'zod';
import { UtcTime } from './identifiers.ts';

/** The log groups' names behind their prefix; those of the AWS disk-collection pipeline, so that queries carry over. */
export const LOG_GROUPS = {
  /** Start, heartbeat and stop of a collector. */
  readiness: 'ForensicDiskReadiness',
  /** Every step of an acquisition. */
  capture: 'ForensicDiskCapture',
  /** One record for each outcome. */
  audit: 'ForensicDiskAudit',
} as const;
export type LogGroup = keyof typeof LOG_GROUPS;

/** Name of a log group. @param prefix for example `/cleanroom/`; empty by default */
export const logGroupName = (group: LogGroup, prefix = ''): string => `${prefix}${LOG_GROUPS[group]}`;

/** Every event the collector and the workflow write, with the log group it goes to. */
export const LogEvent = {
  collectorStarted: 'collector.started',
  collectorHeartbeat: 'collector.heartbeat',
  collectorStopping: 'collector.stopping',
  collectorStopped: 'collector.stopped',
  diskFound: 'disk.found',
  diskLeftAlone: 'disk.left-alone',
  diskGone: 'disk.gone',
  acquisitionStarted: 'acquisition.started',
  acquisitionResumed: 'acquisition.resumed',
  acquisitionProgress: 'acquisition.progress',
  sourceOpened: 'source.opened',
  sourceSetReadOnly: 'source.set-read-only',
  sourceBadRange: 'source.bad-range',
  partStored: 'part.stored',
  partRetried: 'part.retried',
  partMismatch: 'part.mismatch',
  uploadWithdrawn: 'upload.withdrawn',
  imageStored: 'image.stored',
  imageReread: 'image.reread',
  manifestStored: 'manifest.stored',
  acquisitionEnded: 'acquisition.ended',
  logsSpooled: 'logs.spooled',
  logsDelivered: 'logs.delivered',
  warning: 'collector.warning',
  /** Written by the workflow: an acquisition ended; one line a volume. */
  caseClosed: 'case.closed',
} as const;
export type LogEvent = (typeof LogEvent)[keyof typeof LogEvent];

const GROUP_OF: Partial<Record<LogEvent, LogGroup>> = {
  [LogEvent.collectorStarted]: 'readiness',
  [LogEvent.collectorHeartbeat]: 'readiness',
  [LogEvent.collectorStopping]: 'readiness',
  [LogEvent.collectorStopped]: 'readiness',
  [LogEvent.diskFound]: 'readiness',
  [LogEvent.diskLeftAlone]: 'readiness',
  [LogEvent.diskGone]: 'readiness',
  [LogEvent.logsSpooled]: 'readiness',
  [LogEvent.logsDelivered]: 'readiness',
  [LogEvent.warning]: 'readiness',
  [LogEvent.acquisitionEnded]: 'audit',
  [LogEvent.caseClosed]: 'audit',
  [LogEvent.uploadWithdrawn]: 'audit',
};

/** The log group an event belongs to; what is not about the collector itself or an outcome is about a capture. */
export const logGroupOf = (event: LogEvent): LogGroup => GROUP_OF[event] ?? 'capture';

/** One line of a log: an event's name, its time, and its own fields. */
export const LogRecord = z.looseObject({
  time: UtcTime,
  event: z.enum(LogEvent),
  level: z.enum(['info', 'warn', 'error']),
});
export type LogRecord = z.infer<typeof LogRecord>;
