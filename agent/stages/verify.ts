import { type Manifest, type ParsedExhibitKey, diskEvidencePrefix, imageKey, parseExhibitKey, recordKey } from '../../modules/vocabulary/index.ts';
import type { EvidenceStore } from '../adapters/stores/evidence-store.ts';
import { verifyImage } from './verify-image.ts';
import { ownLogs, verifyCaptureLog, verifyCustody, verifyManifest, verifyOtherCapture, verifyOtherCustody, type NamedLog } from './verify-records.ts';
import { type ExhibitReport, type VerifyProblem, type VerifyReport, inert } from './verify-report.ts';

export type VerifyProgress = {
  readonly caseId: string;
  readonly exhibitId: string;
  /** Bytes of the image read so far, of `total`. */
  readonly bytes: number;
  readonly total: number;
};

export type VerifyOptions = {
  /** Only this case. @default all */
  readonly caseId?: string;
  /** Only this exhibit. @default all */
  readonly exhibitId?: string;
  /** Called for every chunk, at least once a MiB. */
  readonly onProgress?: (progress: VerifyProgress) => void;
};

type Found = { readonly caseId: string; readonly exhibitId: string; readonly keys: string[]; hasManifest: boolean };

/**
 * Reads what is stored, recomputes everything, and compares it with the manifests. Trusts nothing that is stored: keys
 * come from the listing, never from a manifest. Memory is bounded, whatever the image's size.
 * @throws what the store throws when it cannot be listed, and the signal's reason; all else is in the report
 */
export async function verifyEvidence(store: EvidenceStore, options: VerifyOptions, signal: AbortSignal): Promise<VerifyReport> {
  const found = await inventory(store, options, signal);
  const exhibits: ExhibitReport[] = [];
  for (const exhibit of found) exhibits.push(await verifyExhibit(store, exhibit, options, signal));
  const { caseId, exhibitId } = options;
  const asked = [caseId === undefined ? '' : ` of case ${caseId}`, exhibitId === undefined ? '' : `, exhibit ${exhibitId}`].join('');
  const problems = exhibits.length === 0 ? [inert(`${store.location} holds no disk evidence${asked}; check the place, the case and the exhibit`)] : [];
  return { location: store.location, ok: problems.length === 0 && exhibits.every(({ ok }) => ok), exhibits, problems };
}

async function inventory(store: EvidenceStore, { caseId, exhibitId }: VerifyOptions, signal: AbortSignal): Promise<Found[]> {
  const exhibits = new Map<string, Found>();
  for await (const key of store.list(caseId === undefined ? '' : diskEvidencePrefix(caseId), signal)) {
    const parsed: ParsedExhibitKey | undefined = parseExhibitKey(key);
    if (!parsed || (exhibitId !== undefined && parsed.exhibitId !== exhibitId)) continue;
    const name = `${parsed.caseId}/${parsed.exhibitId}`;
    const exhibit = exhibits.get(name) ?? { caseId: parsed.caseId, exhibitId: parsed.exhibitId, keys: [], hasManifest: false };
    exhibits.set(name, exhibit);
    exhibit.keys.push(key);
    exhibit.hasManifest ||= parsed.kind === 'manifest.json';
  }
  return [...exhibits.values()];
}

async function verifyExhibit(store: EvidenceStore, exhibit: Found, { onProgress }: VerifyOptions, signal: AbortSignal): Promise<ExhibitReport> {
  const { caseId, exhibitId, keys, hasManifest } = exhibit;
  const started = performance.now();
  const report = (bytes: number, problems: readonly VerifyProblem[], more: Partial<ExhibitReport> = {}): ExhibitReport => ({
    caseId,
    exhibitId,
    ok: problems.length === 0,
    bytes,
    seconds: Math.round(performance.now() - started) / 1000,
    problems,
    ...more,
  });
  if (!hasManifest) {
    const names = keys.map((key) => key.slice(key.lastIndexOf('/') + 1)).join(', ');
    return report(0, [{ what: 'manifest', message: inert(`there is none, so this is not evidence: ${names}`) }]);
  }
  const { manifest, trusted, problems: ofManifest } = await verifyManifest(store, caseId, exhibitId, signal);
  if (!manifest) return report(0, ofManifest);

  const { size: total } = manifest.source;
  const others = await verifyOthers(store, exhibit, manifest, signal);
  const told = { ...(others.unvouched.length > 0 && { unvouched: others.unvouched }), ...(others.lacking.length > 0 && { lacking: others.lacking }) };
  const problems = [
    ...ofManifest,
    ...(await verifyCustody(store, manifest, signal)),
    ...others.custody,
    ...(await verifyCaptureLog(store, manifest, signal)),
    ...others.capture,
    ...unnamedPieces(exhibit, manifest.storage.objects.length),
  ];
  // A key that is not this exhibit's is a problem already; what it names is somebody else's and is not read.
  const expected = new Set(manifest.storage.objects.map((_, index, { length }) => imageKey(caseId, exhibitId, length > 1 ? index : undefined)));
  if (!manifest.storage.objects.every(({ key }) => expected.has(key))) return report(0, problems, told);
  const image = await verifyImage(store, manifest, (bytes) => onProgress?.({ caseId, exhibitId, bytes, total }), signal);
  return report(image.bytes, [...problems, ...image.problems], {
    ...told,
    ...(trusted && { status: manifest.status }),
    ...(image.sha256 !== undefined && { sha256: image.sha256 }),
  });
}

/**
 * Logs that other attempts left beside those of the manifest: chains are recomputed, and a capture log is compared with what a
 * custody log says of it. One after the other, as an exhibit may have the logs of thousands of attempts.
 * @returns `unvouched` and `lacking` as in the report
 */
async function verifyOthers(store: EvidenceStore, { keys }: Found, manifest: Manifest, signal: AbortSignal): Promise<Record<'custody' | 'capture', VerifyProblem[]> & Record<'unvouched' | 'lacking', string[]>> {
  const own = ownLogs(manifest);
  const others = (kind: ParsedExhibitKey['kind'], besides: string): string[] => keys.filter((key) => key !== besides && parseExhibitKey(key)?.kind === kind);
  const custody: VerifyProblem[] = [];
  const named: NamedLog[] = [];
  for (const key of others('custody.jsonl', own.custody)) {
    const found = await verifyOtherCustody(store, key, manifest, signal);
    custody.push(...found.problems);
    named.push(...found.named);
  }
  const capture: VerifyProblem[] = [];
  const lacking: string[] = [];
  const byKey = Map.groupBy(named, ({ key }) => key);
  for (const [key, logs] of byKey) {
    const found = await verifyOtherCapture(store, key, logs, signal);
    capture.push(...found.problems);
    if (found.lacks) lacking.push(key);
  }
  return { custody, capture, lacking, unvouched: others('capture.log', own.capture).filter((key) => !byKey.has(key)) };
}

/** Image objects of the exhibit that its manifest does not name. */
function unnamedPieces({ caseId, exhibitId, keys }: Found, count: number): VerifyProblem[] {
  const records = (['capture.log', 'custody.jsonl', 'manifest.json'] as const).map((record) => recordKey(caseId, exhibitId, record));
  const pieces = Array.from({ length: count }, (_, index) => imageKey(caseId, exhibitId, count > 1 ? index : undefined));
  const named = new Set([...records, ...pieces]);
  const isFurtherLog = (key: string): boolean => parseExhibitKey(key)?.acquisitionId !== undefined; // of an attempt that ended early
  return keys.filter((key) => !named.has(key) && !isFurtherLog(key)).map((key) => ({ what: 'image', message: inert(`${key} is there, and the manifest does not name it`) }));
}
