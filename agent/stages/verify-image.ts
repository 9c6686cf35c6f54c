import { createHash, type Hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { type Manifest, tilingRules } from '../../modules/vocabulary/index.ts';
import type { EvidenceStore } from '../adapters/stores/evidence-store.ts';
import { messageOf } from '../errors.ts';
import { readSteadily } from './verify-read.ts';
import { type VerifyProblem, inert } from './verify-report.ts';

type Part = Manifest['integrity']['parts'][number];
type StoredObject = Manifest['storage']['objects'][number];
type Add = (problem: VerifyProblem) => void;

export type ImageCheck = { readonly sha256?: string; readonly bytes: number; readonly problems: readonly VerifyProblem[] };

/** Differing parts that are listed singly; the rest is counted. */
const MAX_LISTED = 1000;

/**
 * Reads an image once, in order, and compares it with its manifest: every object's presence, length, version and
 * checksum, every part's digest, and the SHA-256 of the whole. Goes on after a difference, so that all are listed.
 */
export async function verifyImage(
  store: EvidenceStore, manifest: Manifest, onBytes: (bytes: number) => void, signal: AbortSignal,
): Promise<ImageCheck> {
  const problems: VerifyProblem[] = [];
  let unlisted = 0;
  const add: Add = (problem) => void (problems.length < MAX_LISTED ? problems.push(problem) : unlisted++);
  const tiled = tilingRules(manifest).length === 0;
  const { storage, integrity } = manifest;
  const whole = createHash('sha256');
  let bytes = 0;
  let isWhole = true;
  for (const [index, object] of storage.objects.entries()) {
    const parts = tiled ? integrity.parts.filter(({ object: of }) => of === index) : [];
    if (!(await checkDescription(store, object, add, signal))) {
      isWhole = false;
      continue;
    }
    const cursor = new PartCursor(parts, add);
    let read = 0;
    try {
      for await (const chunk of readSteadily(store, object.key, object.length, signal, object.versionId)) {
        whole.update(chunk);
        cursor.update(chunk);
        read += chunk.length;
        onBytes((bytes += chunk.length));
      }
    } catch (error) {
      signal.throwIfAborted();
      add({ what: 'image', message: inert(`cannot be read on: ${messageOf(error)}`), ...cursor.place(object, read) });
    }
    if (read === object.length) {
      cursor.end();
    } else {
      isWhole = false;
      add({ what: 'image', message: inert(`${object.key} ended after ${read} of ${object.length} bytes`), ...cursor.place(object, read) });
    }
  }
  const sha256 = isWhole ? whole.digest('hex') : undefined;
  if (unlisted > 0) problems.push({ what: 'image', message: `${unlisted} more problems of this image are not listed` });
  if (sha256 !== undefined && sha256 !== integrity.sha256) {
    const parts = tiled && problems.length === 0 ? 'every part is as recorded, but ' : '';
    problems.push({ what: 'image', message: `${parts}the image's SHA-256 is ${sha256}, the manifest says ${integrity.sha256}` });
  }
  return { ...(sha256 !== undefined && { sha256 }), bytes, problems };
}

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
    if (found.versionId !== undefined && versionId !== undefined && found.versionId !== versionId) {
      add({ what: 'image', message: inert(`the current version of ${key} is ${found.versionId}, the manifest names ${versionId}: something was put over it`) });
      return true; // the manifest's own version is the one that is read and compared
    }
    if (found.length !== length) add({ what: 'image', message: inert(`${key} has ${found.length} bytes, the manifest says ${length}`), range });
    if (found.checksum !== undefined && checksum !== undefined && found.checksum !== checksum) {
      add({ what: 'image', message: inert(`the store says checksum ${found.checksum} of ${key}, the manifest says ${checksum}`) });
    }
    return true;
  } catch (error) {
    signal.throwIfAborted();
    add({ what: 'image', message: inert(`cannot be looked at: ${messageOf(error)}`), range });
    return false;
  }
}

/** Cuts an object's bytes into its parts as they come, and compares each part's digest. */
class PartCursor {
  readonly #parts: readonly Part[];
  readonly #add: Add;
  #index = 0;
  #inPart = 0;
  #sha256: Hash = createHash('sha256');
  #crc32 = 0;

  constructor(parts: readonly Part[], add: Add) {
    this.#parts = parts;
    this.#add = add;
  }

  update(chunk: Uint8Array): void {
    for (let start = 0; start < chunk.length; ) {
      const part = this.#parts[this.#index];
      if (!part) return;
      const piece = chunk.subarray(start, start + part.length - this.#inPart);
      // A part has its SHA-256, or where a CRC32 was asked for, that.
      if (part.sha256 !== undefined) this.#sha256.update(piece);
      if (part.crc32 !== undefined) this.#crc32 = crc32(piece, this.#crc32);
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

  #compare({ object, part, offset, length, ...recorded }: Part): void {
    const sha256 = this.#sha256.digest('hex');
    const crc = this.#crc32.toString(16).padStart(8, '0');
    const place = { object, part, range: { start: offset, end: offset + length } };
    if (recorded.sha256 !== undefined && recorded.sha256 !== sha256) {
      this.#add({ what: 'image', message: `differs: its SHA-256 is ${sha256}, the manifest says ${recorded.sha256}`, ...place });
    } else if (recorded.crc32 !== undefined && recorded.crc32 !== crc) {
      this.#add({ what: 'image', message: `differs: its CRC32 is ${crc}, the manifest says ${recorded.crc32}`, ...place });
    }
    this.#index++;
    this.#inPart = 0;
    this.#sha256 = createHash('sha256');
    this.#crc32 = 0;
  }
}
