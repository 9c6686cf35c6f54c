import { createHash } from 'node:crypto';
import { type CustodyCheck, type CustodyEvent, type Manifest, type StoredLog, captureLogOf, checkCustody, checkManifest, manifestRules, parseExhibitKey, recordKey } from '../../modules/vocabulary/index.ts';
import type { EvidenceStore } from '../adapters/stores/evidence-store.ts';
import { messageOf } from '../errors.ts';
import { readSteadily } from '../adapters/stores/read-steadily.ts';
import { type VerifyProblem, inert, putOver, unreadBy } from './verify-report.ts';

/** Largest manifest or custody log that is read: one of 10,000 parts has about 2 MB. */
export const MAX_RECORD = 64 * 1024 * 1024;

/** Problems of one record that are listed; a hostile one could have millions. */
const MAX_LISTED = 50;

const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');

type What = VerifyProblem['what'];

const problemsOf = (what: What, messages: readonly string[]): VerifyProblem[] => [
  ...messages.slice(0, MAX_LISTED).map((message) => ({ what, message: inert(message) })),
  ...(messages.length > MAX_LISTED ? [{ what, message: `${messages.length - MAX_LISTED} more problems of it are not listed` }] : []),
];

/** Runs one check; whatever it throws but an abort becomes a problem of what was checked. */
async function checking(what: What, signal: AbortSignal, check: () => Promise<readonly string[]>): Promise<VerifyProblem[]> {
  try {
    return problemsOf(what, await check());
  } catch (error) {
    signal.throwIfAborted();
    return problemsOf(what, [`cannot be checked: ${messageOf(error)}`]).map((problem) => ({ ...problem, ...unreadBy(error) }));
  }
}

export type ManifestResult = { readonly manifest?: Manifest; readonly trusted: boolean; readonly problems: readonly VerifyProblem[] };

/** Reads an exhibit's manifest, recomputes its digest, and applies its own rules. `trusted` when its digest is right. */
export async function verifyManifest(store: EvidenceStore, caseId: string, exhibitId: string, signal: AbortSignal): Promise<ManifestResult> {
  let manifest: Manifest | undefined;
  let trusted = false;
  const problems = await checking('manifest', signal, async () => {
    const record = await readRecord(store, { key: recordKey(caseId, exhibitId, 'manifest.json') }, signal);
    if (typeof record === 'string') return [record];
    const { bytes } = record;
    // Strict: neither a wrong byte nor a byte-order mark may be lost before the digest is recomputed.
    const checked = checkManifest(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes), sha256);
    if (!checked.manifest) return checked.problems;
    const { caseId: namedCase, exhibitId: namedExhibit } = checked.manifest;
    if (namedCase !== caseId || namedExhibit !== exhibitId) {
      return [...checked.problems, `it is of case ${namedCase}, exhibit ${namedExhibit}, and is stored as that of ${caseId}, ${exhibitId}`];
    }
    manifest = checked.manifest;
    trusted = checked.problems.length === 0;
    return [...checked.problems, ...manifestRules(manifest)];
  });
  return { ...(manifest && { manifest }), trusted, problems };
}

/** The name of a log: its own, or that of a further attempt. The manifest chooses between the two and can name no other. */
function logKey({ caseId, exhibitId, acquisitionId }: Manifest, record: 'capture.log' | 'custody.jsonl', recorded: { readonly key: string }): string {
  const further = recordKey(caseId, exhibitId, record, acquisitionId);
  return recorded.key === further ? further : recordKey(caseId, exhibitId, record);
}

/** The names of the manifest's own logs. */
export const ownLogs = (manifest: Manifest): { readonly custody: string; readonly capture: string } => ({
  custody: logKey(manifest, 'custody.jsonl', manifest.records.custodyLog),
  capture: logKey(manifest, 'capture.log', manifest.records.captureLog),
});

/** Not strict: a byte that is no UTF-8 changes its line's hash, which names the line. */
const chainIn = (bytes: Uint8Array): CustodyCheck => checkCustody(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes), sha256);

/** Compares the custody log with the manifest, recomputes its chain, and sees that both conclude the same. */
export const verifyCustody = (store: EvidenceStore, manifest: Manifest, signal: AbortSignal): Promise<VerifyProblem[]> =>
  checking('custody', signal, async () => {
    const { caseId, exhibitId, records } = manifest;
    const record = await readRecord(store, { ...records.custodyLog, key: ownLogs(manifest).custody }, signal);
    if (typeof record === 'string') return [record];
    const { bytes, over } = record;
    const { events, problems } = chainIn(bytes);
    return [...over, ...differences(records.custodyLog, bytes.length, sha256(bytes)), ...problems, ...strangersIn(events, caseId, exhibitId), ...conclusionOf(events, manifest)];
  });

const strangersIn = (events: readonly CustodyEvent[], caseId: string, exhibitId: string): string[] =>
  events.flatMap((event, index) => (event.caseId === caseId && event.exhibitId === exhibitId ? [] : [`event ${index} is of case ${event.caseId}, exhibit ${event.exhibitId}`]));

const nameOf = (key: string): string => key.slice(key.lastIndexOf('/') + 1);

/** What a custody log says of its attempt's capture log; `mayLack` where the attempt may have ended before that was stored. */
export type NamedLog = Pick<StoredLog, 'key' | 'length' | 'sha256'> & { readonly mayLack: boolean };

/** A hostile custody log names a million logs, and says megabytes of each: what none can have stored, and what is not compared, is not kept. */
function logsNamedIn(events: readonly CustodyEvent[], own: readonly string[]): NamedLog[] {
  const named: NamedLog[] = [];
  for (const event of events) {
    const log = captureLogOf(event);
    if (log && own.includes(log.key) && named.length < MAX_LISTED) named.push({ key: log.key, length: log.length, sha256: log.sha256, mayLack: event.action !== 'conclude' });
  }
  return named;
}

/**
 * Recomputes the chain of a custody log that another attempt left. No manifest has its digest: what vouches for it is the chain
 * alone, and for its end that an attempt's last event is how it ended.
 */
export async function verifyOtherCustody(store: EvidenceStore, key: string, { caseId, exhibitId }: Pick<Manifest, 'caseId' | 'exhibitId'>, signal: AbortSignal): Promise<{ readonly problems: readonly VerifyProblem[]; readonly named: readonly NamedLog[] }> {
  let named: readonly NamedLog[] = [];
  const problems = await checking('custody', signal, async () => {
    const record = await readRecord(store, { key }, signal);
    if (typeof record === 'string') return [record];
    const { events, problems: broken } = chainIn(record.bytes);
    const { action, acquisitionId: last } = events.at(-1) ?? {};
    const acquisitionId = parseExhibitKey(key)?.acquisitionId ?? last;
    named = logsNamedIn(events, [undefined, acquisitionId].map((attempt) => recordKey(caseId, exhibitId, 'capture.log', attempt)));
    const mixed = events.flatMap((event, index) => (event.acquisitionId === acquisitionId ? [] : [`event ${index} is of acquisition ${event.acquisitionId}`]));
    const end = action === 'fail' || action === 'conclude' ? [] : ['its last event is not how the attempt ended'];
    return [...broken, ...strangersIn(events, caseId, exhibitId), ...mixed, ...end].map((problem) => `${nameOf(key)}: ${problem}`);
  });
  return { problems, named };
}

/** Compares the capture log of another attempt with all that custody logs say of it; `lacks` where it is not there, and need not be. */
export async function verifyOtherCapture(store: EvidenceStore, key: string, named: readonly NamedLog[], signal: AbortSignal): Promise<{ readonly problems: readonly VerifyProblem[]; readonly lacks: boolean }> {
  let lacks = false;
  const problems = await checking('capture-log', signal, async () => {
    const found = await hashLog(store, { key }, signal);
    lacks = !found && named.every(({ mayLack }) => mayLack);
    const wrong = found ? named.flatMap((log) => differences(log, found.length, found.sha256, 'a custody log')) : lacks ? [] : ['is not there'];
    return wrong.map((problem) => `${nameOf(key)}: ${problem}`);
  });
  return { problems, lacks };
}

/** The last event is the conclusion of the manifest's own acquisition, and concludes what the manifest says. */
function conclusionOf(events: readonly CustodyEvent[], { acquisitionId, status, integrity, records }: Manifest): string[] {
  const last = events.at(-1);
  if (last?.action !== 'conclude' || last.acquisitionId !== acquisitionId) return [`its last event is not how the manifest's acquisition ${acquisitionId} was concluded`];
  const facts = [['status', status], ['sha256', integrity.sha256]] as const;
  const { captureLog = records.captureLog } = last.detail; // older ones do not name it
  const log = Object(captureLog) as Readonly<Record<string, unknown>>;
  return [
    ...facts.flatMap(([name, said]) => (last.detail[name] === said ? [] : [`it concludes with the ${name} ${JSON.stringify(last.detail[name])}, the manifest says ${said}`])),
    ...(['key', 'length', 'sha256'] as const).flatMap((name) =>
      log[name] === records.captureLog[name] ? [] : [`it concludes with a capture log whose ${name} is ${JSON.stringify(log[name])}, the manifest says ${records.captureLog[name]}`],
    ),
  ];
}

/** Compares the capture log with the manifest. */
export const verifyCaptureLog = (store: EvidenceStore, manifest: Manifest, signal: AbortSignal): Promise<VerifyProblem[]> =>
  checking('capture-log', signal, async () => {
    const { records: { captureLog } } = manifest;
    const { capture: key } = ownLogs(manifest);
    const found = await hashLog(store, { ...captureLog, key }, signal);
    return found ? [...found.over, ...differences(captureLog, found.length, found.sha256)] : [`${key} is not there`];
  });

type HashedLog = { readonly length: number; readonly sha256: string; readonly over: readonly string[] };

/** A log may be of any length, so it is hashed as it comes; undefined when it is missing. */
async function hashLog(store: EvidenceStore, recorded: Recorded, signal: AbortSignal): Promise<HashedLog | undefined> {
  const { key, versionId } = recorded;
  const found = await lookFor(store, recorded, signal);
  if (!found) return undefined;
  const hash = createHash('sha256');
  let length = 0;
  for await (const chunk of readSteadily(store, key, found.end, signal, versionId)) {
    hash.update(chunk);
    length += chunk.length;
  }
  return { length, sha256: hash.digest('hex'), over: found.over };
}

function differences(recorded: Pick<StoredLog, 'length' | 'sha256'>, length: number, digest: string, by = 'the manifest'): string[] {
  const problems = recorded.length === length ? [] : [`has ${length} bytes, ${by} says ${recorded.length}`];
  return recorded.sha256 === digest ? problems : [...problems, `its SHA-256 is ${digest}, ${by} says ${recorded.sha256}`];
}

/** What is looked for: of the manifest itself nothing but its key is known. */
type Recorded = { readonly key: string; readonly length?: number; readonly versionId?: string | undefined };

/**
 * Looks for a record; undefined when it is missing. What is read then is the version that the manifest names: `end` is where,
 * and `over` says that something else was put over it, which is what anybody else would read.
 */
async function lookFor(store: EvidenceStore, { key, length = 0, versionId }: Recorded, signal: AbortSignal): Promise<{ end: number; over: string[] } | undefined> {
  const found = await store.head(key, signal);
  if (!found) return undefined;
  const forged = putOver(key, found.versionId, versionId);
  return forged === undefined ? { end: found.length, over: [] } : { end: length + 1, over: [forged] }; // one more: it may be longer than recorded
}

/** A record's bytes; a sentence when it is missing or too large. */
async function readRecord(store: EvidenceStore, recorded: Recorded, signal: AbortSignal): Promise<{ bytes: Buffer; over: string[] } | string> {
  const { key, versionId } = recorded;
  const found = await lookFor(store, recorded, signal);
  if (!found) return `${key} is not there`;
  const { end, over } = found;
  if (end > MAX_RECORD) return `${key} has ${end} bytes; one of over ${MAX_RECORD} is not read`;
  const chunks: Uint8Array[] = [];
  for await (const chunk of readSteadily(store, key, end, signal, versionId)) chunks.push(chunk);
  return { bytes: Buffer.concat(chunks), over };
}
