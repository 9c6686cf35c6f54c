import { AbortMultipartUploadCommand, CompleteMultipartUploadCommand, UploadPartCommand, type CompletedPart, type CompleteMultipartUploadCommandOutput, type S3Client, type UploadPartCommandOutput } from '@aws-sdk/client-s3';
import { objectLength, partCount } from '../../../modules/vocabulary/index.ts';
import { messageOf, StageError } from '../../errors.ts';
import { printable } from '../logs/log-line.ts';
import type { ImageUpload, PartDigests, PartSource, StoredObjectInfo, StoredPart } from './evidence-store.ts';
import { foreignAnswer, isMissing, isTaken, nameOf, storeError, undefinedWhenForbidden } from './s3-errors.ts';
import { checkedObject, isObjectOf, objectCrc32, type ObjectPlan } from './s3-object-digest.ts';
import { frame, PartBody } from './s3-part-body.ts';
import { persistently } from './s3-persist.ts';
import { partsIn } from './s3-takeover.ts';

export type S3UploadContext = ObjectPlan & {
  readonly client: S3Client;
  readonly bucket: string;
  /** The object's key in the bucket, prefix included. */
  readonly fullKey: string;
  readonly uploadId: string;
  readonly stored: ReadonlyMap<number, StoredPart>;
  /** Whether this process began the upload, rather than took it over. */
  readonly begunHere: boolean;
  /** For how long a store that fails is asked again to complete it. */
  readonly outageMs?: number | undefined;
  head(versionId: string | undefined, signal: AbortSignal): Promise<StoredObjectInfo | undefined>;
};

const base64 = (bytes: Buffer | undefined): string | undefined => bytes?.toString('base64');
const quoted = (bytes: Buffer): string => `"${bytes.toString('hex')}"`;

/** Some stores name a version `null` in a bucket without versioning, and refuse to look for it. */
export const versionOf = (answer: { readonly VersionId?: string | undefined } | undefined): string | undefined =>
  answer?.VersionId === 'null' ? undefined : answer?.VersionId;

/** What a store says of an object, inert: headers may hold anything, and manifest, custody log and events repeat them. */
export const inertInfo = ({ key, ...said }: StoredObjectInfo): StoredObjectInfo => ({ key, ...printable(said) });

/** How often parts may be stored again by somebody else while an upload is completed. */
const RENAMINGS = 5;

/** One image object as a multipart upload of S3. */
export class S3Upload implements ImageUpload {
  readonly key: string;
  readonly uploadId: string;
  readonly stored: ReadonlyMap<number, StoredPart>;
  readonly #context: S3UploadContext;
  readonly #etags = new Map<number, string>();
  /** Whether a completion was asked for: what stands under the key may be its doing. */
  #asked = false;
  #outdone = false;

  constructor(context: S3UploadContext) {
    this.#context = context;
    this.key = context.key;
    this.uploadId = context.uploadId;
    this.stored = context.stored;
    for (const part of context.stored.values()) if (part.etag !== undefined) this.#etags.set(part.partNumber, part.etag);
  }

  get wasOutdone(): boolean {
    return this.#outdone;
  }

  async putPart(source: PartSource, signal: AbortSignal): Promise<StoredPart> {
    const { client, bucket, fullKey, uploadId, algorithm } = this.#context;
    const { partNumber, length } = source.range;
    const framing = frame(algorithm, length);
    const body = new PartBody(source, framing);
    const command = new UploadPartCommand({ Bucket: bucket, Key: fullKey, UploadId: uploadId, PartNumber: partNumber, Body: body });
    command.middlewareStack.add(
      (next) => (args) => {
        Object.assign((args.request as { headers: Record<string, string> }).headers, framing.headers);
        return next(args);
      },
      { step: 'build', name: 'partFraming', priority: 'low' },
    );
    const doing = `storing part ${partNumber} of ${this.key}`;
    let answer: UploadPartCommandOutput;
    try {
      answer = await client.send(command, { abortSignal: signal });
    } catch (error) {
      if (body.failure instanceof StageError) throw body.failure;
      if (nameOf(error) === 'NoSuchUpload') throw await this.#ended(doing, error, signal);
      throw storeError(doing, error);
    } finally {
      body.cancel(); // an answer that came before the body's end leaves it half sent
    }
    const digests = await source.digests;
    this.#confirm(partNumber, answer, digests);
    this.#etags.set(partNumber, answer.ETag!);
    return { partNumber, length, etag: answer.ETag!, ...(digests.sha256 ? { sha256: digests.sha256 } : {}), ...(digests.crc32 ? { crc32: digests.crc32 } : {}) };
  }

  /** The upload is gone: another collector completed it, or somebody ended it. */
  async #ended(doing: string, cause: unknown, signal: AbortSignal): Promise<StageError> {
    if (await this.#context.head(undefined, signal).catch(() => undefined)) return this.#taken(cause);
    return this.#endedBySomebody(doing, cause);
  }

  #endedBySomebody(doing: string, cause: unknown): StageError {
    return new StageError('store', 'STORE_REFUSED', `${doing} failed: the upload ${this.uploadId} was ended by somebody else`, {
      retryable: false,
      cause,
      safe: 'What that upload held is lost; the disk was not changed.',
      advice: 'Find out who ends uploads (a lifecycle rule?), then start the same command again: the disk is read anew.',
    });
  }

  /** The store must repeat the checksum that it computed; silence is no confirmation. */
  #confirm(partNumber: number, answer: UploadPartCommandOutput, digests: PartDigests): void {
    if (!answer.ETag) throw foreignAnswer(`storing part ${partNumber} of ${this.key}`, 'without the ETag that every part has');
    const { algorithm } = this.#context;
    const [said, sent] = {
      SHA256: [answer.ChecksumSHA256, base64(digests.sha256)],
      CRC32: [answer.ChecksumCRC32, base64(digests.crc32)],
      MD5: [answer.ETag, digests.md5 && quoted(digests.md5)],
    }[algorithm];
    if (said !== undefined && said === sent) return;
    const encrypts = algorithm === 'MD5' ? 'A store that encrypts with KMS gives ETags that are no MD5: leave --part-checksum md5 away. Otherwise: ' : '';
    const what = said === undefined ? `confirmed no ${algorithm} of` : `says ${algorithm} ${said} of`;
    throw new StageError('store', 'PART_UNCONFIRMED', `the store ${what} part ${partNumber} of ${this.key}; sent was ${sent}`, {
      retryable: said !== undefined,
      advice: said === undefined ? 'This store has no additional checksums: use --part-checksum md5.' : `${encrypts}The part is sent again; if it repeats, the store or the network damages data.`,
    });
  }

  complete(digests: readonly PartDigests[], signal: AbortSignal): Promise<StoredObjectInfo> {
    return persistently(() => this.#complete(digests, signal, RENAMINGS), signal, this.#context.outageMs);
  }

  /** @param renamings how often it may still be that parts were stored again meanwhile */
  async #complete(digests: readonly PartDigests[], signal: AbortSignal, renamings: number): Promise<StoredObjectInfo> {
    const { client, bucket, fullKey, uploadId, layout, objectIndex, algorithm } = this.#context;
    const count = partCount(layout, objectIndex);
    const size = objectLength(layout, objectIndex);
    const parts = digests.map((digest, index) => this.#completedPart(index + 1, digest));
    if (parts.length !== count) {
      throw new StageError('store', 'PARTS_MISSING', `${this.key} has ${parts.length} of ${count} parts`, { retryable: true });
    }
    // Some S3-compatible stores ignore If-None-Match: a look just before leaves them a moment to be wrong, not hours.
    if (await this.#context.head(undefined, signal).catch(undefinedWhenForbidden)) {
      if (this.#asked) return await this.#ownOrTaken(undefined, digests, signal);
      throw this.#taken(undefined);
    }
    const command = new CompleteMultipartUploadCommand({
      Bucket: bucket,
      Key: fullKey,
      UploadId: uploadId,
      MultipartUpload: { Parts: parts },
      IfNoneMatch: '*',
      MpuObjectSize: size,
      ...(algorithm === 'SHA256' ? { ChecksumType: 'COMPOSITE' } : {}),
      ...(algorithm === 'CRC32' ? { ChecksumType: 'FULL_OBJECT', ChecksumCRC32: objectCrc32(this.#context, digests) } : {}),
    });
    const doing = `completing ${this.key}`;
    let answered: CompleteMultipartUploadCommandOutput | undefined;
    let gone: unknown;
    this.#asked = true;
    try {
      answered = await client.send(command, { abortSignal: signal });
    } catch (error) {
      if (isTaken(error)) return await this.#ownOrTaken(error, digests, signal);
      if (nameOf(error) === 'InvalidPart' && renamings > 0 && (await this.#renamed(digests, signal))) return await this.#complete(digests, signal, renamings - 1);
      if (nameOf(error) !== 'NoSuchUpload') throw storeError(doing, error);
      gone = error; // an answer that was lost on its way leaves no upload behind, but the object
    }
    const found = await this.#context.head(versionOf(answered), signal).catch((error: unknown) => {
      undefinedWhenForbidden(error);
      if (!answered) throw storeError(doing, gone);
      return this.#asAnswered(answered, size);
    });
    if (!found && gone !== undefined) throw this.#endedBySomebody(doing, gone);
    return checkedObject(this.#context, found, digests);
  }

  /**
   * Whether every part is there as it was read, by the SHA-256 that the store verified, whatever its ETag is now. Where the store
   * encrypts, a part has another each time that it is stored: by another collector that took the same upload over, or by a request of
   * this one that was given up and arrived all the same.
   */
  async #renamed(digests: readonly PartDigests[], signal: AbortSignal): Promise<boolean> {
    if (this.#context.algorithm !== 'SHA256') return false; // less than that is no proof that it is the same part
    const parts = await partsIn(this.#context, this.uploadId, signal);
    if (!digests.every(({ sha256 }, index) => sha256 !== undefined && parts?.get(index + 1)?.sha256?.equals(sha256))) return false;
    for (const { partNumber, etag } of parts!.values()) if (etag !== undefined) this.#etags.set(partNumber, etag);
    return true;
  }

  /** The SDK asks again when an answer is lost, and is then told that the key is taken: by this very image. */
  async #ownOrTaken(cause: unknown, digests: readonly PartDigests[], signal: AbortSignal): Promise<StoredObjectInfo> {
    const found = await this.#context.head(undefined, signal).catch(undefinedWhenForbidden);
    try {
      const own = checkedObject(this.#context, found, digests);
      this.#outdone = true;
      return own;
    } catch {
      throw this.#taken(cause);
    }
  }

  /** Only for a role that may not look: the store checked length and parts when it completed, and its answer has the digest. */
  #asAnswered(answer: CompleteMultipartUploadCommandOutput, size: number): StoredObjectInfo {
    const checksum = answer.ChecksumSHA256 ?? answer.ChecksumCRC32;
    return inertInfo({
      key: this.key,
      length: size,
      ...(versionOf(answer) === undefined ? {} : { versionId: versionOf(answer)! }),
      ...(answer.ETag === undefined ? {} : { etag: answer.ETag }),
      ...(checksum === undefined ? {} : { checksum }),
      ...(answer.ServerSideEncryption === undefined ? {} : { encryption: answer.ServerSideEncryption }),
      ...(answer.SSEKMSKeyId === undefined ? {} : { kmsKeyArn: answer.SSEKMSKeyId }),
    });
  }

  #completedPart(partNumber: number, digest: PartDigests): CompletedPart {
    const etag = this.#etags.get(partNumber);
    if (etag === undefined) {
      throw new StageError('store', 'PARTS_MISSING', `part ${partNumber} of ${this.key} is not stored`, { retryable: true });
    }
    const { algorithm } = this.#context;
    return {
      PartNumber: partNumber,
      ETag: etag,
      ...(algorithm === 'SHA256' ? { ChecksumSHA256: base64(digest.sha256) } : {}),
      ...(algorithm === 'CRC32' ? { ChecksumCRC32: base64(digest.crc32) } : {}),
    };
  }

  #taken(cause: unknown): StageError {
    return new StageError('store', 'EXISTS', `${this.key} is already stored; evidence is never overwritten`, {
      retryable: false,
      cause,
      advice: 'Verify what is there (collector verify), or image the disk under another --volume or --case.',
    });
  }

  async withdraw(digests: readonly PartDigests[] | undefined, signal: AbortSignal): Promise<string | undefined> {
    const { client, bucket, fullKey, uploadId, begunHere } = this.#context;
    if (!begunHere) return undefined;
    try {
      const parts = await partsIn(this.#context, uploadId, signal);
      if (!parts) return undefined;
      const foreign = [...parts.values()].some(({ partNumber, etag }) => this.#etags.get(partNumber) !== etag);
      const needless = parts.size === 0 || (!foreign && digests !== undefined && (await this.#isStored(digests, signal)));
      if (!needless) return `its upload ${uploadId} of ${this.key} stays, with ${parts.size} parts`;
      await client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key: fullKey, UploadId: uploadId }), { abortSignal: signal });
      return `its own upload ${uploadId} of ${this.key}, which held nothing that the other does not have, was ended`;
    } catch (error) {
      const failure = storeError(`ending the upload ${uploadId} of ${this.key}`, error);
      if (isMissing(failure.cause)) return undefined; // it was completed, or somebody ended it
      return `its upload ${uploadId} of ${this.key} stays, since it could not be ended: ${messageOf(failure)}`;
    }
  }

  /** Whether the finished object under the key is, by the store's own digest, the one that these parts would make. */
  async #isStored(digests: readonly PartDigests[], signal: AbortSignal): Promise<boolean> {
    const { layout, objectIndex } = this.#context;
    if (digests.filter(Boolean).length !== partCount(layout, objectIndex)) return false;
    return isObjectOf(this.#context, await this.#context.head(undefined, signal), digests);
  }

  release(): Promise<void> {
    return Promise.resolve();
  }
}
