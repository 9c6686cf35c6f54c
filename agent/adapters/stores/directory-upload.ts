import { dirname } from 'node:path';
import { objectLength, partCount } from '../../../modules/vocabulary/index.ts';
import type { StageError } from '../../errors.ts';
import { existsError, refusal, storeError, storing } from './directory-errors.ts';
import { type JournalLine, lineOf, writeFully } from './directory-journal.ts';
import { takeLock } from './directory-lock.ts';
import { SCRATCH, publish, remove, statOf, syncDirectory } from './directory-paths.ts';
import { type Scratch, openScratch, plannedRange, setAside } from './directory-scratch.ts';
import type { ImageUpload, PartDigests, PartSource, StoredObjectInfo, StoredPart, UploadOptions } from './evidence-store.ts';
import { orAbort } from './or-abort.ts';

type Pending = { readonly line: JournalLine; readonly done: () => void; readonly failed: (error: unknown) => void };

const DEFECT = 'This is a defect of the collector: please report it.';
const REOPEN = 'Open the image again: what it stored is taken over.';

/**
 * An image file while it grows: `<name>.partial` and, beside it, a journal of the parts that are durable in it.
 * Parts are written where they belong, in any order and at once; memory is what the caller's slabs hold.
 */
export class DirectoryUpload implements ImageUpload {
  readonly key: string;
  readonly uploadId: string;
  readonly #scratch: Scratch;
  readonly #running = new Map<number, Promise<unknown>>();
  readonly #closing = new AbortController();
  #queue: Pending[] = [];
  #committing = false;
  #broken: StageError | undefined;

  private constructor(scratch: Scratch) {
    this.#scratch = scratch;
    this.key = scratch.key;
    this.uploadId = scratch.uploadId;
  }

  get stored(): ReadonlyMap<number, StoredPart> {
    return this.#scratch.stored;
  }

  /** Takes the lock, and takes over what an earlier attempt left. @param path of the finished file */
  static async open(path: string, key: string, options: UploadOptions): Promise<DirectoryUpload> {
    if (await statOf(path)) throw existsError(key);
    const lock = await takeLock(path);
    try {
      if (await statOf(path)) throw existsError(key); // finished while the lock was waited for
      if (options.anew) await setAside(path);
      return new DirectoryUpload(await openScratch(path, key, options, lock));
    } catch (error) {
      await lock.release();
      throw storeError(`opening ${path}${SCRATCH.data}`, error);
    }
  }

  async putPart(source: PartSource, signal: AbortSignal): Promise<StoredPart> {
    const { partNumber } = source.range;
    source.digests.catch(() => undefined); // looked at only when every slab has arrived
    this.#assertUsable(source);
    // An aborted attempt may still have a write under way.
    for (let earlier; (earlier = this.#running.get(partNumber)); ) await earlier.catch(() => undefined);
    const stop = AbortSignal.any([signal, this.#closing.signal]);
    const work = this.#store(source, stop).finally(() => this.#running.delete(partNumber));
    this.#running.set(partNumber, work);
    return orAbort(work, stop);
  }

  #assertUsable({ range }: PartSource): void {
    if (this.#closing.signal.aborted) throw refusal('UPLOAD_CLOSED', `${this.key} was let go of`, REOPEN);
    if (this.#broken) throw this.#broken;
    const expected = this.#rangeOf(range.partNumber);
    if (!expected || range.objectIndex !== this.#scratch.objectIndex || range.offset !== expected.offset || range.length !== expected.length) {
      throw refusal('PART_UNPLANNED', `part ${range.partNumber} (${JSON.stringify(range)}) is not in the layout of ${this.key}`, DEFECT);
    }
  }

  #rangeOf(partNumber: number): { readonly offset: number; readonly start: number; readonly length: number } | undefined {
    return plannedRange(this.#scratch.layout, this.#scratch.objectIndex, partNumber);
  }

  async #store(source: PartSource, signal: AbortSignal): Promise<StoredPart> {
    const { partNumber, length } = source.range;
    const { start } = this.#rangeOf(partNumber)!;
    if (this.#scratch.stored.delete(partNumber)) await this.#commit({ part: partNumber, dropped: true });
    await this.#write(source, start, signal);
    const { sha256, crc32 } = await orAbort(source.digests, signal);
    if (!sha256) throw refusal('DIGEST_MISSING', `part ${partNumber} of ${this.key} came without a SHA-256`, DEFECT);
    const part = { partNumber, length, sha256, ...(crc32 && { crc32 }) };
    await this.#commit(lineOf(part));
    this.#scratch.stored.set(partNumber, part);
    return part;
  }

  async #write(source: PartSource, start: number, signal: AbortSignal): Promise<void> {
    const { range } = source;
    const iterator = source.slabs()[Symbol.asyncIterator]();
    let written = 0;
    try {
      for (;;) {
        const next = iterator.next();
        const { done, value: slab } = await orAbort(next, signal).catch((error: unknown) => {
          next.then((late) => late.done || late.value.release(), () => undefined);
          throw error;
        });
        if (done) break;
        try {
          signal.throwIfAborted();
          if (written + slab.bytes.length > range.length) throw lengthError(range.partNumber, `more than ${range.length}`, range.length);
          await storing(`writing ${this.#scratch.path}${SCRATCH.data}`, () => writeFully(this.#scratch.data, slab.bytes, start + written));
          written += slab.bytes.length;
        } finally {
          slab.release();
        }
      }
      if (written !== range.length) throw lengthError(range.partNumber, String(written), range.length);
    } catch (error) {
      iterator.return?.().catch(() => undefined); // not awaited: a source that hangs would hold up the abort
      throw error;
    }
  }

  /**
   * Makes what was written durable, then says so in the journal. One sync at a time covers every part that is waiting:
   * it never takes more than one of the thread pool's threads from the writers.
   */
  #commit(line: JournalLine): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#queue.push({ line, done: resolve, failed: reject });
    if (!this.#committing) void this.#drain();
    return promise;
  }

  async #drain(): Promise<void> {
    this.#committing = true;
    for (let batch = this.#queue.splice(0); batch.length > 0; batch = this.#queue.splice(0)) {
      try {
        if (this.#broken) throw this.#broken;
        await this.#scratch.data.datasync();
        await this.#scratch.journal.append(batch.map(({ line }) => line));
        for (const { done } of batch) done();
      } catch (error) {
        // After a failed sync the kernel forgets what it could not write: no later sync can be believed.
        this.#broken = storeError(`making ${this.#scratch.path}${SCRATCH.data} durable`, error);
        for (const { failed } of batch) failed(this.#broken);
      }
    }
    this.#committing = false;
  }

  async complete(digests: readonly PartDigests[], signal: AbortSignal): Promise<StoredObjectInfo> {
    const { key, path, data, layout, objectIndex } = this.#scratch;
    if (this.#closing.signal.aborted) throw refusal('UPLOAD_CLOSED', `${key} was let go of`, REOPEN);
    if (this.#broken) throw this.#broken;
    signal.throwIfAborted();
    this.#assertAllStored(digests);
    const length = objectLength(layout, objectIndex);
    await storing(`completing ${path}`, async () => {
      const { size } = await data.stat();
      if (size !== length) throw refusal('SHORT_OBJECT', `${path}${SCRATCH.data} has ${size} bytes, expected ${length}`, 'Start again: the source is read anew.');
      await data.chmod(0o440);
      await data.sync();
      await publish(`${path}${SCRATCH.data}`, path, key);
      await syncDirectory(dirname(path));
      await remove(`${path}${SCRATCH.data}`);
      await remove(`${path}${SCRATCH.journal}`);
    });
    await this.release();
    return { key, length };
  }

  #assertAllStored(digests: readonly PartDigests[]): void {
    const { key, layout, objectIndex, stored } = this.#scratch;
    const count = partCount(layout, objectIndex);
    if (digests.length !== count) throw refusal('PARTS_MISSING', `${key} has ${count} parts, and ${digests.length} digests were given`, DEFECT);
    for (let partNumber = 1; partNumber <= count; partNumber++) {
      const part = stored.get(partNumber);
      if (!part) throw refusal('PARTS_MISSING', `part ${partNumber} of ${count} of ${key} is not stored`, 'Start again: only what is missing is stored.');
      if (!digests[partNumber - 1]!.sha256?.equals(part.sha256!)) {
        throw refusal('PART_DIFFERS', `part ${partNumber} of ${key} was stored with another SHA-256 than the one it is completed with`, 'The source changed or memory is faulty: start again, and the source is read anew.');
      }
    }
  }

  async release(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort(refusal('UPLOAD_CLOSED', `${this.key} was let go of`, REOPEN));
    await Promise.allSettled(this.#running.values());
    const { data, journal, lock } = this.#scratch;
    await Promise.allSettled([data.close(), journal.close()]); // everything that counts was synced before
    await lock.release();
  }
}

const lengthError = (partNumber: number, got: string, expected: number): StageError =>
  refusal('PART_LENGTH', `part ${partNumber} came with ${got} bytes, expected ${expected}`, 'Read the part again from the source.');
