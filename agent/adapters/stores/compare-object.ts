import { createHash, type Hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { objectLength, type ImageLayout } from '../../../modules/vocabulary/index.ts';
import { StageError } from '../../errors.ts';
import type { EvidenceStore, PartDigests } from './evidence-store.ts';

export type Comparison = {
  readonly store: EvidenceStore;
  readonly key: string;
  readonly versionId?: string;
  readonly layout: ImageLayout;
  readonly objectIndex: number;
  /** What the source gave, in order of the parts. */
  readonly digests: readonly PartDigests[];
  /** Sees every chunk, for a hash over several objects or for progress. */
  readonly onChunk?: (chunk: Uint8Array) => void;
};

/** Running digests of one part, of the kinds that the source's digests have. */
class PartCheck {
  readonly #expected: PartDigests;
  readonly #sha256: Hash | undefined;
  readonly #md5: Hash | undefined;
  #crc32 = 0;

  constructor(expected: PartDigests) {
    this.#expected = expected;
    this.#sha256 = expected.sha256 && createHash('sha256');
    this.#md5 = expected.md5 && createHash('md5');
  }

  update(bytes: Uint8Array): void {
    this.#sha256?.update(bytes);
    this.#md5?.update(bytes);
    if (this.#expected.crc32) this.#crc32 = crc32(bytes, this.#crc32);
  }

  matches(): boolean {
    const { sha256, md5, crc32: crc } = this.#expected;
    if (sha256 && !this.#sha256!.digest().equals(sha256)) return false;
    if (md5 && !this.#md5!.digest().equals(md5)) return false;
    return crc === undefined || crc.readUInt32BE() === this.#crc32;
  }
}

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
  let check = new PartCheck(digests[0] ?? {});
  for await (const chunk of store.read(key, undefined, signal, comparison.versionId)) {
    if (position + chunk.length > length) throw differs(digests.length - 1, 'goes on after the image has ended');
    comparison.onChunk?.(chunk);
    for (let done = 0; done < chunk.length; ) {
      const partEnd = Math.min((index + 1) * layout.partSize, length);
      const bytes = chunk.subarray(done, done + Math.min(chunk.length - done, partEnd - position));
      check.update(bytes);
      done += bytes.length;
      position += bytes.length;
      if (position < partEnd) continue;
      if (!check.matches()) throw differs(index, 'is stored with other bytes than were read');
      check = new PartCheck(digests[++index] ?? {});
    }
  }
  if (position !== length) throw differs(index, `is not whole: the object ends at byte ${position} of ${length}`);
}
