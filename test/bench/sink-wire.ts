/** What the sink needs to know about bytes on the wire: the end of an aws-chunked body, and checksums of whole objects. */
import { createHash } from 'node:crypto';

const TAIL_BYTES = 1024;
const CRLF_BYTES = 2;

/** Keeps a stream's last bytes without copying the rest. */
export class Tail {
  #chunks: Buffer[] = [];

  push(chunk: Buffer): void {
    if (chunk.length >= TAIL_BYTES) this.#chunks = [chunk];
    else this.#chunks.push(chunk);
  }

  /** At least the last {@link TAIL_BYTES} bytes of the stream, or all of it where it is shorter. */
  bytes(): Buffer {
    return Buffer.concat(this.#chunks.map((chunk) => chunk.subarray(-TAIL_BYTES)));
  }
}

/** The `x-amz-checksum-…` trailers at the end of an aws-chunked body, names in lower case. */
export function trailersOf(tail: Buffer): Record<string, string> {
  const text = tail.toString('latin1');
  return Object.fromEntries(
    [...text.matchAll(/(?:^|\r?\n)(x-amz-checksum-[a-z0-9]+):\s*([A-Za-z0-9+/=]+)/gi)].map(([, name = '', value = '']) => [
      name.toLowerCase(),
      value,
    ]),
  );
}

/** The payload inside a complete aws-chunked body. */
export function decodeAwsChunked(body: Buffer): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < body.length; ) {
    const lineEnd = body.indexOf('\r\n', at);
    const length = Number.parseInt(body.toString('latin1', at, lineEnd), 16);
    if (lineEnd < 0 || !Number.isInteger(length)) throw new Error(`aws-chunked body: no chunk length at byte ${at}`);
    if (length === 0) break;
    pieces.push(body.subarray(lineEnd + 2, lineEnd + 2 + length));
    at = lineEnd + 2 + length + 2;
  }
  return Buffer.concat(pieces);
}

/** Takes HTTP's chunked transfer encoding off a body, as it comes. */
export class Dechunker {
  #line = '';
  /** Bytes left of the present chunk, with the CRLF behind it. */
  #left = 0;
  #last = false;

  /** Hands the payload in `bytes` to `push`; returns what lies behind the body's end, undefined before it. */
  feed(bytes: Buffer, push: (payload: Buffer) => void): Buffer | undefined {
    for (let at = 0; at < bytes.length; ) {
      if (this.#left > 0) {
        const payload = bytes.subarray(at, at + Math.max(this.#left - CRLF_BYTES, 0));
        const taken = payload.length || Math.min(this.#left, bytes.length - at);
        if (payload.length > 0) push(payload);
        this.#left -= taken;
        at += taken;
        continue;
      }
      const newline = bytes.indexOf('\n', at);
      this.#line += bytes.toString('latin1', at, newline < 0 ? bytes.length : newline + 1);
      if (newline < 0) return undefined;
      at = newline + 1;
      const line = this.#line.trim();
      this.#line = '';
      if (this.#last && line === '') return bytes.subarray(at);
      if (this.#last) continue; // a trailer
      const length = Number.parseInt(line, 16);
      if (Number.isNaN(length)) throw new Error(`chunked body: ${JSON.stringify(line)} is no length`);
      this.#last = length === 0;
      if (length > 0) this.#left = length + CRLF_BYTES;
    }
    return undefined;
  }
}

/** S3's composite checksum: the digest of the parts' digests, and their number. */
export function compositeChecksum(algorithm: 'sha256' | 'md5', parts: readonly Buffer[], encoding: 'base64' | 'hex'): string {
  return `${createHash(algorithm).update(Buffer.concat(parts)).digest(encoding)}-${parts.length}`;
}

const CRC32_POLYNOMIAL = 0xedb88320;

/** a × b modulo the CRC-32 polynomial, bits reflected. */
function multiply(a: number, b: number): number {
  let product = 0;
  for (let bit = 31; bit >= 0; bit--) {
    if ((a >>> bit) & 1) product ^= b;
    b = b & 1 ? (b >>> 1) ^ CRC32_POLYNOMIAL : b >>> 1;
  }
  return product >>> 0;
}

/** CRC-32 of two strings of bytes, one after the other, from the CRC-32 of each and the second's length in bytes. */
export function combineCrc32(first: number, second: number, secondLength: number): number {
  let shift = 0x80000000; // x^0
  let power = 0x00800000; // x^8: one byte
  for (let bytes = secondLength; bytes > 0; bytes = Math.floor(bytes / 2)) {
    if (bytes % 2 === 1) shift = multiply(shift, power);
    power = multiply(power, power);
  }
  return (multiply(first, shift) ^ second) >>> 0;
}
