import type { IncomingHttpHeaders } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { S3Operation } from './s3-front-operation.ts';

/** What a plan of faults decides by. */
export type FaultRequest = S3Operation & {
  readonly headers: IncomingHttpHeaders;
  /** 1 for the first request of this operation on this key (and part), 2 for its first repetition, … */
  readonly attempt: number;
};

/**
 * What goes wrong with a request.
 * - `status`: refused with this status and S3's XML; the store never sees it. 200 makes the error-in-a-200 of Complete.
 * - `reset`: the connection breaks after this many bytes of the body (default: the whole body); the store never sees it.
 * - `black-hole`: accepted, read, and never answered.
 * - `lose-response`: carried out by the store, but the connection breaks before the answer.
 * - `foreign`: something else answers in the store's name, with 200 and a page of HTML; the store never sees the request.
 * - `hold-response`: carried out by the store, and never answered.
 * - `pretend`: a CompleteMultipartUpload is checked, and answered as if it had been carried out, which it never is.
 * - `endless-list`: a list's page that says it goes on where it was already or, for parts, a thousand parts further on each time.
 * - `truncate-response`: the answer's body breaks off after this many bytes.
 * - `corrupt`: a byte of the body is flipped on its way, so that a checksum no longer fits.
 * - `corrupt-silently`: a byte is flipped after verification: what the store keeps is not what it confirmed.
 * - `corrupt-response`: a byte of the answer's body is flipped.
 * - `wrong-checksum`: carried out, but the checksums in the answer's headers are others.
 * - `more-headers`: carried out, and the answer has these headers too, in Latin-1.
 * - `delay`: everything is well, but later.
 * - `throttle`: body and answer pass at no more than this rate.
 */
export type Fault =
  | { readonly kind: 'status'; readonly status: number; readonly code?: string; readonly message?: string; readonly headers?: Readonly<Record<string, string>> }
  | { readonly kind: 'reset'; readonly afterBytes?: number }
  | { readonly kind: 'black-hole' }
  | { readonly kind: 'lose-response' }
  | { readonly kind: 'endless-list'; readonly advancing?: true }
  | { readonly kind: 'foreign' | 'pretend' }
  | { readonly kind: 'hold-response' }
  | { readonly kind: 'truncate-response'; readonly afterBytes: number }
  | { readonly kind: 'corrupt' | 'corrupt-silently' | 'corrupt-response'; readonly at?: number }
  | { readonly kind: 'wrong-checksum' }
  | { readonly kind: 'more-headers'; readonly headers: Readonly<Record<string, string>> }
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'throttle'; readonly bytesPerSecond: number };

/** Decides what goes wrong; undefined lets a request pass. */
export type FaultPlan = (request: FaultRequest) => Fault | undefined | Promise<Fault | undefined>;

const CODES: Readonly<Record<number, string>> = {
  400: 'BadRequest', 403: 'AccessDenied', 404: 'NoSuchKey', 409: 'OperationAborted', 412: 'PreconditionFailed',
  500: 'InternalError', 503: 'SlowDown',
};
/** The code that S3 usually sends with a status. */
export const codeOf = (status: number): string => CODES[status] ?? 'InternalError';

/** The bytes with one of them flipped, in a copy. */
export const flipped = (bytes: Buffer, at = 0): Buffer => {
  const copy = Buffer.from(bytes);
  if (copy.length > 0) copy.writeUInt8(copy.readUInt8(at % copy.length) ^ 0xff, at % copy.length);
  return copy;
};

/** Lets a stream's chunks pass at a rate in bytes a second. */
export async function* throttled(chunks: AsyncIterable<Buffer>, bytesPerSecond: number): AsyncGenerator<Buffer> {
  const started = performance.now();
  let passed = 0;
  for await (const chunk of chunks) {
    passed += chunk.length;
    const wait = (passed / bytesPerSecond) * 1000 - (performance.now() - started);
    if (wait > 1) await sleep(wait);
    yield chunk;
  }
}
