/** The only file that knows the order of the stages: acquire → prove → complete → re-read → record. */
import { createHash } from 'node:crypto';
import { ulid } from 'ulid';
import { escapeHostile, imageKey, LogEvent, partCount, partsOf, recordKey, type ImageLayout, type ImageStatus } from '../modules/vocabulary/index.ts';
import { mapBadSectors } from './adapters/bad-sectors.ts';
import { ENDED_ADVICE, readDc3ddLog } from './adapters/dc3dd.ts';
import type { Dc3ddTool } from './adapters/dc3dd-tool.ts';
import type { FanOutLog } from './adapters/logs/create-event-log.ts';
import type { EventLog } from './adapters/logs/event-log.ts';
import { memorySink } from './adapters/logs/memory-sink.ts';
import { scopedLog } from './adapters/logs/scoped-log.ts';
import { makeScratch, type ScratchFolder } from './adapters/scratch.ts';
import type { Recheck, SourceHandle } from './adapters/source-disk.ts';
import { undefinedWhenForbidden } from './adapters/stores/s3-errors.ts';
import { orAbort } from './adapters/stores/or-abort.ts';
import { compareObject } from './adapters/stores/compare-object.ts';
import type { EvidenceStore, StoredObjectInfo, UnfinishedUpload } from './adapters/stores/evidence-store.ts';
import { asStageError, endOf, hasCode, messageOf, StageError } from './errors.ts';
import { shellQuoted } from './shown-command.ts';
import { acquire, type Acquired, type AcquireOptions, type Progress } from './stages/acquire.ts';
import { isLost, manifestCame, withdraw, withdrawLost } from './stages/lost.ts';
import { manifestOf, type HostFacts } from './stages/manifest.ts';
import { judge, type Judgement } from './stages/prove.ts';
import { CustodyLog, describeAttemptRecord, describeBadRanges, hostileString, storeAttemptRecord, storeManifest, storeRecord, type Exhibit } from './stages/record.ts';

export type CollectOptions = Omit<AcquireOptions, 'scratch' | 'dc3dd'> & {
  /** Folder for dc3dd's log while it runs. */
  readonly scratchDir: string;
  /** Reads every stored object back before the manifest is written. */
  readonly reread: boolean;
  /** The key that was asked for, to compare with the one that was used. */
  readonly kmsKeyId?: string;
};

export type CollectContext = {
  readonly store: EvidenceStore;
  readonly events: FanOutLog;
  readonly tool: Dc3ddTool;
  readonly host: HostFacts;
  readonly options: CollectOptions;
  readonly onProgress?: (phase: 'image' | 'reread', progress: Progress) => void;
};

export type Collected = {
  readonly status: Exclude<ImageStatus, 'FAILED'>;
  readonly acquisitionId: string;
  readonly manifestKey: string;
  readonly manifestSha256: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly seconds: number;
  /** Why it is only PARTIAL. */
  readonly reasons: readonly string[];
  readonly deviations: readonly string[];
  /** Parts that had to be sent again. */
  readonly retries: number;
  /** Parts that an earlier attempt had stored. */
  readonly takenOver: number;
};

/** One acquisition while it runs. */
type Run = Omit<CollectContext, 'events'> & {
  readonly source: SourceHandle;
  readonly exhibit: Exhibit;
  readonly events: EventLog;
  readonly custody: CustodyLog;
  readonly captureText: () => string;
  /** The whole capture log, once it was about to be stored: from then on the attempt has no other. */
  captureLog?: string;
  readonly signal: AbortSignal;
  /** How far it came. */
  reached: Reach;
  /** Bytes of the image that the store confirmed to this attempt. */
  stored: number;
};

/** What an acquisition leaves behind when it ends here. */
type Reach = 'nothing' | 'parts' | 'completing' | 'image';

const SAFE = {
  nothing: () => 'This attempt stored nothing.',
  parts: ({ store: { location }, stored }) =>
    stored > 0
      ? `This attempt completed no image; the parts that are stored stay in ${location}, and the next start takes them over.`
      : `This attempt completed no image, and the store confirmed no part of it; what is in ${location} stays, and the next start takes it over.`,
  completing: ({ store: { location } }) =>
    `The image may already be complete in ${location}, or an object of it, but without a manifest: it counts as nothing until the next start has compared what is complete and taken over the rest.`,
  image: ({ store: { location } }) => `The image is stored in ${location} without a manifest, so it counts as nothing until the next start has compared it.`,
} as const satisfies Record<Reach, (run: Run) => string>;

const OTHERS = 'What another collector stores of this exhibit was not touched.';

/**
 * Images one opened source and proves it. Resolves with COMPLETE or PARTIAL when the manifest is stored; whatever keeps
 * the image from being proven rejects with a StageError, after which what was stored can be taken over.
 */
export async function collect(source: SourceHandle, target: Omit<Exhibit, 'acquisitionId'>, context: CollectContext, signal: AbortSignal): Promise<Collected> {
  const exhibit: Exhibit = { ...target, acquisitionId: ulid() };
  const { caseId, exhibitId, acquisitionId } = exhibit;
  const events = scopedLog(context.events, { caseId, exhibitId, acquisitionId });
  const capture = memorySink({ filter: (record) => record['acquisitionId'] === acquisitionId });
  const detach = context.events.add(capture);
  let scratch: ScratchFolder | undefined;
  const started = performance.now();
  const run: Run = { ...context, source, exhibit, events, custody: new CustodyLog(exhibit), captureText: () => capture.text(), signal, reached: 'nothing', stored: 0 };
  try {
    scratch = await makeScratch(context.options.scratchDir);
    const done = await collectOnce(run, scratch.path);
    const seconds = (performance.now() - started) / 1000;
    events.info(LogEvent.acquisitionEnded, { ...done, seconds, store: context.store.location });
    return { ...done, seconds };
  } catch (error) {
    const failed = asStageError(endOf(error, signal));
    const { safe: left = failed.safe } = error instanceof StageError ? error : failed;
    const failure = failed.leaving(left ?? (isLost(failed) ? OTHERS : SAFE[run.reached](run)));
    const { code, stage, advice, safe, retryable } = failure;
    await storeAttempt(run, failure, scratch?.path);
    events.error(LogEvent.acquisitionEnded, { status: 'FAILED', stage, code, message: messageOf(failure), safe, advice, retryable, store: context.store.location });
    throw failure;
  } finally {
    detach();
    await scratch?.remove().catch(() => undefined); // leftovers of a scratch disk that fails are not worth an image
  }
}

/** Longest time for the records of an attempt that failed: whoever stops the collector waits for it. */
const ATTEMPT_MS = 4000;

/** Longest time of it for what dc3dd logged: a scratch disk that does not answer holds up no custody. */
const SCRATCH_MS = 1000;

/** The logs of an attempt that failed are custody too: they are stored under its own id, as well as can be. */
async function storeAttempt(run: Run, failure: StageError, scratch: string | undefined): Promise<void> {
  if (run.reached === 'nothing' || isLost(failure)) return; // the source was not read, or by another collector
  const { store, exhibit, custody, captureText, events } = run;
  try {
    const signal = AbortSignal.timeout(ATTEMPT_MS);
    const readLog = (): Promise<string> => (scratch === undefined ? Promise.resolve('') : orAbort(readDc3ddLog(scratch), AbortSignal.timeout(SCRATCH_MS)).catch(() => ''));
    const text = run.captureLog ?? `${await readLog()}\n${captureText()}`;
    const captureLog = describeAttemptRecord(exhibit, 'capture.log', text);
    custody.add('fail', { stage: failure.stage, code: failure.code, message: failure.message, left: failure.safe ?? null, captureLog });
    await storeAttemptRecord(store, exhibit, 'custody.jsonl', custody.text(), signal); // first: it is small, and the other may not get through in time
    await storeAttemptRecord(store, exhibit, 'capture.log', text, signal).catch(unlessThere);
  } catch (error) {
    events.warn(LogEvent.warning, { message: `the logs of this attempt could not be stored: ${messageOf(error)}` });
  }
}

/** What stands under an attempt's own id is what this attempt stored. */
function unlessThere(error: unknown): void {
  if (!hasCode(error, 'EXISTS')) throw error;
}

async function collectOnce(run: Run, scratch: string): Promise<Omit<Collected, 'seconds'>> {
  const openedAt = new Date();
  await refuseCollected(run);
  recordOpening(run);
  const acquired = await acquireImage(run, scratch);
  try {
    return await concludeImage(run, acquired, openedAt);
  } catch (error) {
    await leaveToOther(run, acquired, error);
    throw error;
  } finally {
    await Promise.allSettled(acquired.uploads.map((upload) => upload.release())); // what was not completed is for a later attempt
  }
}

/** Another collector was first: what this one stored beside it goes, as soon as that is not needed for certain. */
async function leaveToOther({ store, exhibit, events, signal }: Run, { uploads, digests }: Acquired, error: unknown): Promise<void> {
  if (!isLost(error) || signal.aborted) return;
  await manifestCame(store, exhibit, signal).catch(() => false); // its last objects come until then
  await withdrawLost(error, uploads, events, signal, digests);
}

/** Everything after the pass: is it proven, and if so, complete and record it. */
async function concludeImage(run: Run, acquired: Acquired, openedAt: Date): Promise<Omit<Collected, 'seconds'>> {
  const { source, custody, options } = run;
  const bad = await mapBadSectors(source.fd, acquired.run.report, source.size, { signal: run.signal, patienceMs: options.stallSeconds * 1000 });
  for (const { offset, length, errno, tries } of bad.ranges) run.events.warn(LogEvent.sourceBadRange, { offset, length, errno, tries });
  const after = await source.recheck();
  run.signal.throwIfAborted(); // dc3dd, or whoever asked the kernel, may have been ended with this process: that proves nothing
  const judgement = judgeImage(run, acquired, bad, after);
  const objects = await completeObjects(run, acquired);
  const reread = options.reread || mustReread(run, acquired);
  if (reread) await rereadObjects(run, acquired, objects);
  run.captureLog = `${acquired.run.log}\n${describeBadRanges(bad.ranges)}${run.captureText()}`;
  const captureLog = await storeRecord(run.store, run.exhibit, 'capture.log', run.captureLog, run.signal);
  custody.add('conclude', { status: judgement.status, sha256: acquired.end.sha256.toString('hex'), reasons: [...judgement.reasons], captureLog });
  const custodyLog = await storeRecord(run.store, run.exhibit, 'custody.jsonl', custody.text(), run.signal);
  const deviations = [...judgement.deviations, ...encryptionDeviations(options.kmsKeyId, objects), ...versionDeviations([...objects, captureLog, custodyLog])];
  const facts = { ...run, acquired, bad, after, judgement: { ...judgement, deviations }, objects, openedAt, reread, records: { captureLog, custodyLog } };
  const manifest = await storeManifest(run.store, manifestOf(facts), run.signal);
  run.events.info(LogEvent.manifestStored, { key: manifest.key, sha256: manifest.sha256, versionId: manifest.versionId });
  return {
    status: judgement.status,
    acquisitionId: run.exhibit.acquisitionId,
    manifestKey: manifest.key,
    manifestSha256: manifest.sha256,
    sha256: acquired.end.sha256.toString('hex'),
    bytes: acquired.end.bytes,
    reasons: judgement.reasons,
    deviations,
    retries: acquired.retries,
    takenOver: acquired.takenOver,
  };
}

/** An upload that was taken over keeps the encryption it was started with. */
function* encryptionDeviations(kmsKeyId: string | undefined, objects: readonly StoredObjectInfo[]): Generator<string> {
  if (kmsKeyId === undefined || kmsKeyId.includes('alias/')) return;
  for (const { key, kmsKeyArn } of objects) {
    if (kmsKeyArn !== undefined && kmsKeyArn !== kmsKeyId && !kmsKeyArn.endsWith(`/${kmsKeyId}`)) yield `${key} is encrypted under ${kmsKeyArn}, asked for was ${kmsKeyId}`;
  }
}

/** Of what is stored together, everything has a version or nothing: otherwise the bucket's versioning was switched meanwhile. */
function* versionDeviations(stored: readonly { readonly key: string; readonly versionId?: string | undefined }[]): Generator<string> {
  const without = stored.filter(({ versionId }) => versionId === undefined).map(({ key }) => key);
  if (without.length > 0 && without.length < stored.length) yield `${without.join(' and ')} ${without.length === 1 ? 'has' : 'have'} no version, unlike what was stored beside: the bucket's versioning was switched meanwhile`;
}

/** A part of an earlier attempt that only a CRC32 or an MD5 vouches for is believed when the whole image's SHA-256 agrees. */
const mustReread = ({ store }: Run, { takenOver }: Acquired): boolean => takenOver > 0 && store.partChecksum.algorithm !== 'SHA256';

/**
 * An exhibit with a manifest is done; imaging it again would put two images of one exhibit under one name.
 * @throws StageError code COLLECTED
 */
export async function refuseCollected({ store, exhibit, signal }: Pick<Run, 'store' | 'signal'> & { readonly exhibit: Pick<Exhibit, 'caseId' | 'exhibitId'> }): Promise<void> {
  const key = recordKey(exhibit.caseId, exhibit.exhibitId, 'manifest.json');
  if (!(await store.head(key, signal).catch(undefinedWhenForbidden))) return;
  throw new StageError('store', 'COLLECTED', `${exhibit.exhibitId} of case ${exhibit.caseId} is already in ${store.location}, with its manifest`, {
    retryable: false,
    safe: 'What is stored was not touched.',
    advice: `Verify it (collector verify ${shellQuoted(store.location)}), or give this acquisition another --volume or --case.`,
  });
}

function recordOpening({ source, exhibit, custody, events, store, host }: Run): void {
  const path = hostileString(source.path).escaped;
  const facts = {
    path,
    size: source.size,
    sectorSize: source.logicalSectorSize,
    readOnlyBefore: source.readOnlyBefore,
    readOnlyAfter: source.readOnlyAfter,
    ...(source.disk === undefined ? {} : { identity: source.disk.identity, diskseq: source.disk.diskseq }),
  };
  events.info(LogEvent.sourceOpened, facts);
  if (!source.readOnlyBefore && source.readOnlyAfter) events.info(LogEvent.sourceSetReadOnly, { path });
  custody.add('open', { ...facts, host: host.host, store: store.location });
  events.info(LogEvent.acquisitionStarted, { path, size: source.size, accountable: exhibit.accountable });
}

async function recordLeft(run: Run): Promise<void> {
  const { store, exhibit, signal } = run;
  const prefix = imageKey(exhibit.caseId, exhibit.exhibitId, undefined);
  for await (const left of store.unfinished(prefix, signal)) tellLeft(run, 'begin-anew', left, 'the image is begun anew; what an earlier attempt stored stays as it is');
}

/** What earlier attempts stored and this one does not take over is custody: it stays where it is. */
function tellLeft({ events, custody }: Run, action: 'begin-anew' | 'set-aside', { key, uploadId, startedAt, storedParts, storedBytes }: UnfinishedUpload, message: string, reason?: string): void {
  const left = { key, uploadId, startedAt: startedAt.toISOString(), storedParts, storedBytes, ...(reason === undefined ? {} : { reason }) };
  events.warn(LogEvent.warning, { message, ...left });
  custody.add(action, left);
}

async function acquireImage(run: Run, scratch: string): Promise<Acquired> {
  run.reached = 'parts';
  const { exhibit, store, events, options, tool, source, custody, onProgress } = run;
  if (options.resume === 'never') await recordLeft(run);
  const acquired = await acquire(
    source,
    {
      store,
      events,
      keyOf: (index, count) => imageKey(exhibit.caseId, exhibit.exhibitId, count === 1 ? undefined : index),
      metadata: { 'acquisition-id': exhibit.acquisitionId, 'case-id': exhibit.caseId, 'exhibit-id': exhibit.exhibitId },
      options: { ...options, dc3dd: tool.path, scratch },
      onLeft: (left, reason) => tellLeft(run, 'set-aside', left, 'what an earlier attempt stored does not fit, is not taken over, and stays as it is', reason),
      onProgress: (progress) => {
        run.stored = progress.stored;
        onProgress?.('image', progress);
      },
    },
    run.signal,
  );
  const { argv, exitCode, signal, startedAt, endedAt } = acquired.run;
  custody.add('acquire', {
    argv: [...argv], exitCode, signal,
    startedAt: startedAt.toISOString(),
    endedAt: endedAt.toISOString(),
    bytes: acquired.end.bytes,
    sha256: acquired.end.sha256.toString('hex'),
    takenOver: acquired.takenOver,
    retries: acquired.retries,
  });
  return acquired;
}

type Proven = Judgement & { readonly status: Collected['status'] };

function judgeImage({ source, options, store }: Run, acquired: Acquired, bad: Parameters<typeof judge>[0]['bad'], after: Recheck): Proven {
  const { layout, run, end, digests } = acquired;
  const judgement = judge({
    sizeBefore: source.size,
    after,
    diskseqBefore: source.disk?.diskseq,
    readOnlyBefore: source.readOnlyAfter,
    run, end, bad,
    storedIsChecked: options.reread || store.partChecksum.verifiedByStore,
    secondHash: options.secondHash,
    partsExpected: digests.reduce((sum, _, index) => sum + partCount(layout, index), 0),
    partsConfirmed: digests.reduce((sum, parts) => sum + parts.filter(Boolean).length, 0),
  });
  const { status, reasons } = judgement;
  if (status !== 'FAILED') return { ...judgement, status };
  throw new StageError('prove', 'NOT_PROVEN', `the image is not proven: ${reasons.join('; ')}`, {
    retryable: false,
    advice: adviceOn(acquired, source, after, options),
  });
}

/** Where only dc3dd is at fault, or the disk of its log, nobody is sent to the source. */
function adviceOn({ run, end }: Acquired, source: SourceHandle, after: Recheck, { scratchDir }: CollectOptions): string {
  const isWhole = end.bytes === source.size && after.present && after.size === source.size && after.diskseq === source.disk?.diskseq && after.changed === undefined;
  if (isWhole && run.signal !== null) return ENDED_ADVICE;
  if (isWhole && run.report.footer === 'missing') return `dc3dd's log could not be written or read: see that ${escapeHostile(scratchDir)} has room and its disk is sound, then start the same command again: what was stored is taken over.`;
  return 'Look at the source before you image it again.';
}

async function completeObjects(run: Run, { uploads, digests }: Acquired): Promise<StoredObjectInfo[]> {
  const { events, custody, signal } = run;
  const objects: StoredObjectInfo[] = [];
  run.reached = 'completing'; // also what fails may have completed an object
  for (const [index, upload] of uploads.entries()) {
    const object = await upload.complete(digests[index]!, signal);
    const { key, length, versionId, checksum } = object;
    events.info(LogEvent.imageStored, { key, bytes: length, versionId, checksum });
    custody.add('store', { key, length, versionId: versionId ?? null, checksum: checksum ?? null });
    objects.push(object);
    if (upload.wasOutdone) await withdraw([upload], events, signal, [digests[index]!]);
  }
  run.reached = 'image';
  return objects;
}

/**
 * Reads back what was stored: every part that was not read back when it was stored, and the image's SHA-256 over all objects.
 * Parts that have a SHA-256 each prove the whole, which they tile; only where they have less is the whole hashed once more.
 */
async function rereadObjects(run: Run, { layout, digests, end, readBack }: Acquired, objects: readonly StoredObjectInfo[]): Promise<void> {
  const { store, events, custody, onProgress, signal } = run;
  const whole = digests.flat().every((part) => part.sha256) ? undefined : createHash('sha256');
  let read = bytesIn(layout, readBack);
  const onChunk = (chunk: Uint8Array): void => {
    whole?.update(chunk);
    read += chunk.length;
    onProgress?.('reread', { total: layout.imageSize, read, stored: read });
  };
  for (const [objectIndex, { key, versionId }] of objects.entries()) {
    const version = versionId === undefined ? {} : { versionId };
    await compareObject({ store, key, layout, objectIndex, digests: digests[objectIndex]!, except: readBack[objectIndex]!, onChunk, ...version }, signal);
  }
  const sha256 = whole?.digest() ?? end.sha256;
  if (!sha256.equals(end.sha256)) {
    throw new StageError('prove', 'STORED_DIFFERS', `the stored image has SHA-256 ${sha256.toString('hex')}, the source gave ${end.sha256.toString('hex')}`, { retryable: false });
  }
  events.info(LogEvent.imageReread, { bytes: read, sha256: sha256.toString('hex') });
  custody.add('verify', { bytes: read, sha256: sha256.toString('hex'), result: 'identical' });
}

/** Bytes of some parts of an image. */
function bytesIn(layout: ImageLayout, parts: readonly ReadonlySet<number>[]): number {
  let bytes = 0;
  for (const { objectIndex, partNumber, length } of partsOf(layout)) if (parts[objectIndex]!.has(partNumber)) bytes += length;
  return bytes;
}
