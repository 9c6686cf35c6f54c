import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { PartDigests, PartSource, Slab } from '../../agent/adapters/stores/evidence-store.ts';
import type { PartRange } from '../../modules/vocabulary/index.ts';

/** All digests of some bytes, as a part carries them. */
export function digestsOf(bytes: Uint8Array): Required<PartDigests> {
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(crc32(bytes));
  return {
    sha256: createHash('sha256').update(bytes).digest(),
    crc32: crc,
    md5: createHash('md5').update(bytes).digest(),
  };
}

export type SlabOptions = {
  /** Bytes a slab. @default 1 MiB */
  readonly slabSize?: number;
  /** The source fails when it has given this many bytes. */
  readonly breakAt?: number;
  /** The source gives this many bytes and then nothing more until `goOn` is called. */
  readonly hangAt?: number;
  /** What the digests end with instead, however well the slabs went. */
  readonly digestsFail?: Error;
  /** Bytes that really come, whatever the range says; those behind it are foreign. @default the range's */
  readonly length?: number;
};

export type CountedSource = PartSource & {
  /** Slabs that were handed out, and how often each was given back. */
  readonly releases: readonly number[];
  /** Ends the hanging at `hangAt`. */
  goOn(): void;
  /** Resolves when every slab that was handed out was given back. */
  allReleased(): Promise<void>;
};

/**
 * A part of a buffer as a store gets it from the ring: in slabs of shared memory, which are overwritten as soon as they
 * are given back, so that a store that holds on to one stores garbage.
 */
export function partSourceOf(image: Uint8Array, range: PartRange, options: SlabOptions = {}): CountedSource {
  const { slabSize = 1024 * 1024, breakAt = Infinity, hangAt = Infinity, length = range.length } = options;
  const releases: number[] = [];
  const { promise: digests, resolve, reject } = Promise.withResolvers<PartDigests>();
  digests.catch(() => undefined); // a store may give up before it looks at them
  const { promise: resumed, resolve: goOn } = Promise.withResolvers<void>();
  const bytes = Buffer.alloc(length, 0xdd);
  bytes.set(image.subarray(range.offset, range.offset + Math.min(length, range.length)));

  function slabOf(start: number, end: number): Slab {
    const shared = new Uint8Array(new SharedArrayBuffer(end - start));
    shared.set(bytes.subarray(start, end));
    const index = releases.push(0) - 1;
    return {
      bytes: shared,
      release: () => {
        releases[index]!++;
        shared.fill(0xee);
      },
    };
  }

  async function* slabs(): AsyncGenerator<Slab> {
    for (let start = 0; start < length; start += slabSize) {
      const end = Math.min(start + slabSize, length);
      if (end > breakAt) {
        const error = new Error('the source broke off');
        reject(error);
        throw error;
      }
      if (end > hangAt) await resumed;
      yield slabOf(start, end);
    }
    if (options.digestsFail) reject(options.digestsFail);
    else resolve(digestsOf(bytes));
  }

  const allReleased = async (): Promise<void> => {
    const end = Date.now() + 60_000;
    while (!releases.every((count) => count > 0) && Date.now() < end) await new Promise((wake) => setTimeout(wake, 5));
  };
  return { range, slabs, digests, releases, goOn, allReleased };
}
