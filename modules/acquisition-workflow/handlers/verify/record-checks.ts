import { createHash } from 'node:crypto';
import type { S3Client } from '@aws-sdk/client-s3';
import { checkCustody, type Manifest } from '../../../vocabulary/index.ts';
import { sha256 } from '../texts.ts';
import { headObject, readObject, type StoredObject } from './stored-object.ts';

/** Largest manifest or custody log that is read into memory: a manifest of 10,000 parts has about 2 MB. */
export const MAX_RECORD_BYTES = 64 * 1024 * 1024;

type Recorded = Manifest['records']['captureLog'];
export type RecordCheck = { readonly stored?: StoredObject; readonly problems: readonly string[] };

/** Compares a log with the manifest: version, length, SHA-256. The bytes go through `see` as they come. */
async function checkRecord(client: S3Client, bucket: string, what: string, recorded: Recorded, see: (chunk: Uint8Array) => void): Promise<RecordCheck> {
  if (recorded.versionId === undefined) return { problems: [`the ${what}: the manifest names no version of it`] };
  const stored = await headObject(client, bucket, recorded.key, recorded.versionId);
  if (!stored) return { problems: [`the ${what}: version ${recorded.versionId} of ${recorded.key} is not there`] };
  if (stored.length !== recorded.length) return { stored, problems: [`the ${what} has ${stored.length} bytes, the manifest says ${recorded.length}`] };
  const hash = createHash('sha256');
  for await (const chunk of readObject(client, bucket, recorded.key, recorded.versionId)) {
    hash.update(chunk);
    see(chunk);
  }
  const digest = hash.digest('hex');
  return { stored, problems: digest === recorded.sha256 ? [] : [`the ${what}'s SHA-256 is ${digest}, the manifest says ${recorded.sha256}`] };
}

export const checkCaptureLog = (client: S3Client, bucket: string, { records }: Manifest): Promise<RecordCheck> =>
  checkRecord(client, bucket, 'capture log', records.captureLog, () => undefined);

/** Compares the custody log with the manifest, recomputes its chain, and asks that its events be of this acquisition. */
export async function checkCustodyLog(client: S3Client, bucket: string, manifest: Manifest): Promise<RecordCheck> {
  const { caseId, exhibitId, acquisitionId, records: { custodyLog } } = manifest;
  if (custodyLog.length > MAX_RECORD_BYTES) return { problems: [`the custody log has ${custodyLog.length} bytes; one of over ${MAX_RECORD_BYTES} is not read`] };
  const chunks: Uint8Array[] = [];
  const { stored, problems } = await checkRecord(client, bucket, 'custody log', custodyLog, (chunk) => void chunks.push(chunk));
  if (problems.length > 0) return { ...(stored && { stored }), problems };
  const chain = checkCustody(Buffer.concat(chunks).toString('utf8'), sha256);
  const strangers = chain.events.flatMap((event, index) =>
    event.caseId === caseId && event.exhibitId === exhibitId ? [] : [`the custody log: event ${index} is of case ${event.caseId}, exhibit ${event.exhibitId}`],
  );
  const unnamed = chain.events.some((event) => event.acquisitionId === acquisitionId) ? [] : [`the custody log: no event is of the manifest's acquisition ${acquisitionId}`];
  return { ...(stored && { stored }), problems: [...chain.problems.map((problem) => `the custody log: ${problem}`), ...strangers, ...unnamed] };
}
