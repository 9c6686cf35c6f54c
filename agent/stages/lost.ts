/** What becomes of the second of two collectors of one exhibit: it says so, and leaves nothing beside what the first stores. */
import { setTimeout as sleep } from 'node:timers/promises';
import { LogEvent, recordKey } from '../../modules/vocabulary/index.ts';
import type { EventLog } from '../adapters/logs/event-log.ts';
import type { EvidenceStore, ImageUpload, PartDigests } from '../adapters/stores/evidence-store.ts';
import { undefinedWhenForbidden } from '../adapters/stores/s3-errors.ts';
import { StageError } from '../errors.ts';
import type { Exhibit } from './record.ts';

const LOST: ReadonlySet<string> = new Set(['BUSY', 'COLLECTED', 'EXISTS']);

/** Whether an acquisition ended because another collector has the exhibit. */
export const isLost = (error: unknown): boolean => error instanceof StageError && LOST.has(error.code);

/** How long another collector gets for what it still has to store once its image is there. */
const RIVAL_MS = 10_000;

/** Waits until the exhibit has its manifest; false when it does not come in time. */
export async function manifestCame(store: EvidenceStore, { caseId, exhibitId }: Pick<Exhibit, 'caseId' | 'exhibitId'>, signal: AbortSignal): Promise<boolean> {
  const key = recordKey(caseId, exhibitId, 'manifest.json');
  for (const deadline = performance.now() + RIVAL_MS; performance.now() < deadline; await sleep(500, undefined, { signal })) {
    if (await store.head(key, signal).catch(undefinedWhenForbidden)) return true;
  }
  return false;
}

/** Withdraws what this process began for an exhibit that another collector stores. */
export async function withdrawLost(
  error: unknown, uploads: readonly ImageUpload[], events: EventLog, signal: AbortSignal, digests?: readonly (readonly PartDigests[])[],
): Promise<void> {
  if (isLost(error)) await withdraw(uploads, events, signal, digests);
}

/**
 * Ends uploads that this process began and another collector's made needless, each only if nothing is lost by it, and says
 * of each what came of it.
 * @param digests by object and part, where the whole source was read
 */
export async function withdraw(uploads: readonly ImageUpload[], events: EventLog, signal: AbortSignal, digests?: readonly (readonly PartDigests[])[]): Promise<void> {
  for (const [index, upload] of uploads.entries()) {
    const outcome = await upload.withdraw?.(digests?.[index], signal);
    if (outcome !== undefined) events.warn(LogEvent.uploadWithdrawn, { key: upload.key, uploadId: upload.uploadId, message: outcome });
  }
}
