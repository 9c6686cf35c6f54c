import { CreateMultipartUploadCommand, GetObjectCommand, HeadObjectCommand, ListObjectsV2Command, type CompleteMultipartUploadCommandOutput, type ListObjectsV2CommandOutput, type S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { createHash } from 'node:crypto';
import { StageError } from '../../errors.ts';
import type { EvidenceStore, ImageUpload, PartChecksumAlgorithm, StoredObjectInfo, StoredPart, UnfinishedUpload, UploadOptions } from './evidence-store.ts';
import { foreignAnswer, isMissing, isTaken, storeError, undefinedWhenForbidden } from './s3-errors.ts';
import { unfinishedUnder } from './s3-listing.ts';
import { pagesOf } from './s3-pages.ts';
import { persistently } from './s3-persist.ts';
import { confirmRecord, isRecord } from './s3-record.ts';
import { earlierUpload, rivalUpload, uploadsOf } from './s3-takeover.ts';
import { inertInfo, S3Upload, versionOf } from './s3-upload.ts';

export type S3StoreOptions = {
  readonly client: S3Client;
  readonly bucket: string;
  /** Without slashes at its ends; may be empty. */
  readonly prefix: string;
  readonly algorithm: PartChecksumAlgorithm;
  /** ARN or id of the key for SSE-KMS. @default the bucket's default encryption */
  readonly kmsKeyId?: string;
  /** For how long a store that fails is asked again for what comes after the pass. @default a minute */
  readonly outageMs?: number;
};

const CHUNK = 1024 * 1024;

/** The client, whose requests end with the signal: `abort` of lib-storage leaves the request that it has sent to itself, and the SDK tries that again. */
const endingWith = (client: S3Client, signal: AbortSignal): S3Client =>
  Object.create(client, { send: { value: (command: Parameters<S3Client['send']>[0]) => client.send(command, { abortSignal: signal }) } }) as S3Client;

/** Evidence in an S3 bucket: multipart images with a checksum on every part, no overwriting, nothing ever deleted. */
export class S3Store implements EvidenceStore {
  readonly kind = 's3';
  readonly location: string;
  readonly partChecksum: { readonly algorithm: PartChecksumAlgorithm; readonly verifiedByStore: true };
  readonly #options: S3StoreOptions;

  constructor(options: S3StoreOptions) {
    this.#options = options;
    this.location = `s3://${options.bucket}${options.prefix ? `/${options.prefix}` : ''}`;
    this.partChecksum = { algorithm: options.algorithm, verifiedByStore: true };
  }

  async openImage(key: string, options: UploadOptions, signal: AbortSignal): Promise<ImageUpload> {
    await this.#refuseTaken(key, signal);
    const { client, bucket, algorithm, outageMs } = this.#options;
    const context = { client, bucket, fullKey: this.#full(key), algorithm };
    const listed = await uploadsOf(context, signal);
    const earlier = options.anew ? undefined : await earlierUpload(context, listed, { ...options, onLeft: (left, why) => options.onLeft?.({ ...left, key }, why) }, signal);
    if (!earlier && listed.length > 0) await this.#refuseTaken(key, signal); // one of them may have been completed since the first look
    const begun = earlier ? undefined : await this.#create(key, options, signal);
    const { uploadId } = (earlier ?? begun)!;
    const upload = new S3Upload({
      ...context, key, uploadId,
      layout: options.layout,
      objectIndex: options.objectIndex,
      stored: earlier?.parts ?? new Map<number, StoredPart>(),
      begunHere: begun !== undefined,
      outageMs,
      head: (versionId, headSignal) => this.#head(key, versionId, headSignal),
    });
    if (!begun) return upload;
    const rival = await rivalUpload(context, uploadId, new Set(listed.map((other) => other.uploadId)), signal);
    // One that was begun by a request whose answer was lost looks like another collector's. It is taken over: if it is another's, the completion decides.
    if (rival === undefined || (begun.askedAgain && options.anew)) return upload;
    const left = await upload.withdraw(undefined, signal);
    if (begun.askedAgain) return this.openImage(key, options, signal);
    throw new StageError('store', 'BUSY', `another collector began the image ${key} in the same moment (upload ${rival}) and goes on with it; ${left ?? 'nothing of this one is left'}`, {
      retryable: true,
      safe: 'This collector stored nothing; what the other one stores was not touched.',
      advice: 'Wait until the other one has ended. If it did not finish, start again: what it stored is taken over.',
    });
  }

  /** Begins an upload; `askedAgain` where an earlier request, whose answer did not come, may have begun another. */
  async #create(key: string, { metadata }: UploadOptions, signal: AbortSignal): Promise<{ readonly uploadId: string; readonly askedAgain: boolean }> {
    const { client, bucket, algorithm } = this.#options;
    const command = new CreateMultipartUploadCommand({
      Bucket: bucket,
      Key: this.#full(key),
      Metadata: { ...metadata },
      ContentType: 'application/octet-stream',
      ...(algorithm === 'MD5' ? {} : { ChecksumAlgorithm: algorithm, ChecksumType: algorithm === 'CRC32' ? 'FULL_OBJECT' : 'COMPOSITE' }),
      ...this.#encryption(),
    });
    try {
      const { UploadId, $metadata } = await client.send(command, { abortSignal: signal });
      // Without one, a part would be an object under the image's key, and ending the upload would delete that.
      if (!UploadId) throw foreignAnswer(`starting the upload of ${key}`, "without the upload's id");
      return { uploadId: UploadId, askedAgain: $metadata.attempts !== 1 };
    } catch (error) {
      throw storeError(`starting the upload of ${key}`, error);
    }
  }

  async putRecord(key: string, body: Uint8Array, contentType: string, signal: AbortSignal): Promise<StoredObjectInfo> {
    await this.#refuseTaken(key, signal);
    return persistently(() => this.#putRecord(key, body, contentType, signal), signal, this.#options.outageMs);
  }

  async #putRecord(key: string, body: Uint8Array, contentType: string, signal: AbortSignal): Promise<StoredObjectInfo> {
    const { client, bucket, algorithm } = this.#options;
    const sha256 = createHash('sha256').update(body).digest('base64');
    const upload = new Upload({
      client: endingWith(client, signal),
      // Larger records would become multipart uploads, whose checksum is composite: records are put whole.
      partSize: Math.max(body.length + 1, 5 * 1024 * 1024),
      params: {
        Bucket: bucket,
        Key: this.#full(key),
        Body: body,
        ContentType: contentType,
        IfNoneMatch: '*',
        ...(algorithm === 'MD5' ? { ContentMD5: createHash('md5').update(body).digest('base64') } : { ChecksumSHA256: sha256 }),
        ...this.#encryption(),
      },
    });
    const abort = (): void => void upload.abort();
    signal.addEventListener('abort', abort, { once: true });
    let answer: CompleteMultipartUploadCommandOutput;
    try {
      signal.throwIfAborted();
      answer = await upload.done();
    } catch (error) {
      const own = isTaken(error) ? await this.#ownRecord(key, body, signal) : undefined;
      if (own) return own;
      if (isTaken(error)) throw this.#exists(key, error);
      throw storeError(`storing ${key}`, error);
    } finally {
      signal.removeEventListener('abort', abort);
    }
    const versionId = versionOf(answer);
    await confirmRecord(key, body, answer, () => this.#head(key, versionId, signal));
    return inertInfo({ key, length: body.length, ...(versionId === undefined ? {} : { versionId }) });
  }

  /** The SDK asks again when an answer is lost, and is then told that the key is taken: by this very record. */
  async #ownRecord(key: string, body: Uint8Array, signal: AbortSignal): Promise<StoredObjectInfo | undefined> {
    const found = await this.head(key, signal).catch(undefinedWhenForbidden);
    return found && isRecord(found, body) ? found : undefined;
  }

  head(key: string, signal: AbortSignal): Promise<StoredObjectInfo | undefined> {
    return this.#head(key, undefined, signal);
  }

  /** A role that may only write is refused here (403), also for a key that is free: then the store's own refusal to overwrite decides. */
  async #refuseTaken(key: string, signal: AbortSignal): Promise<void> {
    const found = await this.head(key, signal).catch(undefinedWhenForbidden);
    if (found) throw this.#exists(key);
  }

  async #head(key: string, versionId: string | undefined, signal: AbortSignal): Promise<StoredObjectInfo | undefined> {
    const { client, bucket } = this.#options;
    const command = new HeadObjectCommand({ Bucket: bucket, Key: this.#full(key), VersionId: versionId, ChecksumMode: 'ENABLED' });
    try {
      const found = await client.send(command, { abortSignal: signal });
      if (!found.ETag) throw foreignAnswer(`looking for ${key}`, 'without the ETag that every object has');
      const { ObjectLockMode: mode, ObjectLockRetainUntilDate: until } = found;
      const checksum = found.ChecksumSHA256 ?? found.ChecksumCRC32;
      const version = versionOf(found) ?? versionId;
      return inertInfo({
        key,
        length: found.ContentLength ?? -1,
        ...(version === undefined ? {} : { versionId: version }),
        etag: found.ETag,
        ...(checksum === undefined ? {} : { checksum }),
        ...(found.ServerSideEncryption === undefined ? {} : { encryption: found.ServerSideEncryption }),
        ...(found.SSEKMSKeyId === undefined ? {} : { kmsKeyArn: found.SSEKMSKeyId }),
        ...(mode === undefined || until === undefined ? {} : { objectLock: { mode, retainUntil: until.toISOString() } }),
      });
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw storeError(`looking for ${key}`, error);
    }
  }

  async *read(key: string, range: { start: number; end: number } | undefined, signal: AbortSignal, versionId?: string): AsyncIterable<Uint8Array> {
    if (range && range.end <= range.start) return;
    const { client, bucket } = this.#options;
    const bytes = range && `bytes=${range.start}-${range.end - 1}`;
    try {
      const answer = await client.send(new GetObjectCommand({ Bucket: bucket, Key: this.#full(key), Range: bytes, VersionId: versionId }), { abortSignal: signal });
      for await (const chunk of answer.Body as AsyncIterable<Uint8Array>) {
        for (let start = 0; start < chunk.length; start += CHUNK) yield chunk.subarray(start, start + CHUNK);
      }
    } catch (error) {
      if (isMissing(error)) throw new StageError('store', 'MISSING', `${this.location} has no ${key}`, { retryable: false, cause: error });
      throw storeError(`reading ${key}`, error);
    }
  }

  async *list(prefix: string, signal: AbortSignal): AsyncIterable<string> {
    const { client, bucket } = this.#options;
    const ask = (page?: ListObjectsV2CommandOutput): Promise<ListObjectsV2CommandOutput> =>
      client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: this.#full(prefix), ContinuationToken: page?.NextContinuationToken }), { abortSignal: signal });
    try {
      for await (const { Contents = [] } of pagesOf(ask, (page) => [page.NextContinuationToken])) {
        for (const { Key } of Contents) if (Key !== undefined) yield this.#short(Key);
      }
    } catch (error) {
      throw storeError(`listing ${this.location}`, error);
    }
  }

  async *unfinished(prefix: string, signal: AbortSignal, onUnreadable?: (key: string, error: unknown) => void): AsyncIterable<UnfinishedUpload> {
    const { client, bucket } = this.#options;
    const tell = onUnreadable && ((key: string, error: unknown) => onUnreadable(this.#short(key), error));
    for await (const upload of unfinishedUnder(client, bucket, this.#full(prefix), signal, tell)) yield { ...upload, key: this.#short(upload.key) };
  }

  close(): Promise<void> {
    this.#options.client.destroy();
    return Promise.resolve();
  }

  #encryption(): { ServerSideEncryption?: 'aws:kms'; SSEKMSKeyId?: string; BucketKeyEnabled?: true } {
    const { kmsKeyId } = this.#options;
    return kmsKeyId === undefined ? {} : { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: kmsKeyId, BucketKeyEnabled: true };
  }

  #full(key: string): string {
    const { prefix } = this.#options;
    return prefix ? `${prefix}/${key}` : key;
  }

  #short(fullKey: string): string {
    const { prefix } = this.#options;
    return prefix ? fullKey.slice(prefix.length + 1) : fullKey;
  }

  #exists(key: string, cause?: unknown): StageError {
    return new StageError('store', 'EXISTS', `${key} is already in ${this.location}; evidence is never overwritten`, {
      retryable: false,
      cause,
      advice: 'Verify what is there (collector verify), or use another --volume or --case.',
    });
  }
}
