import { objectLength, type ImageLayout } from '../../../modules/vocabulary/index.ts';
import { StageError } from '../../errors.ts';
import { PartDigester, planLike, sameDigests } from '../part-digester.ts';
import type { EvidenceStore, PartDigests } from './evidence-store.ts';
import { readSteadily } from './read-steadily.ts';

export type Comparison = {
  readonly store: EvidenceStore;
  readonly key: string;
  readonly versionId?: string;
  readonly layout: ImageLayout;
  readonly objectIndex: number;
  /** What the source gave, in order of the parts. */
  readonly digests: readonly PartDigests[];
  /** Bytes that the store says the object has. @default what the layout says */
  readonly storedLength?: number;
  /** Sees every chunk, for a hash over several objects or for progress. */
  readonly onChunk?: (chunk: Uint8Array) => void;
};

const digesterFor = (expected: PartDigests | undefined): PartDigester => new PartDigester(planLike(expected ?? {}));

/**
 * Reads a stored object and compares every part with what the source gave.
 * @throws StageError code STORED_DIFFERS that names the first part and byte range that differ
 */
export async function compareObject(comparison: Comparison, signal: AbortSignal): Promise<void> {
  const { store, key, layout, objectIndex, digests } = comparison;
  const length = objectLength(layout, objectIndex);
  const differs = (index: number, why: string): StageError => {
    const start = index * layout.partSize;
    const end = Math.min(start + layout.partSize, length);
    return new StageError('prove', 'STORED_DIFFERS', `part ${index + 1} of ${key} (bytes ${start} to ${end}) ${why}`, {
      retryable: false,
      advice: 'The store does not hold what was read. Nothing was concluded; keep the object and image the disk under another --volume.',
    });
  };
  let position = 0;
  let index = 0;
  let check = digesterFor(digests[0]);
  for await (const chunk of readSteadily(store, key, comparison.storedLength ?? length, signal, comparison.versionId)) {
    if (position + chunk.length > length) throw differs(digests.length - 1, 'goes on after the image has ended');
    comparison.onChunk?.(chunk);
    for (let done = 0; done < chunk.length; ) {
      const partEnd = Math.min((index + 1) * layout.partSize, length);
      const bytes = chunk.subarray(done, done + Math.min(chunk.length - done, partEnd - position));
      check.update(bytes);
      done += bytes.length;
      position += bytes.length;
      if (position < partEnd) continue;
      if (!sameDigests(digests[index]!, check.digest())) throw differs(index, 'is stored with other bytes than were read');
      check = digesterFor(digests[++index]);
    }
  }
  if (position !== length) throw differs(index, `is not whole: the object ends at byte ${position} of ${length}`);
}
