import type { ClientRequest } from 'node:http';
import { Readable } from 'node:stream';
import type { PartChecksumAlgorithm, PartDigests, PartSource } from './evidence-store.ts';

const CRLF = '\r\n';

/** Length in base64 of each digest that can travel in a trailer. */
const TRAILERS = {
  SHA256: { name: 'x-amz-checksum-sha256', length: 44, digest: (digests: PartDigests) => digests.sha256 },
  CRC32: { name: 'x-amz-checksum-crc32', length: 8, digest: (digests: PartDigests) => digests.crc32 },
} as const;

export type PartFraming = { readonly headers: Readonly<Record<string, string>>; readonly head: string; tail(digests: PartDigests): string };

/**
 * How a part travels: as one `aws-chunked` chunk whose trailer carries the checksum, because the checksum is known only
 * when the last byte has passed. MD5 is for stores without trailers: the body travels bare and the ETag is compared.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
 */
export function frame(algorithm: PartChecksumAlgorithm, length: number): PartFraming {
  if (algorithm === 'MD5') {
    const headers = { 'content-length': String(length), 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' };
    return { headers, head: '', tail: () => '' };
  }
  const trailer = TRAILERS[algorithm];
  const head = length > 0 ? `${length.toString(16)}${CRLF}` : '';
  const beforeTrailer = `${length > 0 ? CRLF : ''}0${CRLF}`;
  const tailLength = beforeTrailer.length + trailer.name.length + 1 + trailer.length + 2 * CRLF.length;
  return {
    headers: {
      'content-encoding': 'aws-chunked',
      'content-length': String(head.length + length + tailLength),
      'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      'x-amz-decoded-content-length': String(length),
      'x-amz-trailer': trailer.name,
    },
    head,
    tail: (digests) => `${beforeTrailer}${trailer.name}:${trailer.digest(digests)!.toString('base64')}${CRLF}${CRLF}`,
  };
}

const write = (request: ClientRequest, bytes: Uint8Array | string): Promise<void> =>
  new Promise((resolve, reject) => {
    request.write(bytes, (error) => (error ? reject(error) : resolve()));
    // A request that dies before it has a socket never calls back.
    if (request.destroyed) reject(new Error('the connection is gone'));
  });

/**
 * A part as a request's body. It overrides `pipe`, the one thing that the SDK's handler does with a stream, to know when
 * each slab was accepted: only then may its memory be written again.
 */
export class PartBody extends Readable {
  readonly #source: PartSource;
  readonly #framing: PartFraming;
  #request: ClientRequest | undefined;
  /** Why the source could not be sent; the request's own error only says that the connection was cut. */
  failure: unknown;

  constructor(source: PartSource, framing: PartFraming) {
    super();
    this.#source = source;
    this.#framing = framing;
  }

  override pipe<T extends NodeJS.WritableStream>(destination: T): T {
    const request = destination as unknown as ClientRequest;
    this.#request = request;
    this.#pump(request).catch((error: unknown) => {
      this.failure ??= error;
      request.destroy(error instanceof Error ? error : new Error(String(error)));
    });
    return destination;
  }

  /** Cuts a connection that still waits for the body; one that has all of it is left for the next request. */
  cancel(): void {
    if (this.#request && !this.#request.writableEnded) this.#request.destroy();
  }

  async #pump(request: ClientRequest): Promise<void> {
    const closed = new Promise<never>((_, reject) => {
      request.once('close', () => reject(new Error('the connection was closed')));
    });
    closed.catch(() => {});
    let sent = 0;
    let prefix = this.#framing.head;
    for await (const slab of this.#source.slabs()) {
      try {
        sent += slab.bytes.length;
        if (sent > this.#source.range.length) throw new RangeError('the part is longer than planned');
        if (prefix !== '') request.write(prefix);
        prefix = '';
        await Promise.race([write(request, slab.bytes), closed]);
      } finally {
        slab.release();
      }
    }
    if (sent !== this.#source.range.length) throw new RangeError(`the part has ${sent} bytes, planned were ${this.#source.range.length}`);
    // Without its last bytes the store refuses the part: a part whose reading differs is never accepted.
    request.end(this.#framing.tail(await this.#source.digests));
  }
}
