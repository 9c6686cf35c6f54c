import { createHash } from 'node:crypto';
import { type Manifest, tilingRules } from '../../modules/vocabulary/index.ts';
import { PartDigester } from '../adapters/part-digester.ts';
import type { EvidenceStore } from '../adapters/stores/evidence-store.ts';
import { messageOf } from '../errors.ts';
import { readSteadily } from '../adapters/stores/read-steadily.ts';
import { type VerifyProblem, inert, putOver, unreadBy } from './verify-report.ts';
import { type NotZero, ZeroCheck } from './zero-check.ts';

type Part = Manifest['integrity']['parts'][number];
type StoredObject = Manifest['storage']['objects'][number];
type Add = (problem: VerifyProblem) => void;

export type ImageCheck = { readonly sha256?: string; readonly bytes: number; readonly problems: readonly VerifyProblem[] };

/** Differing parts that are listed singly; the rest is counted. */
const MAX_LISTED = 1000;

/**
 * Reads an image once, in order, and compares it with its manifest: every object's presence, length, version and
 * checksum, every part's digest, the zeroes where the map has bad sectors, and the SHA-256 of the whole. Goes on after a difference, so that all are listed.
 */
export async function verifyImage(
  store: EvidenceStore, manifest: Manifest, onBytes: (bytes: number) => void, signal: AbortSignal,
): Promise<ImageCheck> {
  const problems: VerifyProblem[] = [];
  let unlisted = 0;
  const add: Add = (problem) => void (problems.length < MAX_LISTED ? problems.push(problem) : unlisted++);
  const { storage, integrity, process } = manifest;
  const partsOfObject = tilingRules(manifest).length === 0 ? Map.groupBy(integrity.parts, ({ object }) => object) : undefined;
  const whole = createHash('sha256');
  const zeroes = new ZeroCheck(process.badRanges);
  let bytes = 0;
  let isWhole = true;
  for (const [index, object] of storage.objects.entries()) {
    if (!(await checkDescription(store, object, add, signal))) {
      isWhole = false;
      continue;
    }
    const cursor = new PartCursor(partsOfObject?.get(index) ?? [], add);
    let read = 0;
    let unread: ReturnType<typeof unreadBy> = {};
    try {
      for await (const chunk of readSteadily(store, object.key, object.length, signal, object.versionId)) {
        whole.update(chunk);
        cursor.update(chunk);
        for (const wrong of zeroes.update(chunk, object.offset + read)) add(notZero(wrong));
        read += chunk.length;
        onBytes((bytes += chunk.length));
      }
    } catch (error) {
      signal.throwIfAborted();
      unread = unreadBy(error);
      add({ what: 'image', message: inert(`cannot be read on: ${messageOf(error)}`), ...cursor.place(object, read), ...unread });
    }
    if (read === object.length) {
      cursor.end();
    } else {
      isWhole = false;
      add({ what: 'image', message: inert(`${object.key} ended after ${read} of ${object.length} bytes`), ...cursor.place(object, read), ...unread });
    }
  }
  const sha256 = isWhole ? whole.digest('hex') : undefined;
  if (unlisted > 0) problems.push({ what: 'image', message: `${unlisted} more problems of this image are not listed` });
  if (sha256 !== undefined && sha256 !== integrity.sha256) {
    const parts = partsOfObject && problems.length === 0 ? 'every part is as recorded, but ' : '';
    problems.push({ what: 'image', message: `${parts}the image's SHA-256 is ${sha256}, the manifest says ${integrity.sha256}` });
  }
  return { ...(sha256 !== undefined && { sha256 }), bytes, problems };
}

/** What a map of bad sectors says is zeroes, because it could not be read, and is not. */
const notZero = ({ range: { offset, length }, at }: NotZero): VerifyProblem => ({
  what: 'image',
  message: `the map says that this range could not be read and is zeroes, but byte ${at} is not`,
  range: { start: offset, end: offset + length },
});

/** Compares what the store says of an object with the manifest; false when there is nothing to read. */
async function checkDescription(store: EvidenceStore, object: StoredObject, add: Add, signal: AbortSignal): Promise<boolean> {
  const { key, offset, length, versionId, checksum } = object;
  const range = { start: offset, end: offset + length };
  try {
    const found = await store.head(key, signal);
    if (!found) {
      add({ what: 'image', message: inert(`${key} is not there; the manifest names it`), range });
      return false;
    }
    const forged = putOver(key, found.versionId, versionId);
    if (forged !== undefined) {
      add({ what: 'image', message: inert(forged) });
      return true; // the manifest's own version is the one that is read and compared
    }
    if (found.length !== length) add({ what: 'image', message: inert(`${key} has ${found.length} bytes, the manifest says ${length}`), range });
    if (found.checksum !== undefined && checksum !== undefined && found.checksum !== checksum) {
      add({ what: 'image', message: inert(`the store says checksum ${found.checksum} of ${key}, the manifest says ${checksum}`) });
    }
    return true;
  } catch (error) {
    signal.throwIfAborted();
    add({ what: 'image', message: inert(`cannot be looked at: ${messageOf(error)}`), range, ...unreadBy(error) });
    return false;
  }
}

/** A part has its SHA-256, or where a CRC32 or an MD5 was asked for, that. */
const KINDS = [['sha256', 'SHA-256'], ['crc32', 'CRC32'], ['md5', 'MD5']] as const;

const digesterFor = (part: Part): PartDigester =>
  new PartDigester({ sha256: part.sha256 !== undefined, crc32: part.crc32 !== undefined, md5: part.md5 !== undefined });

/** Cuts an object's bytes into its parts as they come, and compares each part's digest. */
class PartCursor {
  readonly #parts: readonly Part[];
  readonly #add: Add;
  #index = 0;
  #inPart = 0;
  #digester: PartDigester | undefined;

  constructor(parts: readonly Part[], add: Add) {
    this.#parts = parts;
    this.#add = add;
  }

  update(chunk: Uint8Array): void {
    for (let start = 0; start < chunk.length; ) {
      const part = this.#parts[this.#index];
      if (!part) return;
      const piece = chunk.subarray(start, start + part.length - this.#inPart);
      this.#digester ??= digesterFor(part);
      this.#digester.update(piece);
      this.#inPart += piece.length;
      start += piece.length;
      if (this.#inPart === part.length) this.#compare(part);
    }
  }

  /** All bytes have come: an empty part, which no byte has ended, is compared. */
  end(): void {
    const part = this.#parts[this.#index];
    if (part && part.length === 0) this.#compare(part);
  }

  /** Where a read stopped. */
  place(object: StoredObject, read: number): Pick<VerifyProblem, 'object' | 'part' | 'range'> {
    const part = this.#parts[this.#index];
    const range = { start: object.offset + read, end: object.offset + object.length };
    return { ...(part && { object: part.object, part: part.part }), range };
  }

  #compare(recorded: Part): void {
    const { object, part, offset, length } = recorded;
    const place = { object, part, range: { start: offset, end: offset + length } };
    const found = (this.#digester ?? digesterFor(recorded)).digest();
    for (const [kind, name] of KINDS) {
      const [is, was] = [found[kind]?.toString('hex'), recorded[kind]];
      if (was !== undefined && was !== is) this.#add({ what: 'image', message: `differs: its ${name} is ${is}, the manifest says ${was}`, ...place });
    }
    this.#index++;
    this.#inPart = 0;
    this.#digester = undefined;
  }
}
