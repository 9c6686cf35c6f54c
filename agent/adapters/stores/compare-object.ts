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
  /** Numbers of parts that need no look. @default none */
  readonly except?: ReadonlySet<number>;
  /** Sees every chunk, for a hash over several objects or for progress. */
  readonly onChunk?: (chunk: Uint8Array) => void;
};

const digesterFor = (expected: PartDigests | undefined): PartDigester => new PartDigester(planLike(expected ?? {}));

/** Parts that lie side by side, by their indices, the last included. */
type Run = { readonly first: number; readonly last: number };

/** Where the object is read: in as few stretches as the parts that need a look make. */
function runsOf({ digests, except }: Comparison): Run[] {
  const runs: Run[] = [];
  for (const index of digests.keys()) {
    if (except?.has(index + 1)) continue;
    const before = runs.at(-1);
    if (before?.last === index - 1) runs[runs.length - 1] = { first: before.first, last: index };
    else runs.push({ first: index, last: index });
  }
  return runs;
}

/**
 * Reads a stored object and compares every part with what the source gave.
 * @throws StageError code STORED_DIFFERS that names the first part and byte range that differ
 */
export async function compareObject(comparison: Comparison, signal: AbortSignal): Promise<void> {
  for (const run of runsOf(comparison)) await compareRun(comparison, run, signal);
}

async function compareRun(comparison: Comparison, { first, last }: Run, signal: AbortSignal): Promise<void> {
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
  const end = Math.min((last + 1) * layout.partSize, length);
  let position = first * layout.partSize;
  let index = first;
  let check = digesterFor(digests[index]);
  for await (const chunk of readSteadily(store, key, end, signal, comparison.versionId, position)) {
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
  if (position !== end) throw differs(index, `is not whole: the object ends at byte ${position} of ${length}`);
}
