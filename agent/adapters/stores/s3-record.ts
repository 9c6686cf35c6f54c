import { createHash } from 'node:crypto';
import { StageError } from '../../errors.ts';
import type { StoredObjectInfo } from './evidence-store.ts';
import { ANSWERED_ONLY, undefinedWhenForbidden } from './s3-errors.ts';

/** Whether a store's word for an object in one piece is that of these bytes: its SHA-256 or, where it gives none, the MD5 as ETag. */
const isOf = (body: Uint8Array, checksum: string | undefined, etag: string | undefined): boolean =>
  checksum === undefined ? etag === `"${createHash('md5').update(body).digest('hex')}"` : checksum === createHash('sha256').update(body).digest('base64');

/** Whether an object that stands under a record's key is this record, by the store's own digest. */
export const isRecord = (found: StoredObjectInfo, body: Uint8Array): boolean => found.length === body.length && isOf(body, found.checksum, found.etag);

const OTHER_THERE = 'Keep what stands under that key, and verify the evidence (collector verify); then image the disk under another --volume or --case.';

const unconfirmed = (key: string, what: string, advice: string, cause?: unknown): StageError =>
  new StageError('store', 'RECORD_UNCONFIRMED', `the store answered that ${key} is stored, but ${what}`, { retryable: false, cause, advice });

/**
 * Judges the answer to a PutObject of a record: silence is no confirmation. A SHA-256 in the answer decides, and an MD5 of
 * these bytes as its ETag; otherwise the store is asked what it has (an ETag need not be an MD5).
 * @param head asks for the object; undefined when there is none
 * @throws StageError code RECORD_UNCONFIRMED
 */
export async function confirmRecord(
  key: string,
  body: Uint8Array,
  answer: { readonly ChecksumSHA256?: string | undefined; readonly ETag?: string | undefined },
  head: () => Promise<StoredObjectInfo | undefined>,
): Promise<void> {
  if (isOf(body, answer.ChecksumSHA256, answer.ETag)) return;
  if (answer.ChecksumSHA256 !== undefined) throw unconfirmed(key, `says SHA-256 ${answer.ChecksumSHA256} of it, which is another's`, OTHER_THERE);
  let found: StoredObjectInfo | undefined;
  try {
    found = await head();
  } catch (error) {
    undefinedWhenForbidden(error);
    throw unconfirmed(key, 'confirmed no digest of it, and refuses to let it be looked at', ANSWERED_ONLY, error);
  }
  if (!found) throw unconfirmed(key, 'does not have it', ANSWERED_ONLY);
  if (isRecord(found, body)) return;
  const { length, checksum, etag } = found;
  const digest = checksum === undefined ? `ETag ${etag ?? 'unknown'}` : `checksum ${checksum}`;
  throw unconfirmed(key, `has ${length} bytes with ${digest} there, which are not the ${body.length} that were sent`, OTHER_THERE);
}
