import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { CHECKSUM_NAMES, type ChecksumName, checksumOf } from './s3-front-checksums.ts';
import { S3Refusal } from './s3-front-errors.ts';

/** Smallest chunk but the last of an aws-chunked body, bytes. */
const MIN_CHUNK = 8192;

/** An uploaded body without its framing, and the trailer that came behind it. */
export type DecodedBody = { readonly bytes: Buffer; readonly trailer: Readonly<Record<string, string>> };

const header = (headers: IncomingHttpHeaders, name: string): string | undefined => {
  const value = headers[name];
  return Array.isArray(value) ? value.join(',') : value;
};

export const isAwsChunked = (headers: IncomingHttpHeaders): boolean => (header(headers, 'x-amz-content-sha256') ?? '').startsWith('STREAMING-');

const malformed = (what: string): S3Refusal =>
  new S3Refusal(400, 'IncompleteBody', `The request body terminated unexpectedly: ${what}`);

/** Takes the aws-chunked framing off a body, and checks it as S3 does: chunk sizes, the end, the promised length. */
export const decodeBody = (raw: Buffer, headers: IncomingHttpHeaders): DecodedBody => {
  if (!isAwsChunked(headers)) return { bytes: raw, trailer: {} };
  const promised = header(headers, 'x-amz-decoded-content-length');
  if (promised === undefined) throw new S3Refusal(411, 'MissingContentLength', 'You must provide the x-amz-decoded-content-length HTTP header.');
  const chunks: Buffer[] = [];
  let offset = 0;
  const line = (): string => {
    const end = raw.indexOf('\r\n', offset);
    if (end < 0) throw malformed('a line has no end');
    const text = raw.toString('latin1', offset, end);
    offset = end + 2;
    return text;
  };
  for (;;) {
    const size = /^([0-9a-fA-F]{1,8})(;.*)?$/.exec(line())?.[1];
    if (size === undefined) throw malformed('a chunk has no size');
    const length = Number.parseInt(size, 16);
    if (length === 0) break;
    const previous = chunks.at(-1);
    if (previous !== undefined && previous.length < MIN_CHUNK) {
      throw new S3Refusal(403, 'InvalidChunkSizeError', `Only the last chunk is allowed to have a size less than ${MIN_CHUNK} bytes`);
    }
    chunks.push(raw.subarray(offset, offset + length));
    offset += length;
    if (line() !== '') throw malformed('a chunk is longer than it says');
  }
  const trailer: Record<string, string> = {};
  for (let text = line(); text !== ''; text = offset < raw.length ? line() : '') {
    const [name = '', ...value] = text.split(':');
    trailer[name.trim().toLowerCase()] = value.join(':').trim();
  }
  for (const name of (header(headers, 'x-amz-trailer') ?? '').split(',').filter((text) => text !== '')) {
    if (!(name.trim().toLowerCase() in trailer)) throw malformedTrailer();
  }
  const bytes = chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
  if (bytes.length !== Number(promised)) throw malformed(`x-amz-decoded-content-length is ${promised}, the body has ${bytes.length} bytes`);
  return { bytes, trailer };
};

const malformedTrailer = (): S3Refusal =>
  new S3Refusal(400, 'MalformedTrailerError', 'The request contained trailing data that was not well-formed or did not conform to our published schema.');

/** The one additional checksum that a request carries, with what it claims; undefined when it carries none. */
export const claimedChecksum = (headers: IncomingHttpHeaders, trailer: Readonly<Record<string, string>>): { name: ChecksumName; value: string } | undefined => {
  const claims = CHECKSUM_NAMES.flatMap((name) => {
    const values = [header(headers, `x-amz-checksum-${name}`), trailer[`x-amz-checksum-${name}`]];
    return values.filter((value) => value !== undefined).map((value) => ({ name, value }));
  });
  if (claims.length > 1) throw new S3Refusal(400, 'InvalidRequest', 'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.');
  const [claim] = claims;
  const announced = header(headers, 'x-amz-sdk-checksum-algorithm')?.toLowerCase();
  if (claim && announced !== undefined && announced !== claim.name) {
    throw new S3Refusal(400, 'InvalidRequest', 'Value for x-amz-sdk-checksum-algorithm header is invalid.');
  }
  return claim;
};

/**
 * Compares a body with everything that the request says of it: additional checksum, Content-MD5, SigV4's payload hash.
 * @returns the additional checksum, now verified; undefined when there was none
 */
export const verifyBody = async (
  { bytes, trailer }: DecodedBody,
  headers: IncomingHttpHeaders,
  requireChecksum: boolean,
): Promise<{ name: ChecksumName; value: string } | undefined> => {
  const claim = claimedChecksum(headers, trailer);
  const md5 = header(headers, 'content-md5');
  if (requireChecksum && !claim && md5 === undefined) {
    throw new S3Refusal(400, 'InvalidRequest', 'Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters');
  }
  if (claim && (await checksumOf(claim.name, bytes)) !== claim.value) {
    throw new S3Refusal(400, 'BadDigest', `The ${claim.name.toUpperCase()} you specified did not match the calculated checksum.`);
  }
  if (md5 !== undefined && createHash('md5').update(bytes).digest('base64') !== md5) {
    throw new S3Refusal(400, 'BadDigest', 'The Content-MD5 you specified did not match what we received.');
  }
  const payload = header(headers, 'x-amz-content-sha256') ?? '';
  if (/^[0-9a-f]{64}$/.test(payload) && createHash('sha256').update(bytes).digest('hex') !== payload) {
    throw new S3Refusal(400, 'XAmzContentSHA256Mismatch', "The provided 'x-amz-content-sha256' header does not match what was computed.");
  }
  return claim;
};
