import {
  ListMultipartUploadsCommand, ListPartsCommand,
  type ListMultipartUploadsCommandOutput, type ListPartsCommandOutput, type Part, type S3Client,
} from '@aws-sdk/client-s3';
import type { StoredPart, UnfinishedUpload } from './evidence-store.ts';
import { nameOf, storeError } from './s3-errors.ts';

export type ListedUpload = {
  readonly key: string;
  readonly uploadId: string;
  readonly startedAt: Date;
  /** Such as `SHA256`; stores without additional checksums say nothing. */
  readonly checksumAlgorithm?: string;
};

/** Unfinished multipart uploads whose full key begins with `prefix`, page by page: the SDK has no paginator for them. */
export async function* uploadsUnder(client: S3Client, bucket: string, prefix: string, signal: AbortSignal): AsyncGenerator<ListedUpload> {
  let page: ListMultipartUploadsCommandOutput | undefined;
  do {
    const next = { KeyMarker: page?.NextKeyMarker, UploadIdMarker: page?.NextUploadIdMarker };
    try {
      page = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix, ...next }), { abortSignal: signal });
    } catch (error) {
      throw storeError(`listing the unfinished uploads of s3://${bucket}/${prefix}`, error);
    }
    for (const { Key, UploadId, Initiated, ChecksumAlgorithm } of page.Uploads ?? []) {
      if (Key === undefined || UploadId === undefined) continue;
      const algorithm = ChecksumAlgorithm === undefined ? {} : { checksumAlgorithm: ChecksumAlgorithm };
      yield { key: Key, uploadId: UploadId, startedAt: Initiated ?? new Date(0), ...algorithm };
    }
  } while (page.IsTruncated === true && page.NextKeyMarker !== undefined);
}

/**
 * The parts that an unfinished upload has, with the checksums that the store verified; undefined when somebody completed or
 * ended it since it was listed. Paged by hand too: the SDK's paginator goes on for as long as there is a marker, and some
 * stores always send one.
 */
export async function partsOfUpload(client: S3Client, bucket: string, key: string, uploadId: string, signal: AbortSignal): Promise<StoredPart[] | undefined> {
  const parts: StoredPart[] = [];
  let page: ListPartsCommandOutput | undefined;
  do {
    const next = { PartNumberMarker: page?.NextPartNumberMarker };
    try {
      page = await client.send(new ListPartsCommand({ Bucket: bucket, Key: key, UploadId: uploadId, ...next }), { abortSignal: signal });
    } catch (error) {
      if (nameOf(error) === 'NoSuchUpload') return undefined;
      throw storeError(`listing the parts of s3://${bucket}/${key}`, error);
    }
    for (const part of page.Parts ?? []) {
      const stored = storedPart(part);
      if (stored) parts.push(stored);
    }
  } while (page.IsTruncated === true && page.NextPartNumberMarker !== undefined);
  return parts;
}

/** Orders uploads as they were begun; every collector puts them in the same order. */
export const byStart = (a: ListedUpload, b: ListedUpload): number => a.startedAt.getTime() - b.startedAt.getTime() || (a.uploadId < b.uploadId ? -1 : 1);

/** What the unfinished uploads under a prefix hold, by their full keys; of each key in the order in which they were begun. */
export async function* unfinishedUnder(client: S3Client, bucket: string, prefix: string, signal: AbortSignal): AsyncGenerator<UnfinishedUpload> {
  const uploads = await Array.fromAsync(uploadsUnder(client, bucket, prefix, signal));
  for (const [key, ofKey] of Map.groupBy(uploads, (upload) => upload.key)) {
    const found: UnfinishedUpload[] = [];
    for (const { uploadId, startedAt } of ofKey.sort(byStart)) {
      const parts = await partsOfUpload(client, bucket, key, uploadId, signal);
      if (parts) found.push({ key, uploadId, startedAt, storedParts: parts.length, storedBytes: parts.reduce((sum, part) => sum + part.length, 0) });
    }
    const takenOver = found.findLastIndex(({ storedParts }) => storedParts > 0);
    for (const [index, upload] of found.entries()) yield index < takenOver ? { ...upload, setAside: true } : upload;
  }
}

function storedPart({ PartNumber, Size, ETag, ChecksumSHA256, ChecksumCRC32 }: Part): StoredPart | undefined {
  if (PartNumber === undefined || Size === undefined) return undefined;
  return {
    partNumber: PartNumber,
    length: Size,
    ...(ETag === undefined ? {} : { etag: ETag }),
    ...(ChecksumSHA256 === undefined ? {} : { sha256: Buffer.from(ChecksumSHA256, 'base64') }),
    ...(ChecksumCRC32 === undefined ? {} : { crc32: Buffer.from(ChecksumCRC32, 'base64') }),
  };
}
