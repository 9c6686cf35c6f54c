import {
  ListMultipartUploadsCommand, ListPartsCommand,
  type ListMultipartUploadsCommandOutput, type ListPartsCommandOutput, type Part, type S3Client,
} from '@aws-sdk/client-s3';
import { S3_LIMITS } from '../../../modules/vocabulary/index.ts';
import { amountOf, type StoredPart, type UnfinishedUpload } from './evidence-store.ts';
import { nameOf, storeError } from './s3-errors.ts';
import { neverEnds, pagesOf } from './s3-pages.ts';

export type ListedUpload = {
  readonly key: string;
  readonly uploadId: string;
  readonly startedAt: Date;
  /** Such as `SHA256`; stores without additional checksums say nothing. */
  readonly checksumAlgorithm?: string;
};

/** Unfinished multipart uploads whose full key begins with `prefix`. */
export async function* uploadsUnder(client: S3Client, bucket: string, prefix: string, signal: AbortSignal): AsyncGenerator<ListedUpload> {
  const ask = (page?: ListMultipartUploadsCommandOutput): Promise<ListMultipartUploadsCommandOutput> => {
    const from = { KeyMarker: page?.NextKeyMarker, UploadIdMarker: page?.NextUploadIdMarker };
    return client.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix, ...from }), { abortSignal: signal });
  };
  try {
    for await (const { Uploads = [] } of pagesOf(ask, (page) => [page.NextKeyMarker, page.NextUploadIdMarker])) {
      for (const { Key, UploadId, Initiated, ChecksumAlgorithm } of Uploads) {
        if (Key === undefined || UploadId === undefined) continue;
        const algorithm = ChecksumAlgorithm === undefined ? {} : { checksumAlgorithm: ChecksumAlgorithm };
        yield { key: Key, uploadId: UploadId, startedAt: Initiated ?? new Date(0), ...algorithm };
      }
    }
  } catch (error) {
    throw storeError(`listing the unfinished uploads of s3://${bucket}/${prefix}`, error);
  }
}

/**
 * The parts that an unfinished upload has, with the checksums that the store verified; undefined when somebody completed or
 * ended it since it was listed.
 * @throws StageError code LIST_REPEATS also for a list of more parts than an upload can have
 */
export async function partsOfUpload(client: S3Client, bucket: string, key: string, uploadId: string, signal: AbortSignal): Promise<StoredPart[] | undefined> {
  const doing = `listing the parts of s3://${bucket}/${key}`;
  const ask = (page?: ListPartsCommandOutput): Promise<ListPartsCommandOutput> =>
    client.send(new ListPartsCommand({ Bucket: bucket, Key: key, UploadId: uploadId, PartNumberMarker: page?.NextPartNumberMarker }), { abortSignal: signal });
  const parts: StoredPart[] = [];
  try {
    for await (const { Parts = [] } of pagesOf(ask, (page) => [page.NextPartNumberMarker])) {
      parts.push(...Parts.flatMap((part) => storedPart(part) ?? []));
      if (parts.length > S3_LIMITS.maxParts) throw neverEnds(`${doing} gave more than ${S3_LIMITS.maxParts} parts`);
    }
  } catch (error) {
    if (nameOf(error) === 'NoSuchUpload') return undefined;
    throw storeError(doing, error);
  }
  return parts;
}

/** Orders uploads as they were begun; every collector puts them in the same order. */
export const byStart = (a: ListedUpload, b: ListedUpload): number => a.startedAt.getTime() - b.startedAt.getTime() || (a.uploadId < b.uploadId ? -1 : 1);

/**
 * What the unfinished uploads under a prefix hold, by their full keys; of each key in the order in which they were begun.
 * @param onUnreadable as of a store
 */
export async function* unfinishedUnder(
  client: S3Client, bucket: string, prefix: string, signal: AbortSignal, onUnreadable?: (key: string, error: unknown) => void,
): AsyncGenerator<UnfinishedUpload> {
  const uploads = await Array.fromAsync(uploadsUnder(client, bucket, prefix, signal));
  for (const [key, ofKey] of Map.groupBy(uploads, (upload) => upload.key)) {
    const found: UnfinishedUpload[] = [];
    for (const { uploadId, startedAt } of ofKey.sort(byStart)) {
      const parts = await partsOfUpload(client, bucket, key, uploadId, signal).catch((error: unknown) => {
        if (!onUnreadable) throw error;
        onUnreadable(key, error);
      });
      if (parts) found.push({ key, uploadId, startedAt, ...amountOf(parts) });
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
