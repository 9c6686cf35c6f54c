import { setTimeout as sleep } from 'node:timers/promises';
import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { HandlerError, nameOf } from './errors.ts';

/** A record as it is stored now; `etag` is what the next writer has to have seen. */
export type StoredRecord = { readonly text: string; readonly etag: string };

/** Small text objects in the evidence bucket. Nothing is overwritten unseen, and nothing is deleted. */
export interface Records {
  read(key: string): Promise<StoredRecord | undefined>;
  /** Writes the object if it still is what `seen` says, or is not there yet. Gives the new etag; undefined: somebody was faster. */
  write(key: string, text: string, seen: StoredRecord | undefined): Promise<string | undefined>;
}

/** Answers of a conditional write that lost: 412, and 409 when another is on its way. 404: the object of `If-Match` is not there. */
const LOST = new Set(['PreconditionFailed', 'ConditionalRequestConflict']);

/** Records in an S3 bucket, by `If-None-Match: *` and `If-Match`; every version stays, for the bucket is versioned and locked. */
export const s3Records = (client: S3Client, bucket: string): Records => ({
  async read(key) {
    try {
      const { Body, ETag } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      return { text: (await Body?.transformToString()) ?? '', etag: ETag ?? '' };
    } catch (error) {
      if (nameOf(error) === 'NoSuchKey') return undefined;
      throw error;
    }
  },
  async write(key, text, seen) {
    const condition = seen === undefined ? { IfNoneMatch: '*' } : { IfMatch: seen.etag };
    const ContentType = key.endsWith('.json') ? 'application/json' : 'application/x-ndjson';
    try {
      // Object Lock wants a checksum with every object.
      const { ETag } = await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: text, ContentType, ChecksumAlgorithm: 'SHA256', ...condition }));
      return ETag ?? '';
    } catch (error) {
      if (LOST.has(nameOf(error))) return undefined;
      throw error;
    }
  },
});

const MOST_TRIES = 30;

/** Full jitter, so that writers of one record spread out. */
const backOff = (tries: number): Promise<void> => sleep(Math.random() * Math.min(20 * 2 ** tries, 2000));

/**
 * Reads, changes and writes a record until no other writer came between.
 * @param change from the stored text, undefined where there is none, to the new one; undefined: there is nothing to change
 * @throws HandlerError `Cleanroom.RecordConflict` after 30 tries; trying again later can help
 */
export async function updateRecord(
  records: Records,
  key: string,
  change: (text: string | undefined) => string | undefined,
  { delay = backOff }: { readonly delay?: (tries: number) => Promise<void> } = {},
): Promise<string> {
  for (let tries = 1; tries <= MOST_TRIES; tries++) {
    const seen = await records.read(key);
    const text = change(seen?.text);
    if (text === undefined || text === seen?.text) return seen?.etag ?? '';
    const etag = await records.write(key, text, seen);
    if (etag !== undefined) return etag;
    await delay(tries);
  }
  throw new HandlerError('Cleanroom.RecordConflict', `${key} was changed by others ${MOST_TRIES} times in a row; write it again`);
}
