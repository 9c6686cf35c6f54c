import type { S3Client } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { AcquisitionInput, checkManifest, type Manifest, manifestRules, type Place, recordKey, SnapshotId, tilingRules, VolumeId } from '../../../vocabulary/index.ts';
import type { VerifyEvidenceInput, VerifyEvidenceOutput } from '../contract.ts';
import { safe, sha256 } from '../texts.ts';
import { toldCalls } from '../told-calls.ts';
import { imageObjectProblems } from './image-checks.ts';
import { checkCaptureLog, checkCustodyLog, MAX_RECORD_BYTES } from './record-checks.ts';
import { headObject, readObject, type StoredObject } from './stored-object.ts';

export type VerifyDependencies = { readonly s3: S3Client; readonly now: () => Date; readonly place: Pick<Place, 'account' | 'region'> };

type Verdict = Omit<Extract<VerifyEvidenceOutput, { status: 'FAILED' }>, 'calls'> | Omit<Exclude<VerifyEvidenceOutput, { status: 'FAILED' }>, 'calls'>;

const Input = z.strictObject({ input: AcquisitionInput, volumeId: VolumeId, bucket: z.string(), sizeBytes: z.int().min(1) });

/** Problems that are listed: a hostile record could have millions. */
const MAX_LISTED = 50;

const failed = (problems: readonly string[]): Verdict => ({
  status: 'FAILED',
  problems: [...problems.slice(0, MAX_LISTED), ...(problems.length > MAX_LISTED ? [`${problems.length - MAX_LISTED} more problems are not listed`] : [])].map((problem) => safe(problem, 1000)),
});

/**
 * Says whether what is stored for a volume is evidence. It runs in the workflow's account under the workflow's role and
 * believes nothing that it can ask the store: the collector could have been taken over by what it read.
 * @throws the store's error where it does not answer: that is no verdict
 */
export const verifyEvidence = ({ s3: client, now, place }: VerifyDependencies) => async (event: VerifyEvidenceInput): Promise<VerifyEvidenceOutput> => {
  const { s3, calls } = toldCalls(client, place, 'verify-evidence', now);
  return { ...(await verdictOn(s3, event, now)), calls };
};

async function verdictOn(s3: S3Client, event: VerifyEvidenceInput, now: () => Date): Promise<Verdict> {
  const { input: { caseId }, volumeId, bucket, sizeBytes } = Input.parse(event);
  const key = recordKey(caseId, volumeId, 'manifest.json');
  const found = await headObject(s3, bucket, key);
  if (!found) return failed([`${key} is not there: without a manifest there is no evidence`]);
  if (found.length > MAX_RECORD_BYTES) return failed([`${key} has ${found.length} bytes; one of over ${MAX_RECORD_BYTES} is not read`]);
  const bytes = Buffer.concat(await Array.fromAsync(readObject(s3, bucket, key, found.versionId)));
  const { manifest, problems } = parseManifest(bytes);
  if (!manifest || problems.length > 0) return failed(problems.map((problem) => `${key}: ${problem}`));

  const wrong = [...claimProblems(manifest, { caseId, volumeId, bucket, sizeBytes }), ...manifestRules(manifest)];
  // Keys and parts are safe to follow only where the manifest's own rules hold.
  if (wrong.length > 0 || tilingRules(manifest).length > 0) return failed(wrong);

  const image = await checkImage(s3, bucket, manifest);
  const [capture, custody] = [await checkCaptureLog(s3, bucket, manifest), await checkCustodyLog(s3, bucket, manifest)];
  const stored = [found, ...image.stored, ...[capture.stored, custody.stored].filter((object) => object !== undefined)];
  const all = [...image.problems, ...capture.problems, ...custody.problems, ...stored.flatMap((object) => lockProblems(object, now()))];
  if (all.length > 0) return failed(all);
  const snapshots = (manifest.source.snapshotChain ?? []).filter((id) => SnapshotId.safeParse(id).success).slice(0, 100);
  return {
    status: manifest.status,
    problems: [],
    manifest: {
      key,
      ...(found.versionId !== undefined && { versionId: found.versionId }),
      sha256: sha256(bytes),
      imageSha256: manifest.integrity.sha256,
      status: manifest.status,
      ...(snapshots.length > 0 && { snapshots }),
    },
    imageLocation: `s3://${bucket}/${manifest.storage.objects[0]!.key}`,
  };
}

function parseManifest(bytes: Buffer): ReturnType<typeof checkManifest> {
  let text: string;
  try {
    // Strict: neither a wrong byte nor a byte-order mark may be lost before the digest is recomputed.
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return { problems: ['not UTF-8'] };
  }
  return checkManifest(text, sha256);
}

type Expected = { readonly caseId: string; readonly volumeId: string; readonly bucket: string; readonly sizeBytes: number };

/** What the manifest says of itself against what the workflow knows. */
function claimProblems({ caseId, exhibitId, source, storage }: Manifest, expected: Expected): string[] {
  const problems: string[] = [];
  if (caseId !== expected.caseId || exhibitId !== expected.volumeId) {
    problems.push(`the manifest is of case ${caseId}, exhibit ${exhibitId}, and is stored as that of ${expected.caseId}, ${expected.volumeId}`);
  }
  if (source.kind !== 'block-device') problems.push(`the source is said to be ${source.kind}; the workflow attached a volume`);
  if (source.size !== expected.sizeBytes) problems.push(`the source is said to have ${source.size} bytes; EC2 says that the volume has ${expected.sizeBytes}`);
  const location = `s3://${expected.bucket}`;
  if (storage.kind !== 's3' || ![location, `${location}/`].includes(storage.location)) problems.push(`it is said to be stored in ${storage.location}, expected ${location}`);
  return problems;
}

async function checkImage(s3: S3Client, bucket: string, manifest: Manifest): Promise<{ stored: StoredObject[]; problems: string[] }> {
  const stored: StoredObject[] = [];
  const problems: string[] = [];
  for (const [index, { key, versionId }] of manifest.storage.objects.entries()) {
    const latest = await headObject(s3, bucket, key);
    const named = versionId === undefined || versionId === latest?.versionId ? latest : await headObject(s3, bucket, key, versionId);
    if (named) stored.push(named);
    problems.push(...imageObjectProblems(manifest, index, named, latest));
  }
  return { stored, problems };
}

function lockProblems({ key, lock }: StoredObject, now: Date): string[] {
  if (!lock) return [`${key} is not locked: it could be deleted`];
  return lock.until > now ? [] : [`the lock of ${key} ended at ${lock.until.toISOString()}`];
}
