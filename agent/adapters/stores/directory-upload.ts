import { constants } from 'node:fs';
import { type FileHandle, chmod } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type ImageLayout, objectLength, partCount } from '../../../modules/vocabulary/index.ts';
import { StageError } from '../../errors.ts';
import { existsError, storeError, storing } from './directory-errors.ts';
import {
  type JournalLine, PartsJournal, assertSameUpload, lineOf, newHeader, readJournal, writeFully,
} from './directory-journal.ts';
import { type DirectoryLock, takeLock } from './directory-lock.ts';
import { SCRATCH, newNonce, openFile, publish, remove, statOf, syncDirectory } from './directory-paths.ts';
import type { ImageUpload, PartDigests, PartSource, StoredObjectInfo, StoredPart, UploadOptions } from './evidence-store.ts';
import { orAbort } from './or-abort.ts';

type Pending = { readonly line: JournalLine; readonly done: () => void; readonly failed: (error: unknown) => void };

type Opened = {
  readonly key: string;
  readonly path: string;
  readonly uploadId: string;
  readonly data: FileHandle;
  readonly journal: PartsJournal;
  readonly lock: DirectoryLock;
  readonly stored: Map<number, StoredPart>;
  readonly layout: ImageLayout;
  readonly objectIndex: number;
};

const DEFECT = 'This is a defect of the collector: please report it.';
const REOPEN = 'Open the image again: what it stored is taken over.';

const refuse = (code: string, message: string, advice: string): StageError =>
  new StageError('store', code, message, { retryable: false, advice });

/**
 * An image file while it grows: `<name>.partial` and, beside it, a journal of the parts that are durable in it.
 * Parts are written where they belong, in any order and at once; memory is what the caller's slabs hold.
 */
export class DirectoryUpload implements ImageUpload {
  readonly key: string;
  readonly uploadId: string;
  readonly #opened: Opened;
  readonly #running = new Map<number, Promise<unknown>>();
  readonly #closing = new AbortController();
  #queue: Pending[] = [];
  #committing = false;
  #broken: StageError | undefined;

  private constructor(opened: Opened) {
    this.#opened = opened;
    this.key = opened.key;
    this.uploadId = opened.uploadId;
  }

  get stored(): ReadonlyMap<number, StoredPart> {
    return this.#opened.stored;
  }

  /** Takes the lock, and takes over what an earlier attempt left. @param path of the finished file */
  static async open(path: string, key: string, options: UploadOptions): Promise<DirectoryUpload> {
    if (await statOf(path)) throw existsError(key);
    const lock = await takeLock(path);
    try {
      if (await statOf(path)) throw existsError(key); // finished while the lock was waited for
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
    await this.#running.get(partNumber)?.catch(() => undefined); // an aborted attempt may still have a write under way
    const stop = AbortSignal.any([signal, this.#closing.signal]);
    const work = this.#store(source, stop).finally(() => this.#running.delete(partNumber));
    this.#running.set(partNumber, work);
    return orAbort(work, stop);
  }

  #assertUsable({ range }: PartSource): void {
    if (this.#closing.signal.aborted) throw refuse('UPLOAD_CLOSED', `${this.key} was let go of`, REOPEN);
    if (this.#broken) throw this.#broken;
    const expected = this.#rangeOf(range.partNumber);
    if (!expected || range.objectIndex !== this.#opened.objectIndex || range.offset !== expected.offset || range.length !== expected.length) {
      throw refuse('PART_UNPLANNED', `part ${range.partNumber} (${JSON.stringify(range)}) is not in the layout of ${this.key}`, DEFECT);
    }
  }

  #rangeOf(partNumber: number): { readonly offset: number; readonly start: number; readonly length: number } | undefined {
    return plannedRange(this.#opened.layout, this.#opened.objectIndex, partNumber);
  }

  async #store(source: PartSource, signal: AbortSignal): Promise<StoredPart> {
    const { partNumber, length } = source.range;
    const { start } = this.#rangeOf(partNumber)!;
    if (this.#opened.stored.delete(partNumber)) await this.#commit({ part: partNumber, dropped: true });
    await this.#write(source, start, signal);
    const { sha256, crc32 } = await orAbort(source.digests, signal);
    if (!sha256) throw refuse('DIGEST_MISSING', `part ${partNumber} of ${this.key} came without a SHA-256`, DEFECT);
    const part = { partNumber, length, sha256, ...(crc32 && { crc32 }) };
    await this.#commit(lineOf(part));
    this.#opened.stored.set(partNumber, part);
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
          await storing(`writing ${this.#opened.path}${SCRATCH.data}`, () => writeFully(this.#opened.data, slab.bytes, start + written));
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
        await this.#opened.data.datasync();
        await this.#opened.journal.append(batch.map(({ line }) => line));
        for (const { done } of batch) done();
      } catch (error) {
        // After a failed sync the kernel forgets what it could not write: no later sync can be believed.
        this.#broken = storeError(`making ${this.#opened.path}${SCRATCH.data} durable`, error);
        for (const { failed } of batch) failed(this.#broken);
      }
    }
    this.#committing = false;
  }

  async complete(digests: readonly PartDigests[], _objectCrc32: Buffer | undefined, signal: AbortSignal): Promise<StoredObjectInfo> {
    const { key, path, data, layout, objectIndex } = this.#opened;
    if (this.#closing.signal.aborted) throw refuse('UPLOAD_CLOSED', `${key} was let go of`, REOPEN);
    if (this.#broken) throw this.#broken;
    signal.throwIfAborted();
    this.#assertAllStored(digests);
    const length = objectLength(layout, objectIndex);
    await storing(`completing ${path}`, async () => {
      const { size } = await data.stat();
      if (size !== length) throw refuse('SHORT_OBJECT', `${path}${SCRATCH.data} has ${size} bytes, expected ${length}`, 'Start again: the source is read anew.');
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
    const { key, layout, objectIndex, stored } = this.#opened;
    const count = partCount(layout, objectIndex);
    if (digests.length !== count) throw refuse('PARTS_MISSING', `${key} has ${count} parts, and ${digests.length} digests were given`, DEFECT);
    for (let partNumber = 1; partNumber <= count; partNumber++) {
      const part = stored.get(partNumber);
      if (!part) throw refuse('PARTS_MISSING', `part ${partNumber} of ${count} of ${key} is not stored`, 'Start again: only what is missing is stored.');
      if (!digests[partNumber - 1]!.sha256?.equals(part.sha256!)) {
        throw refuse('PART_DIFFERS', `part ${partNumber} of ${key} was stored with another SHA-256 than the one it is completed with`, 'The source changed or memory is faulty: start again, and the source is read anew.');
      }
    }
  }

  async release(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort(refuse('UPLOAD_CLOSED', `${this.key} was let go of`, REOPEN));
    await Promise.allSettled(this.#running.values());
    const { data, journal, lock } = this.#opened;
    await Promise.allSettled([data.close(), journal.close()]); // everything that counts was synced before
    await lock.release();
  }
}

const lengthError = (partNumber: number, got: string, expected: number): StageError =>
  refuse('PART_LENGTH', `part ${partNumber} came with ${got} bytes, expected ${expected}`, 'Read the part again from the source.');

/** Where a part lies: `offset` in the image, `start` in its object. Undefined when the layout has no such part. */
function plannedRange(layout: ImageLayout, objectIndex: number, partNumber: number): { offset: number; start: number; length: number } | undefined {
  if (partNumber < 1 || partNumber > partCount(layout, objectIndex)) return undefined;
  const start = (partNumber - 1) * layout.partSize;
  const length = Math.min(layout.partSize, objectLength(layout, objectIndex) - start);
  return { offset: objectIndex * layout.objectSize + start, start, length };
}

/** Opens or makes the data file and the journal; every part that the journal names and the file can hold is taken over. */
async function openScratch(path: string, key: string, options: UploadOptions, lock: DirectoryLock): Promise<Opened> {
  const { layout, objectIndex } = options;
  const [dataPath, journalPath] = [path + SCRATCH.data, path + SCRATCH.journal];
  const before = await readJournal(journalPath);
  if (before) assertSameUpload(before.header, options, journalPath);
  const left = await statOf(dataPath);
  if (left && (!left.isFile() || left.nlink !== 1)) {
    throw refuse('PATH_UNSAFE', `${dataPath} is not a plain file of its own`, 'Move it away to start anew.');
  }
  if (left) await chmod(dataPath, 0o600); // an attempt that stopped while completing left it read-only
  const { O_RDWR, O_CREAT, O_TRUNC } = constants;
  const header = before?.header ?? newHeader(key, newNonce(), options);
  const journalFile = (await openFile(journalPath, O_RDWR | O_CREAT, 0o600))!;
  let data: FileHandle | undefined;
  try {
    await journalFile.truncate(before?.validBytes ?? 0);
    const journal = new PartsJournal(journalFile, before?.validBytes ?? 0);
    if (!before) await journal.append([header]);
    data = (await openFile(dataPath, O_RDWR | O_CREAT | (before ? 0 : O_TRUNC), 0o600))!;
    const { size } = await data.stat();
    const stored = new Map(before?.parts);
    const damaged = [...stored.values()].filter(({ partNumber, length }) => {
      const planned = plannedRange(layout, objectIndex, partNumber);
      return planned?.length !== length || planned.start + length > size;
    });
    for (const { partNumber } of damaged) stored.delete(partNumber);
    if (damaged.length > 0) await journal.append(damaged.map(({ partNumber }) => ({ part: partNumber, dropped: true })));
    await syncDirectory(dirname(path));
    return { key, path, uploadId: header.uploadId, data, journal, lock, stored, layout, objectIndex };
  } catch (error) {
    await Promise.allSettled([data?.close(), journalFile.close()]);
    throw error;
  }
}
