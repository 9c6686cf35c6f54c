import { createHash, type Hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { PartDigests } from './stores/evidence-store.ts';

/** Which digests of a part are computed. */
export type DigestPlan = { readonly sha256: boolean; readonly crc32: boolean; readonly md5: boolean };

/** A plan that computes the digests that somebody else has. */
export const planLike = (digests: PartDigests): DigestPlan => ({
  sha256: digests.sha256 !== undefined,
  crc32: digests.crc32 !== undefined,
  md5: digests.md5 !== undefined,
});

/** Running digests of one part. */
export class PartDigester {
  readonly #sha256: Hash | undefined;
  readonly #md5: Hash | undefined;
  #crc32: number | undefined;

  constructor(plan: DigestPlan) {
    this.#sha256 = plan.sha256 ? createHash('sha256') : undefined;
    this.#md5 = plan.md5 ? createHash('md5') : undefined;
    this.#crc32 = plan.crc32 ? 0 : undefined;
  }

  update(bytes: Uint8Array): void {
    this.#sha256?.update(bytes);
    this.#md5?.update(bytes);
    if (this.#crc32 !== undefined) this.#crc32 = crc32(bytes, this.#crc32);
  }

  /** Once, at the end. */
  digest(): PartDigests {
    return {
      ...(this.#sha256 ? { sha256: this.#sha256.digest() } : {}),
      ...(this.#md5 ? { md5: this.#md5.digest() } : {}),
      ...(this.#crc32 === undefined ? {} : { crc32: crc32Bytes(this.#crc32) }),
    };
  }
}

/** A CRC32 as S3 writes it: four bytes, the most significant first. */
export function crc32Bytes(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Whether every digest that both have is the same, and there is at least one. */
export function sameDigests(a: PartDigests, b: PartDigests): boolean {
  const pairs = [[a.sha256, b.sha256], [a.crc32, b.crc32], [a.md5, b.md5]] as const;
  const common = pairs.filter(([one, other]) => one !== undefined && other !== undefined);
  return common.length > 0 && common.every(([one, other]) => one!.equals(other!));
}
