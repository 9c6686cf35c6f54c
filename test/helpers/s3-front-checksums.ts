import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { createCRC32, createCRC64 } from 'hash-wasm';

/** S3's additional checksums, as header suffixes: `x-amz-checksum-<name>`. */
export type ChecksumName = 'sha256' | 'sha1' | 'crc32' | 'crc32c' | 'crc64nvme';
export const CHECKSUM_NAMES: readonly ChecksumName[] = ['sha256', 'sha1', 'crc32', 'crc32c', 'crc64nvme'];
export type ChecksumType = 'COMPOSITE' | 'FULL_OBJECT';

/** The XML element that carries a checksum: `ChecksumSHA256`. */
export const elementOf = (name: ChecksumName): string => `Checksum${name.toUpperCase()}`;

const base64 = (number: bigint, bytes: number): string => Buffer.from(number.toString(16).padStart(bytes * 2, '0'), 'hex').toString('base64');

/** The checksum of some bytes, in base64, as S3 writes it. */
export const checksumOf = async (name: ChecksumName, bytes: Uint8Array): Promise<string> => {
  switch (name) {
    case 'sha256':
    case 'sha1':
      return createHash(name).update(bytes).digest('base64');
    case 'crc32':
      return base64(BigInt(crc32(bytes)), 4);
    case 'crc32c':
      return Buffer.from((await createCRC32(0x82f63b78)).update(bytes).digest('hex'), 'hex').toString('base64');
    case 'crc64nvme':
      return Buffer.from((await createCRC64('9a6c9329ac4bc9b5')).update(bytes).digest('hex'), 'hex').toString('base64');
  }
};

/** The checksum of checksums that S3 gives an object of several parts: `<base64>-<parts>`. */
export const compositeOf = async (name: ChecksumName, parts: readonly string[]): Promise<string> =>
  `${await checksumOf(name, Buffer.concat(parts.map((part) => Buffer.from(part, 'base64'))))}-${parts.length}`;

const POLYNOMIALS: Partial<Record<ChecksumName, { readonly bits: number; readonly polynomial: bigint }>> = {
  crc32: { bits: 32, polynomial: 0xedb88320n },
  crc32c: { bits: 32, polynomial: 0x82f63b78n },
  crc64nvme: { bits: 64, polynomial: 0x9a6c9329ac4bc9b5n },
};

/** Product of two polynomials modulo the CRC's, bits reflected: the highest bit is the lowest power. */
const multiply = (a: bigint, b: bigint, { bits, polynomial }: { bits: number; polynomial: bigint }): bigint => {
  let product = 0n;
  let shifted = b;
  for (let bit = BigInt(bits - 1); bit >= 0n; bit -= 1n) {
    if ((a >> bit) & 1n) product ^= shifted;
    shifted = shifted & 1n ? (shifted >> 1n) ^ polynomial : shifted >> 1n;
  }
  return product;
};

/** The CRC of a whole from its parts' CRCs and lengths, in order; undefined for a checksum that cannot be combined. */
export const combinedOf = (name: ChecksumName, parts: readonly { checksum: string; length: number }[]): string | undefined => {
  const field = POLYNOMIALS[name];
  if (!field) return undefined;
  const one = 1n << BigInt(field.bits - 1);
  let whole = 0n;
  for (const { checksum, length } of parts) {
    let power = one; // x^0
    let square = one >> 1n; // x^1
    for (let exponent = BigInt(length) * 8n; exponent > 0n; exponent >>= 1n) {
      if (exponent & 1n) power = multiply(power, square, field);
      square = multiply(square, square, field);
    }
    whole = multiply(whole, power, field) ^ BigInt(`0x${Buffer.from(checksum, 'base64').toString('hex')}`);
  }
  return base64(whole, field.bits / 8);
};
