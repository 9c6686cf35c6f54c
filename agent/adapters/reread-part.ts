import { promisify } from 'node:util';
import { read as readCallback } from 'node:fs';
import type { PartRange } from '../../modules/vocabulary/index.ts';
import { messageOf, StageError } from '../errors.ts';
import { DirectReader } from './direct-reader.ts';
import { readAnswered } from './patience.ts';
import { PartDigester, planLike, sameDigests } from './part-digester.ts';
import type { PartDigests, PartSource, Slab } from './stores/evidence-store.ts';
import { ANSWERED_ONLY } from './stores/s3-errors.ts';

const read = promisify(readCallback);

/** Bytes that are read at once, small: every part that is under way may be read again at the same time. */
const CHUNK = 128 * 1024;

/** How a source is read again. */
export type RereadOptions = {
  readonly sectorSize: number;
  /** How long one read may take. */
  readonly patienceMs: number;
};

/** Reads `buffer.length` bytes at `position`, whatever number of calls it takes; bad sectors come back as zeroes. */
export async function readFilled(fd: number, buffer: Uint8Array, position: number, options: RereadOptions): Promise<void> {
  for (let done = 0; done < buffer.length; ) {
    try {
      const reading = read(fd, buffer, done, buffer.length - done, position + done);
      const { bytesRead } = await readAnswered(reading, `the disk gave no answer for byte ${position + done}`, options.patienceMs);
      if (bytesRead === 0) {
        throw new StageError('acquire', 'SOURCE_SHRANK', `the source ends at byte ${position + done}`, { retryable: false });
      }
      done += bytesRead;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EIO') throw error;
      await readBySector(fd, buffer.subarray(done), position + done, options);
      return;
    }
  }
}

/** Sector by sector, as dc3dd reads where it met an error: a bad one is zeroes; whether it was then is what the digests say. */
async function readBySector(fd: number, buffer: Uint8Array, position: number, { sectorSize, patienceMs }: RereadOptions): Promise<void> {
  const reader = await DirectReader.open(fd, sectorSize, patienceMs);
  try {
    for (let done = 0; done < buffer.length; ) {
      const skip = (position + done) % sectorSize;
      const length = Math.min(sectorSize - skip, buffer.length - done);
      const { bytes: sector } = await reader.read((position + done - skip) / sectorSize, 1);
      if (sector) buffer.set(sector.subarray(skip, skip + length), done);
      else buffer.fill(0, done, done + length);
      done += length;
    }
  } finally {
    await reader.close();
  }
}

/**
 * A part read once more from the same descriptor. Its digests must be those of the first reading: otherwise the source
 * changed, and `digests` rejects with code SOURCE_CHANGED. It rejects, too, when the slabs are not taken to their end.
 */
export function rereadPart(fd: number, range: PartRange, first: PartDigests, options: RereadOptions, signal: AbortSignal): PartSource {
  const { promise: digests, resolve, reject } = Promise.withResolvers<PartDigests>();
  digests.catch(() => {});
  async function* slabs(): AsyncGenerator<Slab> {
    const digester = new PartDigester(planLike(first));
    const memory = Buffer.allocUnsafe(Math.min(CHUNK, range.length));
    try {
      for (let done = 0; done < range.length; ) {
        signal.throwIfAborted();
        const bytes = memory.subarray(0, Math.min(memory.length, range.length - done));
        await readFilled(fd, bytes, range.offset + done, options);
        digester.update(bytes);
        done += bytes.length;
        const released = Promise.withResolvers<void>();
        yield { bytes, release: released.resolve };
        await released.promise;
      }
      resolve(same(first, digester.digest(), range));
    } catch (error) {
      const failure = error instanceof StageError ? error : new StageError('acquire', 'SOURCE_UNREADABLE', `reading part at byte ${range.offset} again: ${messageOf(error)}`, { retryable: true, cause: error });
      reject(failure);
      throw failure;
    } finally {
      // Who was answered before the last slab takes no more: without this, who waits for the digests would wait for ever.
      reject(new StageError('store', 'STORE_FAILED', `the part at byte ${range.offset} was answered before all of it was sent`, { retryable: true, advice: ANSWERED_ONLY }));
    }
  }
  return { range, slabs, digests };
}

function same(first: PartDigests, again: PartDigests, range: PartRange): PartDigests {
  if (sameDigests(first, again)) return first;
  const end = range.offset + range.length;
  throw new StageError('acquire', 'SOURCE_CHANGED', `bytes ${range.offset} to ${end} of the source differ from what was read a moment ago`, {
    retryable: false,
    advice: 'Somebody writes to the source, or it is failing: find out which before you image it again.',
  });
}
