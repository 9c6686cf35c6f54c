import { createHash } from 'node:crypto';
import {
  chainEvent, hostileText, MANIFEST_SCHEMA, recordKey, serializeCustody, serializeManifest,
  type BadRange, type CustodyEvent, type ExhibitRecord, type HostileText, type ManifestBody, type StoredLog,
} from '../../modules/vocabulary/index.ts';
import { printable } from '../adapters/logs/log-line.ts';
import type { EvidenceStore, StoredObjectInfo } from '../adapters/stores/evidence-store.ts';
import { asStageError, hasCode, StageError } from '../errors.ts';
import { shellQuoted } from '../shown-command.ts';
import { isLost, manifestCame } from './lost.ts';

export type Exhibit = {
  readonly caseId: string;
  readonly exhibitId: string;
  readonly acquisitionId: string;
  readonly accountable: string;
  /** Snapshots that the disk was made from, where the caller knows them. */
  readonly snapshotChain?: readonly string[];
};

export const sha256Hex = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

/** Text from this host that may hold anything, such as a path. */
export const hostileString = (text: string): HostileText => hostileText(Buffer.from(text));

/** Collects custody events of one acquisition, each chained to the one before. */
export class CustodyLog {
  readonly #exhibit: Exhibit;
  readonly #chain: CustodyEvent[] = [];

  constructor(exhibit: Exhibit) {
    this.#exhibit = exhibit;
  }

  /** @param detail strings in it, which may be what a store said, are written in printable ASCII */
  add(action: string, detail: Readonly<Record<string, CustodyEvent['detail'][string] | StoredLog>>): void {
    const { caseId, exhibitId, acquisitionId, accountable: actor } = this.#exhibit;
    const event = { time: new Date().toISOString(), caseId, exhibitId, acquisitionId, actor, action, detail: printable(detail) as CustodyEvent['detail'] };
    this.#chain.push(chainEvent(this.#chain, event, sha256Hex));
  }

  text(): string {
    return serializeCustody(this.#chain);
  }
}

/**
 * The capture log is the first record, and only one collector can store it: who finds it taken either follows an attempt
 * that ended there, or lost against a collector that runs now, whose manifest is about to come.
 * @throws StageError code COLLECTED when it came
 */
async function refuseLost(store: EvidenceStore, exhibit: Exhibit, signal: AbortSignal): Promise<void> {
  if (!(await manifestCame(store, exhibit, signal))) return;
  throw new StageError('record', 'COLLECTED', `another collector has just finished ${exhibit.exhibitId} of case ${exhibit.caseId}`, {
    retryable: false,
    safe: `Its image and manifest are in ${store.location}; this one added nothing.`,
    advice: `Verify it (collector verify ${shellQuoted(store.location)}).`,
  });
}

/**
 * Stores a record beside the image. A record that an attempt without a manifest left is not overwritten: this one then
 * carries its acquisition's id in its name.
 */
export async function storeRecord(store: EvidenceStore, exhibit: Exhibit, record: ExhibitRecord, text: string, signal: AbortSignal): Promise<StoredLog> {
  try {
    return await putText(store, recordKey(exhibit.caseId, exhibit.exhibitId, record), text, signal);
  } catch (error) {
    if (!hasCode(error, 'EXISTS')) throw error;
    if (record === 'capture.log') await refuseLost(store, exhibit, signal);
    return storeAttemptRecord(store, exhibit, record, text, signal);
  }
}

async function putText(store: EvidenceStore, key: string, text: string, signal: AbortSignal): Promise<StoredLog> {
  const contentType = key.endsWith('.jsonl') ? 'application/jsonl' : 'text/plain; charset=utf-8';
  const { versionId } = await store.putRecord(key, Buffer.from(text), contentType, signal);
  return { ...described(key, text), ...(versionId === undefined ? {} : { versionId }) };
}

const described = (key: string, text: string): StoredLog => ({ key, length: Buffer.byteLength(text), sha256: sha256Hex(text) });

const attemptKey = ({ caseId, exhibitId, acquisitionId }: Exhibit, record: ExhibitRecord): string => recordKey(caseId, exhibitId, record, acquisitionId);

/** What {@link storeAttemptRecord} is about to store. */
export const describeAttemptRecord = (exhibit: Exhibit, record: ExhibitRecord, text: string): StoredLog => described(attemptKey(exhibit, record), text);

/** Stores a record under the acquisition's own id: nobody else's name. */
export const storeAttemptRecord = (store: EvidenceStore, exhibit: Exhibit, record: ExhibitRecord, text: string, signal: AbortSignal): Promise<StoredLog> =>
  putText(store, attemptKey(exhibit, record), text, signal);

/** Writes the manifest, last of all: from here on the image is evidence. */
export async function storeManifest(store: EvidenceStore, body: Omit<ManifestBody, 'schema' | 'createdAt'>, signal: AbortSignal): Promise<StoredObjectInfo & { sha256: string }> {
  const text = serializeManifest({ schema: MANIFEST_SCHEMA, ...body, createdAt: new Date().toISOString() }, sha256Hex);
  const bytes = Buffer.from(text);
  const key = recordKey(body.caseId, body.exhibitId, 'manifest.json');
  signal.throwIfAborted(); // from here on it may be stored, whatever comes of it
  const stored = await store.putRecord(key, bytes, 'application/json', signal).catch((error: unknown) => settled(error, store, key, bytes));
  return { ...stored, sha256: sha256Hex(bytes) };
}

/** Longest look for a manifest whose request had no clear end; whoever stops the collector waits for it. Milliseconds. */
const LOOK_MS = 3000;

/** What became of a manifest whose storing failed, or was broken off: it may be stored all the same. */
async function settled(failure: unknown, store: EvidenceStore, key: string, bytes: Buffer): Promise<StoredObjectInfo> {
  if (isLost(failure) || wasRefused(failure)) throw failure;
  const signal = AbortSignal.timeout(LOOK_MS);
  const found = await store.head(key, signal).catch((error: unknown) => asStageError(error));
  if (store.kind === 'directory' && found === undefined) throw failure; // nothing is on its way there
  // What is in a bucket is durable; a file that is there may not be.
  if (store.kind === 's3' && found && !(found instanceof StageError) && (await isStored(store, found, bytes, signal))) return found;
  throw asStageError(failure).leaving(
    `The image is stored in ${store.location}, and its manifest may be: collector verify ${shellQuoted(store.location)} tells. Without a manifest the image counts as nothing until the next start has compared it.`,
  );
}

/** Whether a store said no, and was asked only once: an earlier request, whose answer was lost, may have done it. */
function wasRefused(error: unknown): boolean {
  const { httpStatusCode = 0, attempts } = ((error as Error).cause as { $metadata?: { httpStatusCode?: number; attempts?: number } } | undefined)?.$metadata ?? {};
  return httpStatusCode >= 400 && httpStatusCode < 500 && attempts === 1;
}

/** Whether these bytes are what is stored. */
async function isStored(store: EvidenceStore, { key, length, versionId }: StoredObjectInfo, bytes: Buffer, signal: AbortSignal): Promise<boolean> {
  if (length !== bytes.length) return false;
  const read = await Array.fromAsync(store.read(key, undefined, signal, versionId)).catch(() => []);
  return Buffer.concat(read).equals(bytes);
}

/** Bad ranges as one line each, for the capture log. */
export const describeBadRanges = (ranges: readonly BadRange[]): string =>
  ranges.map(({ offset, length, errno, tries }) => `bad range: offset ${offset}, length ${length}, ${errno}, tried ${tries} times\n`).join('');
