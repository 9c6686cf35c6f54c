import { randomBytes } from 'node:crypto';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { inspectDc3dd, type Dc3ddTool } from '../../agent/adapters/dc3dd-tool.ts';
import { createEventLog } from '../../agent/adapters/logs/create-event-log.ts';
import { memorySink } from '../../agent/adapters/logs/memory-sink.ts';
import { openSource } from '../../agent/adapters/source-disk.ts';
import { describePath } from '../../agent/adapters/source-path.ts';
import type { EvidenceStore } from '../../agent/adapters/stores/evidence-store.ts';
import { StageError } from '../../agent/errors.ts';
import { collect, type CollectContext, type Collected, type CollectOptions } from '../../agent/pipeline.ts';
import { verifyEvidence } from '../../agent/stages/verify.ts';
import { checkManifest, imageKey, type LogEvent, type LogRecord, type Manifest, MiB, recordKey } from '../../modules/vocabulary/index.ts';
import { sha256Hex } from './evidence.ts';

export const CASE = 'case-1';
export const EXHIBIT = 'vol-0123456789abcdef0';
export const PART = 5 * MiB;
const KEEP_GOING = new AbortController().signal;

/** Collecting a source without the command line around it. */
export type CollectPlan = {
  readonly store: EvidenceStore;
  /** An image file or a block device. */
  readonly path: string;
  /** For dc3dd's log. */
  readonly scratchDir: string;
  readonly options?: Partial<CollectOptions>;
  readonly signal?: AbortSignal;
  /** Told of every event as it happens; what it throws is lost. */
  readonly onEvent?: (record: LogRecord) => void;
  /** Told how far it is. */
  readonly onProgress?: CollectContext['onProgress'];
  /** Another program in dc3dd's place. */
  readonly tool?: Dc3ddTool;
};

export type Outcome = {
  readonly done?: Collected;
  readonly error?: StageError;
  /** Every event, in order. */
  readonly events: readonly LogRecord[];
  /** The events of one name. */
  of(event: LogEvent): readonly LogRecord[];
};

/** Runs one acquisition with real dc3dd, in parts of 5 MiB; a failure is part of the outcome. */
export async function collectFrom(plan: CollectPlan): Promise<Outcome> {
  const { store, path, scratchDir, signal = KEEP_GOING } = plan;
  const memory = memorySink();
  const sinks = [memory, { write: (record: LogRecord) => plan.onEvent?.(record), close: () => Promise.resolve() }];
  const { source: found } = await describePath(path);
  const source = await openSource(found.kind === 'block-device' ? found.disk : found, { allowWritableSource: true }, signal);
  const context = {
    ...(plan.onProgress && { onProgress: plan.onProgress }),
    store,
    events: createEventLog({ sinks }),
    tool: plan.tool ?? (await inspectDc3dd()),
    host: { collectorVersion: '0.0.0', node: process.version, kernel: 'kernel', host: 'test' },
    options: { secondHash: false, partSize: PART, ringSize: 4 * MiB, concurrency: 3, partTries: 4, stallSeconds: 60, resume: 'auto' as const, scratchDir, reread: !store.partChecksum.verifiedByStore, ...plan.options },
  };
  const seen = { events: memory.records, of: (event: LogEvent) => memory.records.filter((record) => record.event === event) };
  try {
    const done = await collect(source, { caseId: CASE, exhibitId: EXHIBIT, accountable: 'tester' }, context, signal);
    return { done, ...seen };
  } catch (error) {
    return { error: asStageError(error), ...seen };
  } finally {
    await source.close();
  }
}

function asStageError(error: unknown): StageError {
  if (error instanceof StageError) return error;
  throw error;
}

/** What an acquisition gave; fails the test with the reason where it failed. */
export function doneOf({ done, error }: Outcome): Collected {
  if (done) return done;
  throw new Error(`the acquisition failed: ${error?.code} ${error?.message}`, { cause: error });
}

/** Why an acquisition failed; fails the test where it did not. */
export function errorOf({ done, error }: Outcome): StageError {
  if (error) return error;
  throw new Error(`the acquisition should have failed, and is ${done?.status}`);
}

/** An image file of random bytes that nobody may write to. */
export async function makeImage(path: string, size: number): Promise<Buffer> {
  const bytes = randomBytes(size);
  await writeFile(path, bytes);
  await chmod(path, 0o444);
  return bytes;
}

export async function readAll(store: EvidenceStore, key: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of store.read(key, undefined, KEEP_GOING)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The exhibit's manifest, its own digest checked; undefined where there is none. */
export async function manifestIn(store: EvidenceStore): Promise<Manifest | undefined> {
  const key = recordKey(CASE, EXHIBIT, 'manifest.json');
  if (!(await store.head(key, KEEP_GOING))) return undefined;
  const { manifest, problems } = checkManifest((await readAll(store, key)).toString(), sha256Hex);
  if (!manifest || problems.length > 0) throw new Error(`a manifest that is not right: ${problems.join('; ')}`);
  return manifest;
}

/** The stored image, put together from its objects. */
export async function imageIn(store: EvidenceStore): Promise<Buffer | undefined> {
  const pieces: Buffer[] = [];
  const whole = imageKey(CASE, EXHIBIT);
  if (await store.head(whole, KEEP_GOING)) return readAll(store, whole);
  for (let index = 0; await store.head(imageKey(CASE, EXHIBIT, index), KEEP_GOING); index++) pieces.push(await readAll(store, imageKey(CASE, EXHIBIT, index)));
  return pieces.length > 0 ? Buffer.concat(pieces) : undefined;
}

/** What `collector verify` finds wrong with the store, one line each. */
export async function problemsIn(store: EvidenceStore): Promise<string[]> {
  const { exhibits, problems } = await verifyEvidence(store, {}, KEEP_GOING);
  return [...problems, ...exhibits.flatMap((exhibit) => exhibit.problems.map(({ what, message }) => `${what}: ${message}`))];
}

/** Changes one byte of a file, whatever its mode. */
export async function flipByte(path: string, at: number): Promise<void> {
  const bytes = await readFile(path);
  bytes[at]! ^= 0xff;
  await chmod(path, 0o644);
  await writeFile(path, bytes);
  await chmod(path, 0o444);
}
