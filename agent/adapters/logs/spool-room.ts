import { LogEvent, logGroupOf, type LogRecord } from '../../../modules/vocabulary/index.ts';
import type { FileSegment } from './spool-segment.ts';

/** What goes first when there is no room: 0 repeats itself (progress, heartbeat), 1 is one step of many, 2 must last longest. */
export function rankOf({ event, level }: Pick<LogRecord, 'event' | 'level'>): 0 | 1 | 2 {
  if (event === LogEvent.acquisitionProgress || event === LogEvent.collectorHeartbeat) return 0;
  return level !== 'info' || logGroupOf(event) === 'audit' ? 2 : 1;
}

const rankOfLine = (line: string): number => {
  try {
    return rankOf(JSON.parse(line) as LogRecord);
  } catch {
    return 0;
  }
};

/**
 * Takes lines out of spool files until `bytes` are free: those of the lowest rank first, of the oldest file first. A file
 * may be left with nothing in it. Returns how many lines are lost.
 */
export async function makeRoom(files: readonly FileSegment[], bytes: number): Promise<number> {
  const byAge = files.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  let dropped = 0;
  let wanted = bytes;
  for (const rank of [0, 1, 2]) {
    for (const file of byAge) {
      if (wanted <= 0) return dropped;
      if (file.keptRank > rank) continue;
      const before = file.size;
      dropped += await file.filter((line) => rankOfLine(line) > rank);
      file.keptRank = rank + 1;
      wanted -= before - file.size;
    }
  }
  return dropped;
}
