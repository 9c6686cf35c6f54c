import { type ChecksumName, type ChecksumType, checksumOf, combinedOf, compositeOf } from './s3-front-checksums.ts';
import { S3Refusal } from './s3-front-errors.ts';

/** A part as the front received and verified it. */
export type FrontPart = {
  readonly length: number;
  readonly etag: string;
  /** What the upstream calls it. */
  readonly upstreamEtag: string;
  readonly checksum?: string;
};

/** A multipart upload that was started through a front. */
export type FrontUpload = {
  readonly algorithm: ChecksumName | undefined;
  readonly type: ChecksumType;
  readonly startedAt: Date;
  readonly parts: Map<number, FrontPart>;
};

/** A stored object's checksum, as HeadObject gives it. */
export type ObjectChecksum = { readonly name: ChecksumName; readonly value: string; readonly type: ChecksumType };

/** What S3 knows beside what the upstream keeps. */
export class FrontState {
  readonly uploads = new Map<string, FrontUpload>();
  /** Uploads that were completed: S3 takes no more parts for them. */
  readonly completed = new Set<string>();
  readonly #objects = new Map<string, ObjectChecksum>();
  readonly #queues = new Map<string, Promise<unknown>>();

  setObject(bucket: string, key: string, versionId: string | undefined, checksum: ObjectChecksum | undefined): void {
    const id = JSON.stringify([bucket, key, versionId ?? 'null']);
    if (checksum) this.#objects.set(id, checksum);
    else this.#objects.delete(id);
  }

  object(bucket: string, key: string, versionId: string | undefined): ObjectChecksum | undefined {
    return this.#objects.get(JSON.stringify([bucket, key, versionId ?? 'null']));
  }

  /** Runs one write of a key after the other, so that a look before it holds until it is done. */
  async alone<T>(bucket: string, key: string, work: () => Promise<T>): Promise<T> {
    const id = JSON.stringify([bucket, key]);
    const turn = (this.#queues.get(id) ?? Promise.resolve()).then(work, work);
    this.#queues.set(id, turn.catch(() => undefined));
    return await turn;
  }
}

const states = new Map<string, FrontState>();
/** One state for an upstream, whichever front a request came through: a front can be replaced in the middle of an upload. */
export const stateOf = (upstream: string): FrontState => {
  const state = states.get(upstream) ?? new FrontState();
  states.set(upstream, state);
  return state;
};

/** A part as CompleteMultipartUpload names it. */
export type NamedPart = { readonly partNumber: number; readonly etag: string; readonly checksums: Readonly<Record<string, string>> };

const MIN_PART = 5 * 1024 * 1024;

/**
 * Checks a completion as S3 does, and computes the object's checksum.
 * @param claim checksum, type and length that the request's headers claim for the whole object
 * @returns the object's checksum; undefined for an upload without an algorithm
 */
export const completionOf = async (
  upload: FrontUpload,
  named: readonly NamedPart[],
  claim: { readonly checksum?: { name: ChecksumName; value: string } | undefined; readonly type?: string | undefined; readonly length?: number | undefined },
): Promise<ObjectChecksum | undefined> => {
  if (named.length === 0) throw new S3Refusal(400, 'MalformedXML', 'The XML you provided was not well-formed or did not validate against our published schema');
  const { algorithm, type } = upload;
  const parts: FrontPart[] = [];
  for (const [index, { partNumber, etag, checksums }] of named.entries()) {
    const part = upload.parts.get(partNumber);
    const before = named[index - 1];
    if (before && before.partNumber >= partNumber) {
      throw new S3Refusal(400, 'InvalidPartOrder', 'The list of parts was not in ascending order. The parts list must be specified in order by part number.');
    }
    const given = Object.entries(checksums);
    if (!part || part.etag !== etag || given.some(([name, value]) => name !== algorithm || value !== part.checksum)) {
      throw new S3Refusal(400, 'InvalidPart', `One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag. (part ${partNumber})`);
    }
    if (algorithm && type === 'COMPOSITE' && given.length === 0) {
      throw new S3Refusal(400, 'InvalidRequest', `The upload was created using a ${algorithm} checksum. The complete request must include the checksum for each part. It was missing for part ${partNumber} in the request.`);
    }
    if (part.length < MIN_PART && index < named.length - 1) {
      throw new S3Refusal(400, 'EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed object size.');
    }
    parts.push(part);
  }
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  if (claim.length !== undefined && claim.length !== length) {
    throw new S3Refusal(400, 'InvalidRequest', `The provided 'x-amz-mp-object-size' header value ${claim.length} does not match what was computed: ${length}`);
  }
  if (claim.type !== undefined && claim.type !== type) {
    throw new S3Refusal(400, 'InvalidRequest', `The upload was created using the ${type} checksum mode. The complete request must use the same checksum mode.`);
  }
  if (!algorithm) return undefined;
  const checksums = parts.map((part) => ({ checksum: part.checksum ?? '', length: part.length }));
  const value = type === 'COMPOSITE' ? await compositeOf(algorithm, checksums.map(({ checksum }) => checksum)) : combinedOf(algorithm, checksums);
  if (claim.checksum && (claim.checksum.name !== algorithm || claim.checksum.value !== value)) {
    throw new S3Refusal(400, 'BadDigest', `The ${algorithm.toUpperCase()} you specified did not match the calculated checksum.`);
  }
  return { name: algorithm, value: value ?? (await checksumOf(algorithm, new Uint8Array())), type };
};
