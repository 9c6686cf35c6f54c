import type { InputLogEvent } from '@aws-sdk/client-cloudwatch-logs';

const HOUR = 3_600_000;

/** What one PutLogEvents call takes: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html */
export const PUT_LIMITS = {
  maxBytes: 1024 ** 2,
  /** Added to every message's bytes. */
  eventOverhead: 26,
  maxEvents: 10_000,
  maxSpanMs: 24 * HOUR,
  maxAgeMs: 14 * 24 * HOUR,
  maxAheadMs: 2 * HOUR,
} as const;

/** The longest message that fits into a batch of its own, in bytes. */
export const MAX_MESSAGE_BYTES = PUT_LIMITS.maxBytes - PUT_LIMITS.eventOverhead;

/** Kept away from the age limits, because the service's clock and ours differ. */
const MARGIN_MS = HOUR / 2;

/** A line of the spool: `end` is the offset of the byte behind its newline. */
export type SpooledLine = { readonly text: string; readonly time: number; readonly end: number };

export type Batch = { readonly events: readonly InputLogEvent[]; readonly end: number; readonly bytes: number };

export type BatchOptions = {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Timestamp of the event that was sent before; a later batch never goes behind it, whatever the clock did. */
  readonly notBefore?: number;
  /** @default PUT_LIMITS.maxEvents */
  readonly maxEvents?: number;
};

/**
 * Takes from the head of `lines` as many as one call may carry, in order. Timestamps are made to rise and to lie between
 * 14 days back and 2 hours ahead, as the service demands; the record's own time stays in its text.
 */
export function nextBatch(lines: readonly SpooledLine[], { now, notBefore = 0, maxEvents = PUT_LIMITS.maxEvents }: BatchOptions): Batch {
  const oldest = now - PUT_LIMITS.maxAgeMs + MARGIN_MS;
  const newest = now + PUT_LIMITS.maxAheadMs - MARGIN_MS;
  const events: InputLogEvent[] = [];
  let bytes = 0;
  let end = 0;
  let previous = Math.min(notBefore, newest);
  for (const line of lines) {
    const timestamp = Math.max(previous, Math.min(Math.max(line.time, oldest), newest));
    const size = Buffer.byteLength(line.text) + PUT_LIMITS.eventOverhead;
    const first = events[0]?.timestamp ?? timestamp;
    if (events.length === maxEvents || bytes + size > PUT_LIMITS.maxBytes || timestamp - first >= PUT_LIMITS.maxSpanMs) break;
    events.push({ timestamp, message: line.text });
    bytes += size;
    end = line.end;
    previous = timestamp;
  }
  return { events, end, bytes };
}

/** The lines of a spool file from byte `start` on. A torn last line and lines that are not records are left out and counted. */
export function spooledLines(content: Buffer, start: number): { lines: SpooledLine[]; torn: number } {
  const lines: SpooledLine[] = [];
  let torn = 0;
  let at = start;
  while (at < content.length) {
    const newline = content.indexOf(0x0a, at);
    const end = newline === -1 ? content.length : newline + 1;
    const time = newline === -1 ? undefined : timeOf(content.toString('utf8', at, newline));
    if (newline === -1 || time === undefined) torn += 1;
    else lines.push({ text: content.toString('utf8', at, newline), time, end });
    at = end;
  }
  return { lines, torn };
}

function timeOf(line: string): number | undefined {
  try {
    const time = Date.parse((JSON.parse(line) as { time: string }).time);
    return Number.isNaN(time) || Buffer.byteLength(line) > MAX_MESSAGE_BYTES ? undefined : time;
  } catch {
    return undefined;
  }
}
