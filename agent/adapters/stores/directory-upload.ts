import { dirname } from 'node:path';
import { objectLength, partCount } from '../../../modules/vocabulary/index.ts';
import { StageError } from '../../errors.ts';
import { existsError, refusal, storeError, storing } from './directory-errors.ts';
import { type JournalLine, lineOf, writeFully } from './directory-journal.ts';
import { takeLock } from './directory-lock.ts';
import { SCRATCH, publish, remove, statOf, syncDirectory } from './directory-paths.ts';
import { type Scratch, assertHeld, leadsTo, openScratch, plannedRange, setAside } from './directory-scratch.ts';
import type { ImageUpload, PartDigests, PartSource, Slab, StoredObjectInfo, StoredPart, UploadOptions } from './evidence-store.ts';
import type { InTurn } from './in-turn.ts';
import { orAbort } from './or-abort.ts';
import type { PartReadBack, ReadBack } from './read-back.ts';
import { Rounds } from './rounds.ts';

/** A part that is being written; `start` is where it begins in its object. */
type PartOnItsWay = { readonly range: PartSource['range']; readonly start: number; readonly check: PartReadBack; readonly signal: AbortSignal };

/** What all uploads of a store have in common. */
export type UploadTools = { readonly readBack: ReadBack; readonly writing: InTurn; readonly syncing: InTurn };

const DEFECT = 'This is a defect of the collector: please report it.';
const REOPEN = 'Open the image again: what it stored is taken over.';

/**
 * An image file while it grows: `<name>.partial` and, beside it, a journal of the parts that are durable in it.
 * Parts are written where they belong, in any order and at once; memory is what the caller's slabs hold. A slab is given
 * back when its bytes were made durable, read back and found to be the same.
 */
export class DirectoryUpload implements ImageUpload {
  readonly key: string;
  readonly uploadId: string;
  readonly readsBack = true;
  readonly #scratch: Scratch;
  readonly #tools: UploadTools;
  /** A sync covers everything that was written before: of all that wait, one thread of the pool is taken. */
  readonly #synced: Rounds<void>;
  readonly #journaled: Rounds<JournalLine>;
  /** By part number. */
  readonly #running = new Map<number | 'completion', Promise<unknown>>();
  readonly #closing = new AbortController();

  private constructor(scratch: Scratch, tools: UploadTools) {
    this.#scratch = scratch;
    this.#tools = tools;
    this.key = scratch.key;
    this.uploadId = scratch.uploadId;
    // After a failed sync the kernel forgets what it could not write: no later sync can be believed.
    const durable = <T>(work: () => Promise<T>): Promise<T> => tools.syncing(() => storing(`making ${scratch.path}${SCRATCH.data} durable`, work));
    this.#synced = new Rounds(() => durable(() => scratch.data.datasync()));
    this.#journaled = new Rounds((lines) =>
      durable(async () => {
        await assertHeld(scratch);
        await scratch.journal.append(lines);
      }),
    );
  }

  get stored(): ReadonlyMap<number, StoredPart> {
    return this.#scratch.stored;
  }

  /** Takes the lock, and takes over what an earlier attempt left. @param path of the finished file */
  static async open(path: string, key: string, options: UploadOptions, tools: UploadTools): Promise<DirectoryUpload> {
    if (await statOf(path)) throw existsError(key);
    const lock = await takeLock(path);
    try {
      if (await statOf(path)) throw existsError(key); // finished while the lock was waited for
      if (options.anew) await setAside(path);
      return new DirectoryUpload(await openScratch(path, key, options, lock), tools);
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
    this.#assertSound();
    const expected = this.#rangeOf(range.partNumber);
    if (!expected || range.objectIndex !== this.#scratch.objectIndex || range.offset !== expected.offset || range.length !== expected.length) {
      throw refusal('PART_UNPLANNED', `part ${range.partNumber} (${JSON.stringify(range)}) is not in the layout of ${this.key}`, DEFECT);
    }
  }

  #assertSound(): void {
    this.#synced.assertSound();
    this.#journaled.assertSound();
  }

  #rangeOf(partNumber: number): { readonly offset: number; readonly start: number; readonly length: number } | undefined {
    return plannedRange(this.#scratch.layout, this.#scratch.objectIndex, partNumber);
  }

  async #store(source: PartSource, signal: AbortSignal): Promise<StoredPart> {
    const { partNumber, length } = source.range;
    const { start } = this.#rangeOf(partNumber)!;
    await this.#tools.writing(() => assertHeld(this.#scratch));
    if (this.#scratch.stored.delete(partNumber)) await this.#journaled.join({ part: partNumber, dropped: true });
    const sha256 = await this.#write(source, start, signal);
    const told = await orAbort(source.digests, signal);
    if (told.sha256 && !told.sha256.equals(sha256)) throw this.#differs(source.range, start);
    const part = { partNumber, length, sha256, ...(told.crc32 && { crc32: told.crc32 }) };
    await this.#journaled.join(lineOf(part));
    this.#scratch.stored.set(partNumber, part);
    return { ...part, readBack: true };
  }

  /** @returns SHA-256 of what is stored, durable and the same as what came */
  async #write(source: PartSource, start: number, signal: AbortSignal): Promise<Buffer> {
    const { range } = source;
    const { data, direct, path } = this.#scratch;
    const check = this.#tools.readBack.part({ plain: data.fd, direct: direct?.fd });
    const iterator = source.slabs()[Symbol.asyncIterator]();
    const proofs = new Set<Promise<void>>();
    const unproven = Promise.withResolvers<never>();
    unproven.promise.catch(() => undefined);
    let written = 0;
    try {
      for (;;) {
        const next = iterator.next();
        const { done, value: slab } = await orAbort(Promise.race([next, unproven.promise]), signal).catch((error: unknown) => {
          next.then((late) => late.done || late.value.release(), () => undefined);
          throw error;
        });
        if (done) break;
        const position = start + written;
        written += slab.bytes.length;
        try {
          signal.throwIfAborted();
          if (written > range.length) throw lengthError(range.partNumber, `more than ${range.length}`, range.length);
          await this.#tools.writing(() => storing(`writing ${path}${SCRATCH.data}`, () => writeFully(data, slab.bytes, position)));
        } catch (error) {
          slab.release();
          throw error;
        }
        const proof = this.#prove(slab, position, { range, start, check, signal });
        proofs.add(proof);
        // One that failed stays: it may fail in the moment in which the slabs come to their end, and is then looked at below.
        proof.then(() => proofs.delete(proof), unproven.reject);
      }
      if (written !== range.length) throw lengthError(range.partNumber, String(written), range.length);
      await orAbort(Promise.all(proofs), signal);
    } catch (error) {
      iterator.return?.().catch(() => undefined); // not awaited: a source that hangs would hold up the abort
      await Promise.allSettled(proofs); // they read from the file
      await check.digest().catch(() => undefined);
      throw error;
    }
    return check.digest();
  }

  /** Whether a slab is durable and, read back, the same; its memory is given back however this ends. */
  async #prove(slab: Slab, position: number, { range, start, check, signal }: PartOnItsWay): Promise<void> {
    try {
      await this.#synced.join();
      signal.throwIfAborted(); // what waits behind it is not read for nobody
      const at = await check.firstDifference(slab.bytes, position);
      if (at !== undefined) throw this.#differs(range, start, at);
    } finally {
      slab.release();
    }
  }

  #differs({ partNumber, length }: PartSource['range'], start: number, at?: number): StageError {
    const where = at === undefined ? '' : `, the first of them at byte ${at}`;
    return new StageError('prove', 'STORED_DIFFERS', `part ${partNumber} of ${this.key} (bytes ${start} to ${start + length}) is stored with other bytes than were read${where}`, {
      retryable: false,
      advice: 'The disk under the evidence directory does not keep what it is given: read the kernel log, and store elsewhere.',
    });
  }

  async complete(digests: readonly PartDigests[], signal: AbortSignal): Promise<StoredObjectInfo> {
    const { key, layout, objectIndex } = this.#scratch;
    if (this.#closing.signal.aborted) throw refusal('UPLOAD_CLOSED', `${key} was let go of`, REOPEN);
    this.#assertSound();
    signal.throwIfAborted();
    this.#assertAllStored(digests);
    const length = objectLength(layout, objectIndex);
    const work = this.#publish(length);
    this.#running.set('completion', work);
    await work;
    await this.release();
    return { key, length };
  }

  async #publish(length: number): Promise<void> {
    const { key, path, data } = this.#scratch;
    await storing(`completing ${path}`, async () => {
      await assertHeld(this.#scratch);
      const { size } = await data.stat();
      if (size !== length) throw refusal('SHORT_OBJECT', `${path}${SCRATCH.data} has ${size} bytes, expected ${length}`, 'Start again: the source is read anew.');
      await data.chmod(0o440);
      await data.sync();
      await publish(`${path}${SCRATCH.data}`, path, key);
      await this.#assertNamed();
      await syncDirectory(dirname(path));
      await remove(`${path}${SCRATCH.data}`);
      await remove(`${path}${SCRATCH.journal}`);
    });
  }

  /** What was read back was the open file: the name has to lead to it. */
  async #assertNamed(): Promise<void> {
    const { path, data } = this.#scratch;
    if (await leadsTo(path, data)) return;
    throw refusal('PATH_UNSAFE', `${path} is not the file that was stored and read back`, 'Somebody else writes into the evidence directory: find out who, and store elsewhere.');
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
    const { data, direct, journal, lock } = this.#scratch;
    await this.#tools.syncing(async () => {
      for (const file of [direct, data, journal]) await file?.close().catch(() => undefined); // everything that counts was synced before
      await lock.release();
    });
  }
}

const lengthError = (partNumber: number, got: string, expected: number): StageError =>
  refusal('PART_LENGTH', `part ${partNumber} came with ${got} bytes, expected ${expected}`, 'Read the part again from the source.');
