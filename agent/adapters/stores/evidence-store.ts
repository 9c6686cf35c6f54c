import type { ImageLayout, PartRange } from '../../../modules/vocabulary/index.ts';

/** Which checksum the store is asked to confirm for each part. `MD5` is for S3-compatible stores without the others. */
export type PartChecksumAlgorithm = 'SHA256' | 'CRC32' | 'MD5';

/** A part's digests: those that were asked for, at least the one that the store confirms. */
export type PartDigests = {
  readonly sha256?: Buffer;
  readonly crc32?: Buffer;
  readonly md5?: Buffer;
};

/** One slab of a part, borrowed: `release` gives its memory back and must be called exactly once, however it ends. */
export type Slab = { readonly bytes: Uint8Array; release(): void };

/**
 * A part on its way to the store. The slabs come once, in order, and are not held: a part that fails is asked for again
 * as a new PartSource, read again from the disk.
 */
export type PartSource = {
  readonly range: PartRange;
  slabs(): AsyncIterable<Slab>;
  /** Known only when the last slab was handed out; rejects when the reading failed or differs from the first reading. */
  readonly digests: Promise<PartDigests>;
};

/** What the store says of a part it holds. Digests are the store's own word, in bytes. */
export type StoredPart = {
  readonly partNumber: number;
  readonly length: number;
  readonly etag?: string;
  readonly sha256?: Buffer;
  readonly crc32?: Buffer;
  /** It was read back from where it is durable and compared byte for byte; its SHA-256 is of what was read back. */
  readonly readBack?: true;
};

/** An object as the store describes it. */
export type StoredObjectInfo = {
  readonly key: string;
  readonly length: number;
  readonly versionId?: string;
  readonly etag?: string;
  /** The store's checksum of the object as it prints it, for example a composite `…-12`. */
  readonly checksum?: string;
  readonly encryption?: string;
  readonly kmsKeyArn?: string;
  readonly objectLock?: { readonly mode: string; readonly retainUntil: string };
};

export type UploadOptions = {
  readonly layout: ImageLayout;
  readonly objectIndex: number;
  /** Carried with the upload, so that a takeover can tell whose it is; ASCII values. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Takes nothing over: what earlier attempts stored stays beside it, as it is. @default false */
  readonly anew?: boolean;
  /** Told of what an earlier attempt stored of this object that does not fit the layout or the checksum, and why; it stays as it is. */
  readonly onLeft?: (left: UnfinishedUpload, why: string) => void;
};

/** An image object while it is being stored. Nothing of it is visible under its key before `complete`. */
export interface ImageUpload {
  readonly key: string;
  readonly uploadId: string;
  /** Parts that an earlier attempt left, by part number; empty for a new upload. */
  readonly stored: ReadonlyMap<number, StoredPart>;
  /** Set when the object was already completed by an attempt that ended before its manifest: parts are compared, not put. */
  readonly adopted?: true;
  /** Set when every part that is put is read back and hashed by the store itself: nobody else has to compute its SHA-256. */
  readonly readsBack?: true;
  /** Stores one part; resolves only when the store confirmed its checksum. Rejects with a StageError. */
  putPart(source: PartSource, signal: AbortSignal): Promise<StoredPart>;
  /**
   * Makes the object of all its parts, refuses to overwrite, and checks length and checksum that the store reports.
   * @param digests in order of the parts
   */
  complete(digests: readonly PartDigests[], signal: AbortSignal): Promise<StoredObjectInfo>;
  /** Set by `complete` where another upload may have made the object that these parts make: what this one holds may be needless. */
  readonly wasOutdone?: boolean;
  /** Lets go without deleting anything: a later attempt can take the upload over. */
  release(): Promise<void>;
  /**
   * For the second of two collectors of one exhibit: ends an upload that this process itself began, when it holds nothing,
   * or nothing but what the finished object under its key holds too. Any other is left as it is. Says in a sentence what
   * came of it; undefined when there was nothing to end. Never rejects.
   * @param digests of all parts, in their order, where the whole image was read
   */
  withdraw?(digests: readonly PartDigests[] | undefined, signal: AbortSignal): Promise<string | undefined>;
}

export type UnfinishedUpload = {
  readonly key: string;
  readonly uploadId: string;
  readonly startedAt: Date;
  readonly storedBytes: number;
  readonly storedParts: number;
  /** Set when the image was begun anew beside it, and what was stored then is taken over instead. */
  readonly setAside?: true;
};

/** How much an upload with these parts holds. */
export const amountOf = (parts: readonly StoredPart[]): Pick<UnfinishedUpload, 'storedBytes' | 'storedParts'> =>
  ({ storedParts: parts.length, storedBytes: parts.reduce((sum, { length }) => sum + length, 0) });

/** Where evidence is kept. Both implementations pass one contract suite. No method overwrites or deletes an object. */
export interface EvidenceStore {
  readonly kind: 's3' | 'directory';
  /** `s3://bucket/prefix` or the directory's absolute path. */
  readonly location: string;
  /** What it confirms for each part, and whether it recomputes that from what it received. */
  readonly partChecksum: { readonly algorithm: PartChecksumAlgorithm; readonly verifiedByStore: boolean };
  /**
   * Takes over the unfinished upload of this key, or starts one. Rejects with code `EXISTS` when the object is there, and
   * with `BUSY` when another collector is storing it, or began to in the same moment.
   */
  openImage(key: string, options: UploadOptions, signal: AbortSignal): Promise<ImageUpload>;
  /** Stores a small record. Rejects with code `EXISTS` when the key is taken. */
  putRecord(key: string, body: Uint8Array, contentType: string, signal: AbortSignal): Promise<StoredObjectInfo>;
  /** Undefined when there is no such object. */
  head(key: string, signal: AbortSignal): Promise<StoredObjectInfo | undefined>;
  /** Reads an object, or bytes `start` to `end` (exclusive) of it, as chunks of at most 1 MiB. Code `MISSING` when there is none. */
  read(key: string, range: { start: number; end: number } | undefined, signal: AbortSignal, versionId?: string): AsyncIterable<Uint8Array>;
  /** Keys under a prefix, sorted. */
  list(prefix: string, signal: AbortSignal): AsyncIterable<string>;
  /**
   * What was begun under a prefix and is not finished.
   * @param onUnreadable told of each upload that cannot be described, and why; without it the first of them ends the listing
   */
  unfinished(prefix: string, signal: AbortSignal, onUnreadable?: (key: string, error: unknown) => void): AsyncIterable<UnfinishedUpload>;
  close(): Promise<void>;
}
