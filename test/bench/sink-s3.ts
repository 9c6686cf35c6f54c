/** As much of S3 as an upload's client asks for. Bodies are counted and thrown away; objects under 1 MiB can be read back. */
import { createHash, randomUUID } from 'node:crypto';
import type { Exchange, Head, Reply } from './sink-http.ts';
import { combineCrc32, compositeChecksum, decodeAwsChunked, Tail, trailersOf } from './sink-wire.ts';

const KEEP_BELOW = 1024 ** 2;

type Checksums = Record<string, string>;
type Part = { readonly size: number; readonly etag: string; readonly checksums: Checksums };
type Stored = Part & { readonly content: Buffer | undefined; readonly type: string };
type Upload = { readonly path: string; readonly algorithm: string; readonly type: string; readonly parts: Map<number, Part> };
type Body = { readonly size: number; readonly checksums: Checksums; readonly content: Buffer | undefined };

/** What the bench checks after a run. */
export type StoredSummary = { readonly key: string; readonly size: number; readonly text?: string };

const XMLNS = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';
const xml = (root: string, inner: string): Reply => ({
  status: 200,
  headers: { 'content-type': 'application/xml' },
  body: `<?xml version="1.0" encoding="UTF-8"?>\n<${root} ${XMLNS}>${inner}</${root}>`,
});
const failure = (status: number, code: string): Reply => ({
  status,
  headers: { 'content-type': 'application/xml' },
  body: `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${code}</Message></Error>`,
});
const escapeXml = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const tag = (name: string, text: string | number): string => `<${name}>${escapeXml(String(text))}</${name}>`;
const checksumTags = (checksums: Checksums): string =>
  Object.entries(checksums)
    .map(([name, value]) => tag(`Checksum${name.slice('x-amz-checksum-'.length).toUpperCase()}`, value))
    .join('');
const checksumHeaders = (headers: Head['headers']): Checksums =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => /^x-amz-checksum-(?!type|mode|algorithm)/.test(name)));

/** Counts one request's body, and keeps it while it is small. */
class BodyReader {
  readonly #headers: Head['headers'];
  readonly #declared: number;
  readonly #kept: Buffer[] | undefined;
  readonly #tail = new Tail();
  #received = 0;

  constructor(headers: Head['headers']) {
    this.#headers = headers;
    this.#declared = Number(headers['x-amz-decoded-content-length'] ?? headers['content-length'] ?? 0);
    this.#kept = this.#declared < KEEP_BELOW ? [] : undefined;
  }

  push(chunk: Buffer): void {
    this.#received += chunk.length;
    if (this.#kept) this.#kept.push(chunk);
    else this.#tail.push(chunk);
  }

  /** @throws Error when the body is not as long as its headers promise */
  end(): Body {
    const chunked = (this.#headers['content-encoding'] ?? '').includes('aws-chunked');
    const raw = this.#kept && Buffer.concat(this.#kept);
    const content = raw && chunked ? decodeAwsChunked(raw) : raw;
    const size = content?.length ?? this.#declared;
    if (size !== this.#declared || this.#received < size) throw new Error(`got ${this.#received} bytes, ${this.#declared} were declared`);
    return { size, content, checksums: { ...checksumHeaders(this.#headers), ...(chunked ? trailersOf(raw ?? this.#tail.bytes()) : {}) } };
  }
}

/** An ETag that clients which compare it with an MD5 find right, where they sent one. */
const etagOf = (request: Head, content?: Buffer): string => {
  const md5 = request.headers['content-md5'];
  if (md5 !== undefined) return Buffer.from(md5, 'base64').toString('hex');
  return content ? createHash('md5').update(content).digest('hex') : randomUUID().replaceAll('-', '');
};

/** The objects and unfinished uploads of a sink. */
export class SinkStore {
  readonly #objects = new Map<string, Stored>();
  readonly #uploads = new Map<string, Upload>();

  /** Objects whose key (`bucket/key`) starts with a prefix. */
  list(prefix: string): StoredSummary[] {
    return [...this.#objects]
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, { size, content }]) => ({ key, size, ...(content ? { text: content.toString('utf8') } : {}) }));
  }

  /** Forgets everything under a prefix. */
  forget(prefix: string): void {
    for (const key of this.#objects.keys()) if (key.startsWith(prefix)) this.#objects.delete(key);
    for (const [id, { path }] of this.#uploads) if (path.startsWith(prefix)) this.#uploads.delete(id);
  }

  /** Takes one request. */
  begin(head: Head): Exchange {
    const body = new BodyReader(head.headers);
    const end = (): Reply => {
      try {
        const url = new URL(head.target, 'http://sink');
        return this.#answer(head, decodeURIComponent(url.pathname.slice(1)), url.searchParams, body.end());
      } catch (error) {
        return failure(400, `InvalidRequest: ${(error as Error).message}`);
      }
    };
    return { push: (chunk) => body.push(chunk), end };
  }

  #answer(request: Head, path: string, query: URLSearchParams, body: Body): Reply {
    const isBucket = /^[^/]*\/?$/.test(path);
    if (isBucket) return this.#bucket(request.method, path.replace('/', ''), query);
    const uploadId = query.get('uploadId');
    switch (request.method) {
      case 'POST':
        if (query.has('uploads')) return this.#create(request, path);
        return uploadId === null ? failure(405, 'MethodNotAllowed') : this.#complete(request, uploadId, body);
      case 'PUT':
        return uploadId === null ? this.#put(request, path, body) : this.#part(request, uploadId, query, body);
      case 'GET':
        return uploadId === null ? this.#get(path, true) : this.#parts(uploadId, query);
      case 'HEAD':
        return this.#get(path, false);
      case 'DELETE':
        if (uploadId !== null) this.#uploads.delete(uploadId);
        else this.#objects.delete(path);
        return { status: 204 };
      default:
        return failure(405, 'MethodNotAllowed');
    }
  }

  #bucket(method: string, bucket: string, query: URLSearchParams): Reply {
    if (method === 'HEAD' || method === 'PUT') return { status: 200 };
    const prefix = query.get('prefix') ?? '';
    if (query.has('uploads')) {
      const found = [...this.#uploads].filter(([, { path }]) => path.startsWith(`${bucket}/${prefix}`));
      const list = found.map(([id, { path }]) => `<Upload>${tag('Key', path.slice(bucket.length + 1))}${tag('UploadId', id)}</Upload>`);
      return xml('ListMultipartUploadsResult', tag('Bucket', bucket) + list.join('') + tag('IsTruncated', 'false'));
    }
    if (query.has('versioning')) return xml('VersioningConfiguration', '');
    if (query.has('location')) return xml('LocationConstraint', '');
    if (query.has('object-lock')) return failure(404, 'ObjectLockConfigurationNotFoundError');
    if (query.has('encryption')) return failure(404, 'ServerSideEncryptionConfigurationNotFoundError');
    const list = this.list(`${bucket}/${prefix}`).map(
      ({ key, size }) => `<Contents>${tag('Key', key.slice(bucket.length + 1))}${tag('Size', size)}</Contents>`,
    );
    return xml('ListBucketResult', tag('Name', bucket) + tag('KeyCount', list.length) + list.join('') + tag('IsTruncated', 'false'));
  }

  #create(request: Head, path: string): Reply {
    const uploadId = randomUUID();
    const algorithm = (request.headers['x-amz-checksum-algorithm'] ?? '').toLowerCase();
    const type = (request.headers['x-amz-checksum-type'] ?? 'COMPOSITE').toUpperCase();
    this.#uploads.set(uploadId, { path, algorithm, type, parts: new Map() });
    const [bucket = '', ...key] = path.split('/');
    const reply = xml('InitiateMultipartUploadResult', tag('Bucket', bucket) + tag('Key', key.join('/')) + tag('UploadId', uploadId));
    if (algorithm === '') return reply;
    return { ...reply, headers: { ...reply.headers, 'x-amz-checksum-algorithm': algorithm.toUpperCase(), 'x-amz-checksum-type': type } };
  }

  #part(request: Head, uploadId: string, query: URLSearchParams, body: Body): Reply {
    const upload = this.#uploads.get(uploadId);
    if (!upload) return failure(404, 'NoSuchUpload');
    const part = { size: body.size, etag: etagOf(request), checksums: body.checksums };
    upload.parts.set(Number(query.get('partNumber')), part);
    return { status: 200, headers: { etag: `"${part.etag}"`, ...part.checksums } };
  }

  #complete(request: Head, uploadId: string, body: Body): Reply {
    const upload = this.#uploads.get(uploadId);
    if (!upload) return failure(404, 'NoSuchUpload');
    if (request.headers['if-none-match'] === '*' && this.#objects.has(upload.path)) return failure(412, 'PreconditionFailed');
    const wanted = [...(body.content ?? '').toString().matchAll(/<PartNumber>(\d+)<\/PartNumber>/g)].map(([, number]) => Number(number));
    const parts = wanted.map((number) => upload.parts.get(number)).filter((part) => part !== undefined);
    if (parts.length === 0 || parts.length !== wanted.length) return failure(400, 'InvalidPart');
    const size = parts.reduce((sum, part) => sum + part.size, 0);
    const etag = compositeChecksum('md5', parts.map((part) => Buffer.from(part.etag, 'hex')), 'hex');
    const checksums = wholeChecksum(upload, parts);
    this.#uploads.delete(uploadId);
    this.#objects.set(upload.path, { size, etag, checksums, content: undefined, type: upload.type });
    const [bucket = '', ...key] = upload.path.split('/');
    const tags = [tag('Bucket', bucket), tag('Key', key.join('/')), tag('ETag', `"${etag}"`), checksumTags(checksums)];
    return xml('CompleteMultipartUploadResult', tags.join('') + (upload.algorithm === '' ? '' : tag('ChecksumType', upload.type)));
  }

  #put(request: Head, path: string, body: Body): Reply {
    if (request.headers['if-none-match'] === '*' && this.#objects.has(path)) return failure(412, 'PreconditionFailed');
    const stored = { size: body.size, etag: etagOf(request, body.content), checksums: body.checksums, content: body.content, type: 'FULL_OBJECT' };
    this.#objects.set(path, stored);
    return { status: 200, headers: { etag: `"${stored.etag}"`, ...stored.checksums } };
  }

  #parts(uploadId: string, query: URLSearchParams): Reply {
    const upload = this.#uploads.get(uploadId);
    if (!upload) return failure(404, 'NoSuchUpload');
    const marker = Number(query.get('part-number-marker') ?? 0);
    const all = [...upload.parts].filter(([number]) => number > marker).toSorted(([a], [b]) => a - b);
    const page = all.slice(0, 1000);
    const list = page.map(
      ([number, part]) =>
        `<Part>${tag('PartNumber', number)}${tag('ETag', `"${part.etag}"`)}${tag('Size', part.size)}${checksumTags(part.checksums)}</Part>`,
    );
    const more = tag('IsTruncated', String(all.length > page.length)) + tag('NextPartNumberMarker', page.at(-1)?.[0] ?? marker);
    return xml('ListPartsResult', tag('UploadId', uploadId) + more + list.join(''));
  }

  #get(path: string, wantsBody: boolean): Reply {
    const object = this.#objects.get(path);
    if (!object) return failure(404, 'NoSuchKey');
    if (wantsBody && !object.content) return failure(501, 'NotImplemented');
    const headers = {
      'content-length': String(object.size),
      etag: `"${object.etag}"`,
      'last-modified': new Date().toUTCString(),
      ...object.checksums,
      ...(Object.keys(object.checksums).length === 0 ? {} : { 'x-amz-checksum-type': object.type }),
    };
    return { status: 200, headers, ...(object.content ? { body: object.content } : {}) };
  }
}

/** The checksum S3 would report for a whole multipart object; none where a part lacks its own. */
function wholeChecksum({ algorithm, type }: Upload, parts: readonly Part[]): Checksums {
  const name = `x-amz-checksum-${algorithm}`;
  const digests = parts.map((part) => Buffer.from(part.checksums[name] ?? '', 'base64'));
  if (algorithm === '' || digests.some((digest) => digest.length === 0)) return {};
  if (algorithm === 'sha256' && type === 'COMPOSITE') return { [name]: compositeChecksum('sha256', digests, 'base64') };
  if (algorithm !== 'crc32' || type !== 'FULL_OBJECT') return {};
  const whole = Buffer.alloc(4);
  whole.writeUInt32BE(parts.reduce((crc, part, index) => combineCrc32(crc, digests[index]!.readUInt32BE(), part.size), 0));
  return { [name]: whole.toString('base64') };
}
