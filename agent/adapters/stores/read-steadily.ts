import { setTimeout as sleep } from 'node:timers/promises';
import { StageError } from '../../errors.ts';
import type { EvidenceStore } from './evidence-store.ts';

/** Reads that failed one after the other, with not a byte between them, before it is given up. */
const MAX_FAILURES = 5;

/**
 * Reads bytes `start` to `end` of an object in order. A read that breaks off is taken up again where it stopped, so that
 * hours of reading do not fall with one connection; waits 0.5 s, doubled each time, with jitter.
 */
export async function* readSteadily(
  store: EvidenceStore, key: string, end: number, signal: AbortSignal, versionId?: string, start = 0,
): AsyncGenerator<Uint8Array> {
  let position = start;
  for (let failures = 0; position < end; ) {
    try {
      for await (const chunk of store.read(key, { start: position, end }, signal, versionId)) {
        position += chunk.length;
        failures = 0;
        yield chunk;
      }
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof StageError) || !error.retryable || ++failures >= MAX_FAILURES) throw error;
      await sleep(500 * 2 ** failures * (0.5 + Math.random() / 2), undefined, { signal });
    }
  }
}
