import { LogEvent, type LogGroup } from '../vocabulary/index.ts';

/** A metric that is made from the collector's own log lines. */
export interface LogMetric {
  readonly name: string;
  readonly group: LogGroup;
  /** CloudWatch filter pattern; event names come from the vocabulary, so that the writer cannot drift away from it. */
  readonly pattern: string;
  readonly value: string;
  readonly unit: 'Bytes' | 'Count';
}

const event = (name: LogEvent, more = ''): string => `{ $.event = "${name}"${more} }`;

export const LOG_METRICS: readonly LogMetric[] = [
  { name: 'Heartbeats', group: 'readiness', pattern: event(LogEvent.collectorHeartbeat), value: '1', unit: 'Count' },
  { name: 'Warnings', group: 'readiness', pattern: event(LogEvent.warning), value: '1', unit: 'Count' },
  { name: 'LogsSpooled', group: 'readiness', pattern: event(LogEvent.logsSpooled), value: '1', unit: 'Count' },
  { name: 'BytesStored', group: 'capture', pattern: event(LogEvent.partStored), value: '$.bytes', unit: 'Bytes' },
  { name: 'PartsRetried', group: 'capture', pattern: event(LogEvent.partRetried), value: '1', unit: 'Count' },
  { name: 'PartMismatches', group: 'capture', pattern: event(LogEvent.partMismatch), value: '1', unit: 'Count' },
  { name: 'BadRanges', group: 'capture', pattern: event(LogEvent.sourceBadRange), value: '1', unit: 'Count' },
  { name: 'ImagesComplete', group: 'audit', pattern: event(LogEvent.acquisitionEnded, ' && $.status = "COMPLETE"'), value: '1', unit: 'Count' },
  { name: 'ImagesPartial', group: 'audit', pattern: event(LogEvent.acquisitionEnded, ' && $.status = "PARTIAL"'), value: '1', unit: 'Count' },
  { name: 'ImagesFailed', group: 'audit', pattern: event(LogEvent.acquisitionEnded, ' && $.status = "FAILED"'), value: '1', unit: 'Count' },
];

/** Metrics that one occurrence of wakes somebody up, and why. */
export const ALARMS: Readonly<Record<string, string>> = {
  ImagesFailed: 'An acquisition failed: there is no image that may be believed',
  ImagesPartial: 'An image has sectors that could not be read',
  PartMismatches: 'A source gave other bytes on a second reading',
  LogsSpooled: 'A collector cannot deliver its logs',
};

/** Metrics of the state machine that one occurrence of wakes somebody up, and why. */
export const WORKFLOW_ALARMS: Readonly<Record<string, string>> = {
  ExecutionsFailed: 'An acquisition did not come to its end',
  ExecutionsTimedOut: 'An acquisition took longer than any may',
  ExecutionsAborted: 'Somebody stopped an acquisition',
  ExecutionThrottled: 'Acquisitions wait for Step Functions: ask for a larger quota of state transitions',
};
