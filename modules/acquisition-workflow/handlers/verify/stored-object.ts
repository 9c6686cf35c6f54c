import { GetObjectCommand, HeadObjectCommand, type HeadObjectCommandOutput, type S3Client } from '@aws-sdk/client-s3';
import { nameOf } from '../errors.ts';

/** An object as the store itself describes it; nothing here is the collector's word. */
export type StoredObject = {
  readonly key: string;
  readonly length: number;
  readonly versionId?: string;
  /** Base64, as the store prints it; a composite one ends in `-<parts>`. */
  readonly sha256?: string;
  readonly crc32?: string;
  readonly lock?: { readonly mode: string; readonly until: Date };
};

const MISSING = new Set(['NotFound', 'NoSuchKey', 'NoSuchVersion', 'MethodNotAllowed']);

/** Asks the store about a version of an object, or about its latest; undefined where it is not there or was deleted. */
export async function headObject(client: S3Client, bucket: string, key: string, versionId?: string): Promise<StoredObject | undefined> {
  let found: HeadObjectCommandOutput;
  try {
    found = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key, VersionId: versionId, ChecksumMode: 'ENABLED' }));
  } catch (error) {
    if (MISSING.has(nameOf(error))) return undefined;
    throw error; // not to be able to look is no verdict
  }
  const { ContentLength = 0, VersionId, ChecksumSHA256, ChecksumCRC32, ObjectLockMode, ObjectLockRetainUntilDate } = found;
  return {
    key,
    length: ContentLength,
    ...(VersionId !== undefined && { versionId: VersionId }),
    ...(ChecksumSHA256 !== undefined && { sha256: ChecksumSHA256 }),
    ...(ChecksumCRC32 !== undefined && { crc32: ChecksumCRC32 }),
    ...(ObjectLockMode !== undefined && ObjectLockRetainUntilDate !== undefined && { lock: { mode: ObjectLockMode, until: ObjectLockRetainUntilDate } }),
  };
}

/** The bytes of one version of an object, as they come. */
export async function* readObject(client: S3Client, bucket: string, key: string, versionId?: string): AsyncGenerator<Uint8Array> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key, VersionId: versionId }));
  if (Body) yield* Body as AsyncIterable<Uint8Array>;
}
