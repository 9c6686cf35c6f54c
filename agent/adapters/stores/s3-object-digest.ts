/** What the store must say of a whole object, by the digests of its parts; and whether it does. */
import { createHash } from 'node:crypto';
import { combineCrc32, objectLength, type ImageLayout } from '../../../modules/vocabulary/index.ts';
import { StageError } from '../../errors.ts';
import { crc32Bytes } from '../part-digester.ts';
import type { PartChecksumAlgorithm, PartDigests, StoredObjectInfo } from './evidence-store.ts';
import { ANSWERED_ONLY } from './s3-errors.ts';

/** One object of an image, and what vouches for its parts. */
export type ObjectPlan = { readonly key: string; readonly layout: ImageLayout; readonly objectIndex: number; readonly algorithm: PartChecksumAlgorithm };

/** What S3 prints as the checksum of an object made of parts: a digest of digests, never the image's own. */
const compositeSha256 = (digests: readonly Buffer[]): string => `${createHash('sha256').update(Buffer.concat(digests)).digest('base64')}-${digests.length}`;

/** The ETag of an object made of parts that are not encrypted with a KMS key. */
const compositeEtag = (digests: readonly Buffer[]): string => `"${createHash('md5').update(Buffer.concat(digests)).digest('hex')}-${digests.length}"`;

/** CRC32 of the whole object, from those of its parts. */
export function objectCrc32({ layout, objectIndex }: ObjectPlan, digests: readonly PartDigests[]): string {
  const length = objectLength(layout, objectIndex);
  const whole = digests.reduce((crc, digest, index) => {
    const partLength = Math.min(layout.partSize, length - index * layout.partSize);
    return combineCrc32(crc, digest.crc32!.readUInt32BE(), partLength);
  }, 0);
  return crc32Bytes(whole).toString('base64');
}

const expectedDigest = (plan: ObjectPlan, digests: readonly PartDigests[]): string =>
  ({
    SHA256: () => compositeSha256(digests.map((digest) => digest.sha256!)),
    CRC32: () => objectCrc32(plan, digests),
    MD5: () => compositeEtag(digests.map((digest) => digest.md5!)),
  })[plan.algorithm]();

const digestOf = ({ algorithm }: ObjectPlan, { checksum, etag }: StoredObjectInfo): string | undefined => (algorithm === 'MD5' ? etag : checksum);

/** Whether an object is, by the store's own digest, the one that these parts make. */
export const isObjectOf = (plan: ObjectPlan, object: StoredObjectInfo | undefined, digests: readonly PartDigests[]): boolean =>
  object?.length === objectLength(plan.layout, plan.objectIndex) && digestOf(plan, object) === expectedDigest(plan, digests);

const UNUSABLE = 'Do not use this object; keep it and its log, and image the disk under a new exhibit id.';

const unusable = (code: string, message: string, advice = UNUSABLE): StageError => new StageError('store', code, message, { retryable: false, advice });

/**
 * The object that was completed of these parts, as the store has it.
 * @throws StageError codes OBJECT_MISSING, SHORT_OBJECT, OBJECT_CHECKSUM
 */
export function checkedObject(plan: ObjectPlan, object: StoredObjectInfo | undefined, digests: readonly PartDigests[]): StoredObjectInfo {
  const { key, algorithm } = plan;
  const size = objectLength(plan.layout, plan.objectIndex);
  if (!object) throw unusable('OBJECT_MISSING', `${key} was completed, but the store does not have it`, ANSWERED_ONLY);
  if (object.length !== size) throw unusable('SHORT_OBJECT', `${key} has ${object.length} bytes, the image has ${size}`);
  const [said, expected] = [digestOf(plan, object), expectedDigest(plan, digests)];
  if (said === expected) return object;
  throw unusable('OBJECT_CHECKSUM', `the store says ${algorithm} ${said ?? 'nothing'} of ${key}; expected was ${expected}`);
}
