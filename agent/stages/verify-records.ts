import { createHash } from 'node:crypto';
import { type Manifest, checkCustody, checkManifest, manifestRules, recordKey } from '../../modules/vocabulary/index.ts';
import type { EvidenceStore } from '../adapters/stores/evidence-store.ts';
import { messageOf } from '../errors.ts';
import { readSteadily } from '../adapters/stores/read-steadily.ts';
import { type VerifyProblem, inert, unreadBy } from './verify-report.ts';

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
    const bytes = await readRecord(store, recordKey(caseId, exhibitId, 'manifest.json'), undefined, signal);
    if (typeof bytes === 'string') return [bytes];
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

/** Compares the custody log with the manifest and recomputes its chain. */
export const verifyCustody = (store: EvidenceStore, manifest: Manifest, signal: AbortSignal): Promise<VerifyProblem[]> =>
  checking('custody', signal, async () => {
    const { caseId, exhibitId, acquisitionId, records } = manifest;
    const bytes = await readRecord(store, logKey(manifest, 'custody.jsonl', records.custodyLog), records.custodyLog.versionId, signal);
    if (typeof bytes === 'string') return [bytes];
    // Not strict: a byte that is no UTF-8 changes its line's hash, which names the line.
    const { events, problems } = checkCustody(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes), sha256);
    const strangers = events.flatMap((event, index) =>
      event.caseId === caseId && event.exhibitId === exhibitId ? [] : [`event ${index} is of case ${event.caseId}, exhibit ${event.exhibitId}`],
    );
    const unnamed = events.some((event) => event.acquisitionId === acquisitionId) ? [] : [`no event is of the manifest's acquisition ${acquisitionId}`];
    return [...differences(records.custodyLog, bytes.length, sha256(bytes)), ...problems, ...strangers, ...unnamed];
  });

/** Compares the capture log with the manifest; it may be of any length, so it is hashed as it comes. */
export const verifyCaptureLog = (store: EvidenceStore, manifest: Manifest, signal: AbortSignal): Promise<VerifyProblem[]> =>
  checking('capture-log', signal, async () => {
    const { records: { captureLog } } = manifest;
    const key = logKey(manifest, 'capture.log', captureLog);
    const found = await store.head(key, signal);
    if (!found) return [`${key} is not there`];
    const hash = createHash('sha256');
    let length = 0;
    for await (const chunk of readSteadily(store, key, found.length, signal, captureLog.versionId)) {
      hash.update(chunk);
      length += chunk.length;
    }
    return differences(captureLog, length, hash.digest('hex'));
  });

function differences(recorded: { readonly length: number; readonly sha256: string }, length: number, digest: string): string[] {
  const problems = recorded.length === length ? [] : [`has ${length} bytes, the manifest says ${recorded.length}`];
  return recorded.sha256 === digest ? problems : [...problems, `its SHA-256 is ${digest}, the manifest says ${recorded.sha256}`];
}

/** A record's bytes; a sentence when it is missing or too large. */
async function readRecord(store: EvidenceStore, key: string, versionId: string | undefined, signal: AbortSignal): Promise<Buffer | string> {
  const found = await store.head(key, signal);
  if (!found) return `${key} is not there`;
  if (found.length > MAX_RECORD) return `${key} has ${found.length} bytes; one of over ${MAX_RECORD} is not read`;
  const chunks: Uint8Array[] = [];
  for await (const chunk of readSteadily(store, key, found.length, signal, versionId)) chunks.push(chunk);
  return Buffer.concat(chunks);
}
