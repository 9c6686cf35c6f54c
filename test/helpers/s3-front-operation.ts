import type { IncomingMessage } from 'node:http';

/** What a request asks of S3 (path style), or of another AWS service behind the same endpoint. */
export type S3Operation = {
  /** As the SDK calls it: `UploadPart`, `PutObject`, …; `PutLogEvents` and the like for JSON services. */
  readonly operation: string;
  readonly method: string;
  readonly bucket: string;
  /** Decoded; empty for an operation on a bucket. */
  readonly key: string;
  readonly query: Readonly<Record<string, string>>;
  readonly partNumber?: number;
  readonly uploadId?: string;
};

const onObject = (method: string, query: Readonly<Record<string, string>>): string => {
  const has = (name: string): boolean => name in query;
  if (method === 'PUT') {
    if (has('partNumber')) return 'UploadPart';
    if (has('retention')) return 'PutObjectRetention';
    if (has('legal-hold')) return 'PutObjectLegalHold';
    if (has('tagging')) return 'PutObjectTagging';
    return 'PutObject';
  }
  if (method === 'POST') return has('uploads') ? 'CreateMultipartUpload' : has('uploadId') ? 'CompleteMultipartUpload' : 'PostObject';
  if (method === 'DELETE') return has('uploadId') ? 'AbortMultipartUpload' : 'DeleteObject';
  if (method === 'HEAD') return 'HeadObject';
  if (has('uploadId')) return 'ListParts';
  if (has('attributes')) return 'GetObjectAttributes';
  if (has('retention')) return 'GetObjectRetention';
  return 'GetObject';
};

const onBucket = (method: string, query: Readonly<Record<string, string>>): string => {
  if (method === 'HEAD') return 'HeadBucket';
  if (method === 'GET' && 'list-type' in query) return 'ListObjectsV2';
  if (method === 'GET' && 'uploads' in query) return 'ListMultipartUploads';
  if (method === 'GET' && 'versions' in query) return 'ListObjectVersions';
  const [first] = Object.keys(query).filter((name) => name !== 'x-id');
  const verb = { GET: 'Get', PUT: first === undefined ? 'Create' : 'Put', DELETE: 'Delete', POST: 'Post' }[method] ?? method;
  // ?object-lock → GetBucketObjectLock: a name to tell operations apart by, not always the SDK's
  return `${verb}Bucket${(first ?? '').replaceAll(/(^|-)([a-z])/g, (_, _dash, letter: string) => letter.toUpperCase())}`;
};

/** Reads what a request asks for. */
export const operationOf = (request: IncomingMessage): S3Operation => {
  const method = request.method ?? 'GET';
  const url = new URL(request.url ?? '/', 'http://front');
  const query = Object.fromEntries(url.searchParams);
  const [, bucket = '', ...rest] = url.pathname.split('/');
  const key = decodeURIComponent(rest.join('/'));
  const target = request.headers['x-amz-target'];
  const operation =
    typeof target === 'string' ? (target.split('.').at(-1) ?? target)
    : bucket === '' ? (method === 'GET' ? 'ListBuckets' : 'Other')
    : key === '' ? onBucket(method, query)
    : onObject(method, query);
  return {
    operation, method, bucket, key, query,
    ...(query.partNumber === undefined ? {} : { partNumber: Number(query.partNumber) }),
    ...(query.uploadId === undefined ? {} : { uploadId: query.uploadId }),
  };
};
