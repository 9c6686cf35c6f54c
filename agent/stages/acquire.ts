import pRetry from 'p-retry';
import { LogEvent, planLayout, type ImageLayout, type PartRange } from '../../modules/vocabulary/index.ts';
import { adoptObject } from '../adapters/stores/adopted-object.ts';
import { AdaptiveLimit } from '../adapters/adaptive-limit.ts';
import { ENDED_ADVICE, startDc3dd, type Dc3ddRun } from '../adapters/dc3dd.ts';
import type { EventLog } from '../adapters/logs/event-log.ts';
import { sameDigests, type DigestPlan } from '../adapters/part-digester.ts';
import { stalled } from '../adapters/patience.ts';
import { rereadPart, type RereadOptions } from '../adapters/reread-part.ts';
import type { SlabReader, StreamedPart, StreamEnd } from '../adapters/slab-reader.ts';
import { openSlabStream, type SlabStream } from '../adapters/slab-stream.ts';
import type { EvidenceStore, ImageUpload, PartDigests, StoredPart, UploadOptions } from '../adapters/stores/evidence-store.ts';
import { isSlowDown } from '../adapters/stores/s3-errors.ts';
import { hasCode, messageOf, StageError } from '../errors.ts';
import { isLost, withdrawLost } from './lost.ts';

export type AcquireSource = { readonly fd: number; readonly size: number; readonly logicalSectorSize: number };

export type AcquireOptions = {
  readonly dc3dd: string;
  readonly secondHash: boolean;
  readonly partSize?: number;
  readonly maxObjectSize?: number;
  /** Bytes of the ring of slabs. */
  readonly ringSize: number;
  /** Parts that are stored at once. */
  readonly concurrency: number;
  /** Whether what an earlier attempt stored is taken over, or left as it is and the image begun anew beside it. */
  readonly resume: 'auto' | 'never';
  /** How often a part is tried in all. */
  readonly partTries: number;
  /** How long the source may give nothing while there is room for it. */
  readonly stallSeconds: number;
  /** An empty folder of this acquisition. */
  readonly scratch: string;
};

export type Progress = {
  readonly total: number;
  /** Bytes read and hashed. */
  readonly read: number;
  /** Bytes that the store confirmed, those of an earlier attempt included. */
  readonly stored: number;
};

export type AcquireContext = {
  readonly store: EvidenceStore;
  readonly events: EventLog;
  /** Key of an image object by its index. */
  readonly keyOf: (objectIndex: number, objectCount: number) => string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly options: AcquireOptions;
  /** Told of what an earlier attempt stored and this one cannot take over, and why. */
  readonly onLeft?: UploadOptions['onLeft'];
  readonly onProgress?: (progress: Progress) => void;
};

/** Everything the pass over the source gave. Nothing is judged yet, and no object is completed. */
export type Acquired = {
  readonly layout: ImageLayout;
  readonly run: Dc3ddRun;
  readonly end: StreamEnd;
  /** Digests by object and part. */
  readonly digests: readonly (readonly PartDigests[])[];
  readonly uploads: readonly ImageUpload[];
  /** By object, the numbers of the parts that the store read back during the pass. */
  readonly readBack: readonly ReadonlySet<number>[];
  /** Parts that an earlier attempt had stored and that this pass found identical. */
  readonly takenOver: number;
  readonly retries: number;
};

/** The store hashes what it reads back: hashing the stream as well would cost as much again and prove nothing more. */
const BY_STORE: DigestPlan = { sha256: false, crc32: false, md5: false };

/**
 * One pass over the source: dc3dd → SHA-256 → parts in the store. Resolves when dc3dd has ended and every part of the
 * stream is confirmed; rejects with the first failure, leaving what was stored to be taken over.
 */
export async function acquire(source: AcquireSource, context: AcquireContext, signal: AbortSignal): Promise<Acquired> {
  const { store, options } = context;
  const layout = planned(source.size, options);
  const { algorithm } = store.partChecksum;
  const digests = { sha256: algorithm === 'SHA256', crc32: algorithm === 'CRC32', md5: algorithm === 'MD5' };
  const uploads: ImageUpload[] = [];
  const planOf = ({ objectIndex, partNumber }: PartRange): DigestPlan => {
    const { readsBack, stored } = uploads[objectIndex]!;
    return readsBack && !stored.has(partNumber) ? BY_STORE : digests;
  };
  const opening = openSlabStream({ layout, ringSize: options.ringSize, digests: planOf }); // beside the store's answers
  try {
    opening.catch(() => {}); // told below
    for (let index = 0; index < layout.objectCount; index++) {
      uploads.push(await openObject(layout, index, context, signal));
    }
    return await new Pass(source, layout, uploads, context, signal).run(await opening);
  } catch (error) {
    const stream = await opening.catch(() => undefined);
    await stream?.close(error);
    await withdrawLost(error, uploads, context.events, signal);
    await Promise.allSettled(uploads.map((upload) => upload.release()));
    throw error;
  }
}

function planned(size: number, options: AcquireOptions): ImageLayout {
  try {
    return planLayout(size, options);
  } catch (error) {
    throw new StageError('configure', 'LAYOUT', messageOf(error), {
      retryable: false,
      cause: error,
      advice: 'Leave --part-size and --max-object-size away, or choose larger ones.',
    });
  }
}

/** The object's upload, or the object itself where an attempt completed it and ended before its manifest was written. */
async function openObject(layout: ImageLayout, objectIndex: number, context: AcquireContext, signal: AbortSignal): Promise<ImageUpload> {
  const { store, events, metadata, options, onLeft } = context;
  const key = context.keyOf(objectIndex, layout.objectCount);
  try {
    const upload = await store.openImage(key, { layout, objectIndex, metadata, anew: options.resume === 'never', ...(onLeft && { onLeft }) }, signal);
    if (upload.stored.size > 0) events.info(LogEvent.acquisitionResumed, { key, parts: upload.stored.size });
    return upload;
  } catch (error) {
    if (!hasCode(error, 'EXISTS')) throw error;
    events.warn(LogEvent.acquisitionResumed, { key, reason: 'the object is complete, its manifest is missing: it is compared with the source' });
    return adoptObject(store, key, layout, objectIndex, error, signal);
  }
}

/** Between two looks whether the source gave something. Milliseconds. */
const LOOK_MS = 1000;

class Pass {
  readonly #source: AcquireSource;
  readonly #layout: ImageLayout;
  readonly #uploads: readonly ImageUpload[];
  readonly #context: AcquireContext;
  /** Ends everything at the first failure. */
  readonly #failed = new AbortController();
  readonly #signal: AbortSignal;
  readonly #limit: AdaptiveLimit;
  /** By object and part; parts that are not confirmed are holes. */
  readonly #digests: PartDigests[][];
  readonly #readBack: Set<number>[];
  readonly #storing: Promise<void>[] = [];
  readonly #reread: RereadOptions;
  #read = 0;
  #stored = 0;
  #takenOver = 0;
  #retries = 0;

  constructor(source: AcquireSource, layout: ImageLayout, uploads: readonly ImageUpload[], context: AcquireContext, signal: AbortSignal) {
    this.#source = source;
    this.#layout = layout;
    this.#uploads = uploads;
    this.#context = context;
    this.#signal = AbortSignal.any([signal, this.#failed.signal]);
    this.#limit = new AdaptiveLimit(context.options.concurrency);
    this.#digests = uploads.map(() => []);
    this.#readBack = uploads.map(() => new Set());
    this.#reread = { sectorSize: source.logicalSectorSize, patienceMs: context.options.stallSeconds * 1000 };
  }

  /** @param stream closed by whoever opened it where this rejects */
  async run(stream: SlabStream): Promise<Acquired> {
    const { options } = this.#context;
    const { reader } = stream;
    reader.onBytes = (bytes) => {
      this.#read += bytes;
      this.#report();
    };
    const run = startDc3dd({ binary: options.dc3dd, sourceFd: this.#source.fd, sinkFd: stream.writeFd, scratch: options.scratch, secondHash: options.secondHash }, this.#signal);
    run.catch((error: unknown) => this.#failed.abort(error));
    await stream.handOver();
    const stop = (): void => reader.stop(this.#signal.reason);
    this.#signal.addEventListener('abort', stop, { once: true });
    const silence = this.#watchSilence(reader);
    void Promise.allSettled([reader.end, run]).then(() => clearInterval(silence));
    try {
      this.#signal.throwIfAborted();
      await this.#storeAll(reader);
      const [end, ran] = await Promise.all([reader.end, run]);
      await stream.close(undefined);
      return { layout: this.#layout, run: ran, end, digests: this.#digests, uploads: this.#uploads, readBack: this.#readBack, takenOver: this.#takenOver, retries: this.#retries };
    } catch (error) {
      this.#failed.abort(error);
      await Promise.allSettled(this.#storing); // they read from the source's descriptor
      throw await this.#explain(error, run);
    } finally {
      clearInterval(silence);
      this.#signal.removeEventListener('abort', stop);
    }
  }

  /** Ends the pass when the source was silent for too long: dc3dd hangs, or the disk does. A slow one is waited for. */
  #watchSilence(reader: SlabReader): NodeJS.Timeout {
    const limit = this.#context.options.stallSeconds * 1000;
    let read = this.#read;
    let looked = performance.now();
    let silence = 0;
    return setInterval(() => {
      const now = performance.now();
      // A look that comes late was this process's own stop (SIGSTOP, a machine that was paused): that was no silence of the source.
      silence = this.#read !== read || !reader.hasRoom ? 0 : silence + Math.min(now - looked, LOOK_MS);
      read = this.#read;
      looked = now;
      if (silence >= limit) this.#failed.abort(stalled(`the source gave nothing after ${read} of ${this.#source.size} bytes`, silence));
    }, LOOK_MS);
  }

  async #storeAll(reader: SlabReader): Promise<void> {
    for await (const part of reader.parts()) {
      const task = this.#storePart(part);
      task.catch((error: unknown) => this.#failed.abort(error));
      this.#storing.push(task);
    }
    await Promise.all(this.#storing);
  }

  async #storePart(part: StreamedPart): Promise<void> {
    const { range } = part;
    const upload = this.#uploads[range.objectIndex]!;
    if (upload.adopted) {
      part.discard();
      this.#takenOver++;
      this.#confirm(range, await part.digests); // compared when the object is
      return;
    }
    const earlier = upload.stored.get(range.partNumber);
    if (earlier) {
      part.discard();
      const digests = await part.digests;
      if (!isSamePart(earlier, digests)) throw this.#mismatch(range, upload.key, earlier, digests);
      this.#takenOver++;
      this.#confirm(range, digests);
      return;
    }
    const stored = await this.#limit.run(async () => {
      try {
        return await this.#put(part, upload);
      } finally {
        part.discard();
      }
    });
    if (stored.readBack) this.#readBack[range.objectIndex]!.add(range.partNumber);
    this.#confirm(range, stored.readBack ? digestsOf(stored) : await part.digests);
  }

  /** The first try streams what dc3dd reads; every further one reads the part's range again. */
  async #put(part: StreamedPart, upload: ImageUpload): Promise<StoredPart> {
    const { options, events } = this.#context;
    const { range } = part;
    const put = async (attempt: number): Promise<StoredPart> => {
      this.#signal.throwIfAborted();
      const source = attempt === 1 ? part : rereadPart(this.#source.fd, range, await part.digests, this.#reread, this.#signal);
      const stored = await upload.putPart(source, this.#signal);
      this.#limit.succeeded();
      return stored;
    };
    return pRetry(put, {
      retries: options.partTries - 1,
      minTimeout: 250,
      maxTimeout: 20_000,
      randomize: true,
      signal: this.#signal,
      shouldRetry: ({ error }) => isTriedAgain(error),
      onFailedAttempt: ({ error, attemptNumber, retriesLeft }) => {
        part.discard();
        if (isSlowDown(error)) this.#limit.slowDown();
        if (this.#signal.aborted || retriesLeft === 0 || !isTriedAgain(error)) return;
        this.#retries++;
        events.warn(LogEvent.partRetried, { part: range.partNumber, object: range.objectIndex, attempt: attemptNumber, reason: messageOf(error) });
      },
    });
  }

  /** The source changed since the earlier attempt, or the store did. Both digests are told, and become custody. */
  #mismatch(range: PartRange, key: string, stored: StoredPart, digests: PartDigests): StageError {
    const { partNumber: part, objectIndex: object, offset, length: bytes } = range;
    const [before, now] = [told(stored) ?? `ETag ${stored.etag ?? 'unknown'}`, told(digests) ?? `MD5 ${digests.md5?.toString('hex') ?? 'unknown'}`];
    this.#context.events.error(LogEvent.partMismatch, { key, part, object, offset, bytes, stored: before, source: now });
    return new StageError('acquire', 'PART_MISMATCH', `part ${part} of ${key} (bytes ${offset} to ${offset + bytes}) was stored by an earlier attempt with ${before}; the source now gives ${now}`, {
      retryable: false,
      advice:
        (object === 0 ? 'Look' : 'If --max-object-size or --part-size was another then, give that again: this object began elsewhere on the disk. Otherwise look') +
        " for bad sectors in these bytes in the earlier attempt's capture log (a sector that could not be read then), and for anybody who writes to the disk. " +
        'If the disk as it is now shall be imaged, start the same command with --resume never: it begins anew, and what is stored stays beside it.',
    });
  }

  #confirm(range: PartRange, digests: PartDigests): void {
    this.#digests[range.objectIndex]![range.partNumber - 1] = digests;
    this.#stored += range.length;
    this.#context.events.info(LogEvent.partStored, {
      part: range.partNumber,
      object: range.objectIndex,
      offset: range.offset,
      bytes: range.length,
      ...(digests.sha256 ? { sha256: digests.sha256.toString('hex') } : {}),
    });
    this.#report();
  }

  #report(): void {
    this.#context.onProgress?.({ total: this.#source.size, read: this.#read, stored: this.#stored });
  }

  /** A stream that broke off is explained by how dc3dd ended, not by who noticed first. */
  async #explain(thrown: unknown, run: Promise<Dc3ddRun>): Promise<unknown> {
    const first = this.#signal.reason ?? thrown;
    const ran = await run.catch(() => undefined);
    if (!(first instanceof StageError) || first.code !== 'SOURCE_SHRANK' || !ran) return first;
    const { exitCode, signal, report } = ran;
    const how = signal ? `was ended by ${signal}` : `ended with exit ${exitCode} and "${report.footer}"`;
    const lastWord = ran.log.split('\n').filter((line) => line.startsWith('[!')).at(-1);
    const code = exitCode === 0 ? 'SOURCE_SHRANK' : 'DC3DD_FAILED';
    return new StageError('acquire', code, `${first.message} of ${this.#source.size}; dc3dd ${how}${lastWord ? `: ${lastWord}` : ''}`, {
      retryable: exitCode !== 0,
      cause: first,
      advice: signal ? ENDED_ADVICE : 'Check the source, then start again: what was stored is taken over.',
    });
  }
}

/** Whether a part is tried again after this; a store that was waited for in vain would be waited for again. */
const isTriedAgain = (error: unknown): boolean => error instanceof StageError && error.retryable && !isLost(error) && error.code !== 'STORE_SILENT';

function isSamePart(stored: StoredPart, digests: PartDigests): boolean {
  if (digests.md5) return stored.etag === `"${digests.md5.toString('hex')}"`;
  return sameDigests(stored, digests);
}

const digestsOf = ({ sha256, crc32 }: StoredPart): PartDigests => ({ ...(sha256 && { sha256 }), ...(crc32 && { crc32 }) });

/** A digest as it is told to people and machines. */
const told = ({ sha256, crc32 }: Pick<StoredPart, 'sha256' | 'crc32'>): string | undefined =>
  sha256 ? `SHA-256 ${sha256.toString('hex')}` : crc32 && `CRC32 ${crc32.toString('hex')}`;
