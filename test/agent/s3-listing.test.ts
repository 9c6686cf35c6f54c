import { CreateMultipartUploadCommand, type S3Client } from '@aws-sdk/client-s3';
import { expect } from 'chai';
import { partsOfUpload, uploadsUnder } from '../../agent/adapters/stores/s3-listing.ts';
import { pagesOf } from '../../agent/adapters/stores/s3-pages.ts';
import { S3Store } from '../../agent/adapters/stores/s3-store.ts';
import { messageOf } from '../../agent/errors.ts';
import { startMotoFront, type MotoFront } from '../helpers/moto-front.ts';
import { rejectionOf } from '../helpers/rejection.ts';
import type { Fault } from '../helpers/s3-front.ts';
import { newBucket, s3ClientOf, useCredentials } from '../helpers/s3-store.ts';

const live = new AbortController().signal;

describe('a list of what a bucket has', () => {
  let front: MotoFront;
  let client: S3Client;
  let bucket: string;
  let fault: Fault | undefined;
  /** What is listed though the fault is there. */
  let isWell: (operation: string, key: string) => boolean = () => false;
  before(async () => {
    useCredentials();
    front = await startMotoFront({ faults: ({ operation, key }) => (operation.startsWith('List') && !isWell(operation, key) ? fault : undefined) });
    client = s3ClientOf(front);
    bucket = await newBucket(client);
  });
  afterEach(() => {
    fault = undefined;
    isWell = () => false;
  });
  after(async () => {
    client.destroy();
    await front.stop();
  });

  const lists: readonly [what: string, operation: string, ask: () => Promise<unknown>][] = [
    ['of uploads', 'ListMultipartUploads', () => Array.fromAsync(uploadsUnder(client, bucket, '', live))],
    ['of parts', 'ListParts', () => partsOfUpload(client, bucket, 'image', 'upload', live)],
    ['of objects', 'ListObjectsV2', () => Array.fromAsync(new S3Store({ client, bucket, prefix: '', algorithm: 'SHA256' }).list('', live))],
  ];
  for (const [what, operation, ask] of lists) {
    it(`${what} is given up when it goes on where it was already`, async () => {
      fault = { kind: 'endless-list' };
      const error = await rejectionOf(ask());
      expect(error).to.include({ name: 'StageError', stage: 'store', code: 'LIST_REPEATS', retryable: false });
      expect(error.message).to.match(/^the store's list goes on at \["again","(again)?"\], where it was already: it would never end$/);
      expect(front.requests.filter((request) => request.operation === operation)).to.have.length(2);
    });
  }

  it('of parts is given up when it has more of them than an upload can have, however far it goes on', async () => {
    fault = { kind: 'endless-list', advancing: true };
    const since = front.requests.length;
    const error = await rejectionOf(partsOfUpload(client, bucket, 'image', 'upload', live));
    expect(error).to.include({ code: 'LIST_REPEATS' });
    expect(error.message).to.equal(`listing the parts of s3://${bucket}/image gave more than 10000 parts: it would never end`);
    const markers = front.requests.slice(since).map(({ query }) => query['part-number-marker']);
    expect(markers).to.deep.equal([undefined, ...Array.from({ length: 10 }, (_, page) => String((page + 1) * 1000))]);
  });

  it('of parts is undefined for an upload that is gone, and empty for one that is not', async () => {
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: 'image' }));
    expect(await partsOfUpload(client, bucket, 'image', UploadId!, live)).to.deep.equal([]);
    expect(await partsOfUpload(client, bucket, 'image', 'gone', live)).to.equal(undefined);
  });

  it('is asked for page by page, and ends with the first that says so, whatever marker that has', async () => {
    const pages = [{ IsTruncated: true, next: 'b' }, { IsTruncated: true, next: 'c' }, { IsTruncated: false, next: 'c' }];
    const asked: (string | undefined)[] = [];
    const ask = (page?: (typeof pages)[number]) => Promise.resolve(pages[asked.push(page?.next) - 1]!);
    expect(await Array.fromAsync(pagesOf(ask, ({ next }) => [next]))).to.deep.equal(pages);
    expect(asked).to.deep.equal([undefined, 'b', 'c']);
  });

  it('that goes on, and does not say where, is given up too', async () => {
    const page = { IsTruncated: true };
    expect(await rejectionOf(Array.fromAsync(pagesOf(() => Promise.resolve(page), () => [undefined])))).to.include({ code: 'LIST_REPEATS' });
  });

  it('ends with an error where it always goes on, and never where it was', async () => {
    let asked = 0;
    const ask = (): Promise<{ IsTruncated: true }> => Promise.resolve({ IsTruncated: true });
    const error = await rejectionOf(Array.fromAsync(pagesOf(ask, () => [String(asked++)])));
    expect(error).to.include({ code: 'LIST_REPEATS', message: "the store's list has more than 100000 pages: it would never end" });
    expect(asked).to.equal(100_000);
  });

  it('of unfinished uploads tells of one whose parts may not be listed, and goes on with the others', async () => {
    const begin = (Key: string) => client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key }));
    for (const name of ['secret', 'well']) await begin(`listed/${name}`);
    const store = new S3Store({ client, bucket, prefix: 'listed', algorithm: 'SHA256' });
    fault = { kind: 'status', status: 403 };
    isWell = (operation, key) => operation === 'ListMultipartUploads' || key === 'listed/well';
    const unreadable: string[] = [];
    const found = store.unfinished('', live, (key, error) => unreadable.push(`${key}: ${messageOf(error)}`));
    expect((await Array.fromAsync(found)).map(({ key }) => key)).to.deep.equal(['well']);
    expect(unreadable).to.have.length(1);
    expect(unreadable[0]).to.match(/^secret: listing the parts of .*listed\/secret failed: .*\(403/);
    expect(await rejectionOf(Array.fromAsync(store.unfinished('', live)))).to.include({ code: 'STORE_REFUSED' });
  });
});
