import { createHash, randomBytes } from 'node:crypto';
import { request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { decodeBody, isAwsChunked, verifyBody } from './s3-front-body.ts';
import { CHECKSUM_NAMES, type ChecksumName, type ChecksumType } from './s3-front-checksums.ts';
import { S3Refusal } from './s3-front-errors.ts';
import { type Fault, flipped } from './s3-front-faults.ts';
import type { S3Operation } from './s3-front-operation.ts';
import { completionOf, type FrontState } from './s3-front-state.ts';
import { bareEtag, completedXml, completeXml, endlessXml, listPartsXml, listUploadsXml, namedParts, withUpstreamEtags } from './s3-front-xml.ts';

/** An answer on its way back: small ones whole, objects as a stream. */
export type FrontAnswer = { readonly status: number; readonly headers: OutgoingHttpHeaders; readonly body: Buffer | AsyncIterable<Buffer> };

/** A request that was read and is to be answered. */
export type Exchange = {
  readonly request: IncomingMessage;
  readonly operation: S3Operation;
  /** As it came, framing included. */
  readonly body: Buffer;
  readonly fault: Fault | undefined;
  readonly upstream: string;
  readonly state: FrontState;
  readonly requireChecksum: boolean;
  readonly opaqueEtags: boolean;
};

const HOP_BY_HOP = ['connection', 'keep-alive', 'transfer-encoding', 'expect'];

type Changes = { readonly headers?: OutgoingHttpHeaders; readonly method?: string; readonly path?: string };

/** Asks the upstream what the client asked, but for the changes (a header of undefined goes away). The answer's body is a stream. */
const ask = ({ request, upstream }: Exchange, body: Buffer | undefined, changes: Changes = {}): Promise<FrontAnswer> =>
  new Promise((resolve, reject) => {
    const { method = request.method, path = request.url } = changes;
    const headers: OutgoingHttpHeaders = { ...request.headers, ...changes.headers, connection: 'close' };
    for (const name of HOP_BY_HOP.slice(1)) delete headers[name];
    for (const name of Object.keys(headers)) if (headers[name] === undefined) delete headers[name];
    if (body && (body.length > 0 || request.headers['content-length'] !== undefined)) headers['content-length'] = body.length;
    const { hostname, port } = new URL(upstream);
    const outgoing = httpRequest({ hostname, port, method, path, headers, agent: false }, (incoming) => {
      const answerHeaders: OutgoingHttpHeaders = { ...incoming.headers };
      for (const name of HOP_BY_HOP) delete answerHeaders[name];
      resolve({ status: incoming.statusCode ?? 502, headers: answerHeaders, body: incoming });
    });
    outgoing.once('error', reject);
    outgoing.end(body);
  });

const whole = async (answer: FrontAnswer): Promise<Buffer> => (Buffer.isBuffer(answer.body) ? answer.body : Buffer.concat(await Array.fromAsync(answer.body)));
const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const withBody = (answer: FrontAnswer, body: string, headers: OutgoingHttpHeaders = {}): FrontAnswer => {
  const bytes = Buffer.from(body);
  return { status: answer.status, headers: { ...answer.headers, ...headers, 'content-length': bytes.length }, body: bytes };
};
const answerXml = (body: string): FrontAnswer => withBody({ status: 200, headers: { 'content-type': 'application/xml' }, body: Buffer.alloc(0) }, body);
const withoutChecksumHeaders = (headers: OutgoingHttpHeaders): OutgoingHttpHeaders =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith('x-amz-checksum-')));

/** Verifies an uploaded body, and gives what goes on to the upstream in its place. */
const uploaded = async (exchange: Exchange): Promise<{ bytes: Buffer; headers: OutgoingHttpHeaders; checksum: { name: ChecksumName; value: string } | undefined }> => {
  const { request, body, fault, requireChecksum } = exchange;
  const decoded = decodeBody(body, request.headers);
  const received = fault?.kind === 'corrupt' ? { ...decoded, bytes: flipped(decoded.bytes, fault.at) } : decoded;
  const checksum = await verifyBody(received, request.headers, requireChecksum);
  const headers: OutgoingHttpHeaders = {};
  if (isAwsChunked(request.headers)) {
    const encodings = (request.headers['content-encoding'] ?? '').split(',').map((name) => name.trim()).filter((name) => name !== '' && name !== 'aws-chunked');
    headers['content-encoding'] = encodings.length > 0 ? encodings.join(',') : undefined;
    headers['x-amz-content-sha256'] = 'UNSIGNED-PAYLOAD';
    headers['x-amz-decoded-content-length'] = undefined;
    headers['x-amz-trailer'] = undefined;
  }
  if (checksum && (isAwsChunked(request.headers) || request.headers['x-amz-sdk-checksum-algorithm'] === undefined)) {
    headers[`x-amz-checksum-${checksum.name}`] = checksum.value;
    headers['x-amz-sdk-checksum-algorithm'] = checksum.name.toUpperCase(); // moto asks for it where S3 is content with the checksum
  }
  let bytes = received.bytes;
  if (fault?.kind === 'corrupt-silently') {
    bytes = flipped(bytes, fault.at);
    headers['content-md5'] = undefined;
  }
  return { bytes, headers, checksum };
};

/** Refuses when the key is taken and the request asks not to overwrite. Only inside `state.alone`. */
const refuseOverwrite = async (exchange: Exchange): Promise<void> => {
  const condition = exchange.request.headers['if-none-match'];
  if (condition === undefined) return;
  if (condition !== '*') throw new S3Refusal(501, 'NotImplemented', 'A header you provided implies functionality that is not implemented: If-None-Match with anything but *');
  const { bucket, key } = exchange.operation;
  const path = `/${bucket}/${key.split('/').map(encodeURIComponent).join('/')}`;
  const answer = await ask(exchange, undefined, { method: 'HEAD', path, headers: { 'if-none-match': undefined, 'content-length': undefined, 'content-md5': undefined } });
  await whole(answer); // the connection ends with it
  if (answer.status === 200) throw new S3Refusal(412, 'PreconditionFailed', 'At least one of the pre-conditions you specified did not hold');
};

const putObject = async (exchange: Exchange): Promise<FrontAnswer> => {
  const { operation: { bucket, key }, state } = exchange;
  const { bytes, headers, checksum } = await uploaded(exchange);
  return await state.alone(bucket, key, async () => {
    await refuseOverwrite(exchange);
    const answer = await ask(exchange, bytes, { headers });
    if (answer.status !== 200) return answer;
    state.setObject(bucket, key, text(answer.headers['x-amz-version-id']), checksum && { ...checksum, type: 'FULL_OBJECT' });
    const sums = checksum ? { [`x-amz-checksum-${checksum.name}`]: checksum.value, 'x-amz-checksum-type': 'FULL_OBJECT' } : {};
    return { ...answer, headers: { ...withoutChecksumHeaders(answer.headers), ...sums } };
  });
};

/** Gives a completed upload the bucket's default retention, as S3 does and moto does only for objects in one piece. */
const retainByDefault = async (exchange: Exchange, versionId: string | undefined): Promise<void> => {
  const { bucket, key } = exchange.operation;
  const headers = { 'content-length': undefined, 'content-type': undefined, 'if-none-match': undefined };
  const asked = await ask(exchange, undefined, { method: 'GET', path: `/${bucket}?object-lock`, headers });
  const xml = (await whole(asked)).toString();
  const [mode, days, years] = ['Mode', 'Days', 'Years'].map((name) => new RegExp(`<${name}>([^<]+)</${name}>`).exec(xml)?.[1]);
  if (asked.status !== 200 || mode === undefined || versionId === undefined) return;
  const until = new Date(Date.now() + (Number(days ?? 0) + 365 * Number(years ?? 0)) * 24 * 3600 * 1000);
  const body = Buffer.from(`<Retention><Mode>${mode}</Mode><RetainUntilDate>${until.toISOString().slice(0, 19)}Z</RetainUntilDate></Retention>`);
  const path = `/${bucket}/${key.split('/').map(encodeURIComponent).join('/')}?retention&versionId=${encodeURIComponent(versionId)}`;
  const md5 = createHash('md5').update(body).digest('base64');
  const retained = await ask(exchange, body, { method: 'PUT', path, headers: { ...headers, 'content-length': body.length, 'content-md5': md5 } });
  if (retained.status !== 200) throw new Error(`the upstream takes no retention: ${(await whole(retained)).toString()}`);
  await whole(retained);
};

const createUpload = async (exchange: Exchange): Promise<FrontAnswer> => {
  const { request, state } = exchange;
  const algorithm = CHECKSUM_NAMES.find((name) => name === text(request.headers['x-amz-checksum-algorithm'])?.toLowerCase());
  const asked = text(request.headers['x-amz-checksum-type']);
  const type: ChecksumType = asked === undefined ? (algorithm === 'crc64nvme' ? 'FULL_OBJECT' : 'COMPOSITE') : asked === 'FULL_OBJECT' ? 'FULL_OBJECT' : 'COMPOSITE';
  if (algorithm && (algorithm.startsWith('sha') ? type === 'FULL_OBJECT' : algorithm === 'crc64nvme' && type === 'COMPOSITE')) {
    throw new S3Refusal(400, 'InvalidRequest', `The ${type} checksum type cannot be used with the ${algorithm} checksum algorithm.`);
  }
  const answer = await ask(exchange, exchange.body);
  if (answer.status !== 200) return answer;
  const xml = (await whole(answer)).toString();
  const uploadId = /<UploadId>([^<]+)<\/UploadId>/.exec(xml)?.[1];
  if (uploadId !== undefined) state.uploads.set(uploadId, { algorithm, type, startedAt: new Date(), parts: new Map() });
  const sums = algorithm ? { 'x-amz-checksum-algorithm': algorithm.toUpperCase(), 'x-amz-checksum-type': type } : {};
  return withBody({ ...answer, headers: { ...withoutChecksumHeaders(answer.headers), ...sums } }, xml);
};

const uploadPart = async (exchange: Exchange): Promise<FrontAnswer> => {
  const { operation: { uploadId = '', partNumber = 0 }, state, opaqueEtags } = exchange;
  const upload = state.uploads.get(uploadId);
  if (state.completed.has(uploadId)) throw new S3Refusal(404, 'NoSuchUpload', 'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.');
  const { bytes, headers, checksum } = await uploaded(exchange);
  if (upload?.algorithm && checksum?.name !== upload.algorithm) {
    throw new S3Refusal(400, 'InvalidRequest', `Checksum Type mismatch occurred, expected checksum Type: ${upload.algorithm}, actual checksum Type: ${checksum?.name ?? 'null'}`);
  }
  const answer = await ask(exchange, bytes, { headers });
  if (answer.status !== 200) return answer;
  const upstreamEtag = bareEtag(text(answer.headers.etag) ?? '');
  const etag = opaqueEtags ? randomBytes(16).toString('hex') : upstreamEtag;
  upload?.parts.set(partNumber, { length: bytes.length, etag, upstreamEtag, ...(checksum ? { checksum: checksum.value } : {}) });
  const sums = checksum ? { [`x-amz-checksum-${checksum.name}`]: checksum.value } : {};
  return { ...answer, headers: { ...withoutChecksumHeaders(answer.headers), etag: `"${etag}"`, ...sums } };
};

const completeUpload = async (exchange: Exchange): Promise<FrontAnswer> => {
  const { request, operation: { bucket, key, uploadId = '' }, state, body, fault } = exchange;
  return await state.alone(bucket, key, async () => {
    const upload = state.uploads.get(uploadId);
    await refuseOverwrite(exchange);
    const size = text(request.headers['x-amz-mp-object-size']);
    const name = CHECKSUM_NAMES.find((candidate) => request.headers[`x-amz-checksum-${candidate}`] !== undefined);
    const checksum = upload && (await completionOf(upload, namedParts(body.toString()), {
      checksum: name && { name, value: text(request.headers[`x-amz-checksum-${name}`]) ?? '' },
      type: text(request.headers['x-amz-checksum-type']),
      length: size === undefined ? undefined : Number(size),
    }));
    if (fault?.kind === 'pretend') return answerXml(completeXml(completedXml(exchange.operation), checksum));
    const answer = await ask(exchange, upload ? Buffer.from(withUpstreamEtags(body.toString(), upload)) : body);
    const xml = (await whole(answer)).toString();
    if (answer.status !== 200 || xml.includes('<Error>')) return withBody(answer, xml);
    state.uploads.delete(uploadId);
    state.completed.add(uploadId);
    state.setObject(bucket, key, text(answer.headers['x-amz-version-id']), checksum);
    await retainByDefault(exchange, text(answer.headers['x-amz-version-id']));
    return withBody({ ...answer, headers: withoutChecksumHeaders(answer.headers) }, upload ? completeXml(xml, checksum) : xml);
  });
};

const listParts = async (exchange: Exchange): Promise<FrontAnswer> => {
  const answer = await ask(exchange, undefined);
  const upload = exchange.state.uploads.get(exchange.operation.uploadId ?? '');
  if (answer.status !== 200 || !upload) return answer;
  return withBody(answer, listPartsXml((await whole(answer)).toString(), upload));
};

const listUploads = async (exchange: Exchange): Promise<FrontAnswer> => {
  const answer = await ask(exchange, undefined);
  return answer.status === 200 ? withBody(answer, listUploadsXml((await whole(answer)).toString(), exchange.state.uploads)) : answer;
};

const readObject = async (exchange: Exchange): Promise<FrontAnswer> => {
  const { request, operation: { bucket, key, query }, state } = exchange;
  const answer = await ask(exchange, undefined);
  if (answer.status !== 200) return answer;
  const headers = withoutChecksumHeaders(answer.headers);
  const isWhole = request.headers['x-amz-checksum-mode'] === 'ENABLED' && query.partNumber === undefined;
  const checksum = isWhole ? state.object(bucket, key, query.versionId ?? text(answer.headers['x-amz-version-id'])) : undefined;
  if (checksum) Object.assign(headers, { [`x-amz-checksum-${checksum.name}`]: checksum.value, 'x-amz-checksum-type': checksum.type });
  return { ...answer, headers };
};

/** Answers a request as S3 would, with the upstream's help. Rejects with an S3Refusal where S3 refuses. */
export const answerOf = async (exchange: Exchange): Promise<FrontAnswer> => {
  const { fault, operation } = exchange;
  if (fault?.kind === 'endless-list') return answerXml(endlessXml(operation, fault.advancing));
  switch (operation.operation) {
    case 'PutObject':
      return await putObject(exchange);
    case 'CreateMultipartUpload':
      return await createUpload(exchange);
    case 'UploadPart':
      return await uploadPart(exchange);
    case 'CompleteMultipartUpload':
      return await completeUpload(exchange);
    case 'ListParts':
      return await listParts(exchange);
    case 'ListMultipartUploads':
      return await listUploads(exchange);
    case 'HeadObject':
    case 'GetObject':
      return await readObject(exchange);
    default:
      return await ask(exchange, exchange.request.method === 'GET' || exchange.request.method === 'HEAD' ? undefined : decodeBody(exchange.body, exchange.request.headers).bytes);
  }
};
