import type { S3Client } from '@aws-sdk/client-s3';
import { objectLength, partCount } from '../../../modules/vocabulary/index.ts';
import { amountOf, type PartChecksumAlgorithm, type StoredPart, type UploadOptions } from './evidence-store.ts';
import { byStart, partsOfUpload, uploadsUnder, type ListedUpload } from './s3-listing.ts';

export type TakeoverContext = {
  readonly client: S3Client;
  readonly bucket: string;
  /** The object's key in the bucket, prefix included. */
  readonly fullKey: string;
  readonly algorithm: PartChecksumAlgorithm;
};

export type EarlierUpload = { readonly uploadId: string; readonly parts: ReadonlyMap<number, StoredPart> };

/** The unfinished uploads of one key, in the order in which they were begun. */
export async function uploadsOf({ client, bucket, fullKey }: TakeoverContext, signal: AbortSignal): Promise<ListedUpload[]> {
  const uploads = await Array.fromAsync(uploadsUnder(client, bucket, fullKey, signal));
  return uploads.filter(({ key }) => key === fullKey).sort(byStart);
}

/** What an upload holds, by part number; undefined when it was completed or ended. */
export async function partsIn({ client, bucket, fullKey }: TakeoverContext, uploadId: string, signal: AbortSignal): Promise<Map<number, StoredPart> | undefined> {
  const parts = await partsOfUpload(client, bucket, fullKey, uploadId, signal);
  return parts && new Map(parts.map((part) => [part.partNumber, part]));
}

/**
 * Of the uploads with this checksum whose parts all fit the plan, the one begun last that holds any; where none does, the
 * first begun. There are several where the image was begun anew beside what was stored before: that decision holds, however
 * much of the image the older one has. Others are left as they are; those begun later that hold something are told.
 */
export async function earlierUpload(context: TakeoverContext, listed: readonly ListedUpload[], options: UploadOptions, signal: AbortSignal): Promise<EarlierUpload | undefined> {
  let firstEmpty: EarlierUpload | undefined;
  for (const { key, uploadId, startedAt, checksumAlgorithm } of listed.toReversed()) {
    const parts = await partsIn(context, uploadId, signal);
    if (!parts) continue;
    const misfit = misfitOf(checksumAlgorithm, [...parts.values()], context.algorithm, options);
    if (parts.size > 0 && misfit === undefined) return { uploadId, parts };
    if (parts.size > 0) options.onLeft?.({ key, uploadId, startedAt, ...amountOf([...parts.values()]) }, misfit!);
    else if (misfit === undefined) firstEmpty = { uploadId, parts };
  }
  return firstEmpty;
}

/** Why an upload cannot become the object that is planned; undefined when it can. */
function misfitOf(begunWith: string | undefined, parts: readonly StoredPart[], algorithm: PartChecksumAlgorithm, { layout, objectIndex }: UploadOptions): string | undefined {
  // An upload that was started with another checksum could never be completed with ours.
  if (begunWith !== undefined && begunWith !== algorithm) return `it was begun with ${begunWith} for each part, asked for is ${algorithm}`;
  // An empty one that was begun without a checksum takes no part that has one; one that holds parts shows by them.
  if (begunWith === undefined && algorithm !== 'MD5' && parts.length === 0) return 'nothing says with which checksum it was begun';
  const count = partCount(layout, objectIndex);
  const last = objectLength(layout, objectIndex) - (count - 1) * layout.partSize;
  for (const { partNumber, length, sha256, crc32 } of parts) {
    if (partNumber > count) return `it has a part ${partNumber}, planned are ${count}`;
    const planned = partNumber === count ? last : layout.partSize;
    if (length !== planned) return `its part ${partNumber} has ${length} bytes, planned are ${planned}`;
    if (algorithm !== 'MD5' && (algorithm === 'SHA256' ? sha256 : crc32) === undefined) return `its part ${partNumber} has no ${algorithm}`;
  }
  return undefined;
}

/**
 * The upload that another collector began at the same moment as this one began its own, and that comes first; undefined
 * when ours does. Each of the two begins, and then looks: so at least one of them sees the other, and since both put them
 * in the same order, never do both step back. One that holds a part comes first in any case: its collector has looked.
 * @param before ids that were there before ours was begun: those are of earlier attempts
 */
export async function rivalUpload(context: TakeoverContext, own: string, before: ReadonlySet<string>, signal: AbortSignal): Promise<string | undefined> {
  const now = await uploadsOf(context, signal);
  const place = now.findIndex(({ uploadId }) => uploadId === own);
  if (place < 0) return undefined; // a list that does not have what was just begun decides nothing
  for (const [index, { uploadId }] of now.entries()) {
    if (index === place || before.has(uploadId)) continue;
    if (index < place || (await partsIn(context, uploadId, signal))?.size) return uploadId;
  }
  return undefined;
}
