import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import {
  CompleteMultipartUploadCommand, CreateBucketCommand, CreateMultipartUploadCommand, GetObjectCommand, HeadObjectCommand,
  ListPartsCommand, PutObjectCommand, type PutObjectCommandInput, PutObjectLockConfigurationCommand, S3Client, type S3ServiceException, UploadPartCommand,
} from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { expect } from 'chai';
import { type Moto, startMoto } from './moto.ts';
import { checksumOf, combinedOf, compositeOf } from './s3-front-checksums.ts';
import { type FaultPlan, type S3Front, type S3FrontOptions, startS3Front } from './s3-front.ts';

const Bucket = 'evidence';
const MiB = 1024 * 1024;
const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('base64');
const PARTS = [randomBytes(5 * MiB), randomBytes(5 * MiB), randomBytes(12_345)];

describe('the verifying front', () => {
  let moto: Moto;
  let front: S3Front;
  let s3: S3Client;
  const opened: { stop(): Promise<void> }[] = [];

  /** A front of its own for one test, and a client that does not repeat what fails. */
  const open = async (options: Partial<S3FrontOptions> = {}, timeoutMs = 120_000): Promise<{ front: S3Front; s3: S3Client }> => {
    const opening = await startS3Front({ upstream: moto.endpoint, ...options });
    const client = new S3Client({
      endpoint: opening.endpoint, region: 'us-east-1', forcePathStyle: true, maxAttempts: 1, responseChecksumValidation: 'WHEN_REQUIRED', credentials: { accessKeyId: 'AKID', secretAccessKey: 'secret' },
      requestHandler: new NodeHttpHandler({ requestTimeout: timeoutMs, throwOnRequestTimeout: true, httpsAgent: new Agent({ ca: opening.ca }) }),
    });
    opened.push({ stop: () => opening.stop() }, { stop: async () => client.destroy() });
    return { front: opening, s3: client };
  };

  before(async () => {
    moto = await startMoto();
    ({ front, s3 } = await open());
    await s3.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }));
  });
  after(async () => {
    for (const server of opened) await server.stop();
    await moto?.stop();
  });

  /** What a request was refused with; fails the test when it was not refused. */
  const refusal = async (promise: Promise<unknown>): Promise<{ status: number | undefined; code: string }> =>
    await promise.then(
      () => { throw new Error('expected a refusal'); },
      (error: S3ServiceException) => ({ status: error.$metadata?.httpStatusCode, code: error.name }),
    );
  const put = (client: S3Client, Key: string, input: Partial<PutObjectCommandInput> = {}) => client.send(new PutObjectCommand({ Bucket, Key, Body: 'evidence', ...input }));
  const read = async (client: S3Client, Key: string): Promise<Buffer> =>
    Buffer.from(await ((await client.send(new GetObjectCommand({ Bucket, Key }))).Body?.transformToByteArray() ?? []));

  /** Starts an upload of PARTS and sends all its parts. */
  const upload = async (client: S3Client, Key: string, algorithm: 'SHA256' | 'CRC32', type: 'COMPOSITE' | 'FULL_OBJECT') => {
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key, ChecksumAlgorithm: algorithm, ChecksumType: type }));
    const Parts = [];
    for (const [index, Body] of PARTS.entries()) {
      const { ETag, ChecksumSHA256, ChecksumCRC32 } = await client.send(
        new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: index + 1, Body, ChecksumAlgorithm: algorithm }),
      );
      Parts.push({ PartNumber: index + 1, ETag, ...(ChecksumSHA256 ? { ChecksumSHA256 } : {}), ...(ChecksumCRC32 ? { ChecksumCRC32 } : {}) });
    }
    return { Bucket, Key, UploadId, MultipartUpload: { Parts } };
  };

  describe('checksums', () => {
    const wrong = sha256('something else');

    it('takes a streamed body with a checksum trailer apart and stores the bytes alone', async () => {
      const { front: tls, s3: client } = await open({ tls: true });
      const body = randomBytes(200_000);
      const { ChecksumSHA256 } = await put(client, 'streamed', { Body: Readable.from([body.subarray(0, 70_000), body.subarray(70_000)]), ContentLength: body.length, ChecksumAlgorithm: 'SHA256' });
      const { headers, status } = tls.requests.at(-1) ?? {};
      expect(headers?.['x-amz-content-sha256']).to.equal('STREAMING-UNSIGNED-PAYLOAD-TRAILER');
      expect(headers?.['x-amz-trailer']).to.equal('x-amz-checksum-sha256');
      expect(status).to.equal(200);
      expect(ChecksumSHA256).to.equal(sha256(body));
      expect((await read(client, 'streamed')).equals(body)).to.equal(true);
      expect((await client.send(new HeadObjectCommand({ Bucket, Key: 'streamed' }))).ContentEncoding).to.equal(undefined);
    });

    it('refuses a wrong SHA-256, CRC32, CRC32C, CRC64NVME or MD5 of an object, and keeps nothing', async () => {
      for (const claim of [{ ChecksumSHA256: wrong }, { ChecksumCRC32: 'AAAAAA==' }, { ChecksumCRC32C: 'AAAAAA==' }, { ChecksumCRC64NVME: 'AAAAAAAAAAA=' }]) {
        expect(await refusal(put(s3, 'wrong', claim)), JSON.stringify(claim)).to.deep.equal({ status: 400, code: 'BadDigest' });
      }
      expect(await refusal(put(s3, 'wrong', { ContentMD5: createHash('md5').update('no').digest('base64') }))).to.deep.equal({ status: 400, code: 'BadDigest' });
      expect(await refusal(read(s3, 'wrong'))).to.deep.equal({ status: 404, code: 'NoSuchKey' });
    });

    it('refuses a trailer whose checksum is wrong, and one that was announced and did not come', async () => {
      const { front: tls } = await open({ tls: true });
      expect(await sendChunked(tls, ['evidence'], `x-amz-checksum-sha256:${wrong}`)).to.match(/^400 .*BadDigest/s);
      expect(await sendChunked(tls, ['evidence'], '')).to.match(/^400 .*MalformedTrailerError/s);
      expect(await sendChunked(tls, ['evidence'], `x-amz-checksum-sha256:${sha256('evidence')}`)).to.match(/^200 /);
    });

    it('refuses a body that is not as long as it says, and small chunks before the last', async () => {
      const { front: tls } = await open({ tls: true });
      const trailer = `x-amz-checksum-sha256:${sha256('evidence')}`;
      expect(await sendChunked(tls, ['evidence'], trailer, 9)).to.match(/^400 .*IncompleteBody/s);
      expect(await sendChunked(tls, ['evid', 'ence'], trailer)).to.match(/^403 .*InvalidChunkSizeError/s);
    });

    it('refuses objects and parts without a checksum when the bucket asks for one, and takes Content-MD5 for it', async () => {
      const { front: strict } = await open({ requireChecksum: true });
      const send = async (path: string, headers: Record<string, string>): Promise<string> => {
        const response = await fetch(`${strict.endpoint}/${Bucket}/${path}`, { method: 'PUT', body: 'evidence', headers: { ...ANY_SIGNATURE, ...headers } });
        return `${response.status} ${await response.text()}`;
      };
      expect(await send('bare', {})).to.match(/^400 .*InvalidRequest/s);
      expect(await send('bare?partNumber=1&uploadId=x', {})).to.match(/^400 .*InvalidRequest/s);
      expect(await send('bare', { 'content-md5': createHash('md5').update('evidence').digest('base64') })).to.match(/^200 /);
    });

    it('computes the checks that the CRC catalogue publishes', async () => {
      const text = Buffer.from('123456789');
      const hex = async (name: Parameters<typeof checksumOf>[0]): Promise<string> => Buffer.from(await checksumOf(name, text), 'base64').toString('hex');
      expect(await hex('crc32')).to.equal('cbf43926');
      expect(await hex('crc32c')).to.equal('e3069283');
      expect(await hex('crc64nvme')).to.equal('ae8b14860a799888');
    });

    it('combines the CRCs of parts to that of the whole', async () => {
      for (const name of ['crc32', 'crc32c', 'crc64nvme'] as const) {
        const parts = await Promise.all(PARTS.map(async (part) => ({ checksum: await checksumOf(name, part), length: part.length })));
        expect(combinedOf(name, parts), name).to.equal(await checksumOf(name, Buffer.concat(PARTS)));
      }
    });
  });

  describe('multipart uploads', () => {
    it('gives back each part\'s SHA-256 when it is stored and listed, and the composite at the end', async () => {
      const input = await upload(s3, 'composite', 'SHA256', 'COMPOSITE');
      expect(input.MultipartUpload.Parts.map(({ ChecksumSHA256 }) => ChecksumSHA256)).to.deep.equal(PARTS.map(sha256));
      const listed = await s3.send(new ListPartsCommand(input));
      expect(listed.Parts?.map(({ ChecksumSHA256, Size }) => [ChecksumSHA256, Size])).to.deep.equal(PARTS.map((part) => [sha256(part), part.length]));
      expect([listed.ChecksumAlgorithm, listed.ChecksumType]).to.deep.equal(['SHA256', 'COMPOSITE']);

      const composite = `${sha256(Buffer.concat(PARTS.map((part) => createHash('sha256').update(part).digest())))}-3`;
      const done = await s3.send(new CompleteMultipartUploadCommand({ ...input, MpuObjectSize: PARTS.reduce((sum, part) => sum + part.length, 0), IfNoneMatch: '*' }));
      expect([done.ChecksumSHA256, done.ChecksumType]).to.deep.equal([composite, 'COMPOSITE']);
      const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'composite', ChecksumMode: 'ENABLED' }));
      expect([head.ChecksumSHA256, head.ChecksumType, head.VersionId]).to.deep.equal([composite, 'COMPOSITE', done.VersionId]);
      expect((await s3.send(new HeadObjectCommand({ Bucket, Key: 'composite' }))).ChecksumSHA256, 'not asked for').to.equal(undefined);
      expect(composite).to.equal(await compositeOf('sha256', PARTS.map(sha256)));
      expect((await read(s3, 'composite')).equals(Buffer.concat(PARTS))).to.equal(true);
    });

    it('gives an object of CRC32 parts the CRC32 of the whole, and compares it with what completion claims', async () => {
      const input = await upload(s3, 'full', 'CRC32', 'FULL_OBJECT');
      const whole = await checksumOf('crc32', Buffer.concat(PARTS));
      const complete = (ChecksumCRC32: string) => s3.send(new CompleteMultipartUploadCommand({ ...input, ChecksumCRC32, ChecksumType: 'FULL_OBJECT' }));
      expect(await refusal(complete('AAAAAA=='))).to.deep.equal({ status: 400, code: 'BadDigest' });
      expect(await complete(whole)).to.include({ ChecksumCRC32: whole, ChecksumType: 'FULL_OBJECT' });
      expect(await s3.send(new HeadObjectCommand({ Bucket, Key: 'full', ChecksumMode: 'ENABLED' }))).to.include({ ChecksumCRC32: whole, ChecksumType: 'FULL_OBJECT' });
    });

    it('refuses a part with a wrong checksum, with another algorithm\'s, and with none', async () => {
      const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'parts', ChecksumAlgorithm: 'SHA256' }));
      const part = (claim: object) => s3.send(new UploadPartCommand({ Bucket, Key: 'parts', UploadId, PartNumber: 1, Body: 'evidence', ...claim }));
      expect(await refusal(part({ ChecksumSHA256: sha256('x') }))).to.deep.equal({ status: 400, code: 'BadDigest' });
      expect(await refusal(part({ ChecksumAlgorithm: 'CRC32' }))).to.deep.equal({ status: 400, code: 'InvalidRequest' });
      const bare = await fetch(`${front.endpoint}/${Bucket}/parts?partNumber=1&uploadId=${UploadId}`, { method: 'PUT', body: 'evidence', headers: ANY_SIGNATURE });
      expect(await bare.text()).to.match(/actual checksum Type: null/);
      expect((await s3.send(new ListPartsCommand({ Bucket, Key: 'parts', UploadId }))).Parts ?? []).to.deep.equal([]);
    });

    it('refuses a completion that is wrong about a part, an order, a size or a type, and then takes the right one', async () => {
      const input = await upload(s3, 'picky', 'SHA256', 'COMPOSITE');
      const [first, second, third] = input.MultipartUpload.Parts;
      const complete = (Parts: unknown[], more: object = {}) =>
        s3.send(new CompleteMultipartUploadCommand({ ...input, MultipartUpload: { Parts: Parts as (typeof first & object)[] }, ...more }));
      expect(await refusal(complete([{ ...first, ChecksumSHA256: sha256('x') }, second, third]))).to.deep.equal({ status: 400, code: 'InvalidPart' });
      expect(await refusal(complete([{ ...first, ETag: '"0"' }, second, third]))).to.deep.equal({ status: 400, code: 'InvalidPart' });
      expect(await refusal(complete([{ PartNumber: 1, ETag: first?.ETag }, second, third]))).to.deep.equal({ status: 400, code: 'InvalidRequest' });
      expect(await refusal(complete([second, first, third]))).to.deep.equal({ status: 400, code: 'InvalidPartOrder' });
      expect(await refusal(complete([first, second, third], { MpuObjectSize: 1 }))).to.deep.equal({ status: 400, code: 'InvalidRequest' });
      expect(await refusal(complete([first, second, third], { ChecksumType: 'FULL_OBJECT' }))).to.deep.equal({ status: 400, code: 'InvalidRequest' });
      expect((await complete([first, second, third])).ChecksumSHA256).to.match(/-3$/);
    });

    it('keeps an upload over a change of fronts', async () => {
      const input = await upload(s3, 'handed-over', 'SHA256', 'COMPOSITE');
      const { s3: other } = await open();
      expect((await other.send(new ListPartsCommand(input))).Parts?.map(({ ChecksumSHA256 }) => ChecksumSHA256)).to.deep.equal(PARTS.map(sha256));
      expect((await other.send(new CompleteMultipartUploadCommand(input))).ChecksumSHA256).to.match(/-3$/);
    });
  });

  it('gives an object that was completed the bucket\'s default retention, as one that was put', async () => {
    const locked = `${Bucket}-locked`;
    await s3.send(new CreateBucketCommand({ Bucket: locked, ObjectLockEnabledForBucket: true }));
    const Rule = { DefaultRetention: { Mode: 'COMPLIANCE', Days: 3 } } as const;
    await s3.send(new PutObjectLockConfigurationCommand({ Bucket: locked, ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled', Rule } }));
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket: locked, Key: 'k', ChecksumAlgorithm: 'SHA256' }));
    const { ETag, ChecksumSHA256 } = await s3.send(new UploadPartCommand({ Bucket: locked, Key: 'k', UploadId, PartNumber: 1, Body: 'evidence', ChecksumAlgorithm: 'SHA256' }));
    await s3.send(new CompleteMultipartUploadCommand({ Bucket: locked, Key: 'k', UploadId, MultipartUpload: { Parts: [{ PartNumber: 1, ETag, ChecksumSHA256 }] } }));
    const { ObjectLockMode, ObjectLockRetainUntilDate } = await s3.send(new HeadObjectCommand({ Bucket: locked, Key: 'k' }));
    expect(ObjectLockMode).to.equal('COMPLIANCE');
    expect(ObjectLockRetainUntilDate?.getTime()).to.be.closeTo(Date.now() + 3 * 24 * 3600 * 1000, 24 * 3600 * 1000);
  });

  describe('If-None-Match: *', () => {
    it('refuses to overwrite an object, in one piece and in parts', async () => {
      await put(s3, 'taken', { IfNoneMatch: '*' });
      expect(await refusal(put(s3, 'taken', { Body: 'other', IfNoneMatch: '*' }))).to.deep.equal({ status: 412, code: 'PreconditionFailed' });
      const input = await upload(s3, 'taken', 'SHA256', 'COMPOSITE');
      expect(await refusal(s3.send(new CompleteMultipartUploadCommand({ ...input, IfNoneMatch: '*' })))).to.deep.equal({ status: 412, code: 'PreconditionFailed' });
      expect((await read(s3, 'taken')).toString()).to.equal('evidence');
    });

    it('lets exactly one of many writers at once through', async () => {
      const outcomes = await Promise.allSettled(Array.from({ length: 5 }, (_, writer) => put(s3, 'contended', { Body: `writer ${writer}`, IfNoneMatch: '*' })));
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).to.have.length(1);
    });
  });

  describe('before a store that checks nothing', () => {
    let credulous: Awaited<ReturnType<typeof startCredulous>>;
    before(async () => {
      credulous = await startCredulous();
      opened.push(credulous);
    });

    it('is itself the one that refuses to overwrite, and lets one of many writers through', async () => {
      const { s3: client } = await open({ upstream: credulous.upstream });
      const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => put(client, 'contended', { IfNoneMatch: '*' })));
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).to.have.length(1);
      expect(await refusal(put(client, 'contended', { IfNoneMatch: '*' }))).to.deep.equal({ status: 412, code: 'PreconditionFailed' });
    });

    it('is itself the one that refuses a foreign entity tag and a part that is too small', async () => {
      const { s3: client } = await open({ upstream: credulous.upstream });
      const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'tags' }));
      for (const PartNumber of [1, 2]) await client.send(new UploadPartCommand({ Bucket, Key: 'tags', UploadId, PartNumber, Body: 'small' }));
      const complete = (...tags: string[]) => client.send(new CompleteMultipartUploadCommand({
        Bucket, Key: 'tags', UploadId, MultipartUpload: { Parts: tags.map((ETag, index) => ({ PartNumber: index + 1, ETag })) },
      }));
      expect(await refusal(complete('"4567"'))).to.deep.equal({ status: 400, code: 'InvalidPart' });
      expect(await refusal(complete('"0123"', '"0123"'))).to.deep.equal({ status: 400, code: 'EntityTooSmall' });
      await complete('"0123"');
    });

    it('hands on a body and headers without any trace of the framing', async () => {
      const { front: tls } = await open({ tls: true, upstream: credulous.upstream });
      expect(await sendChunked(tls, ['evidence'], `x-amz-checksum-sha256:${sha256('evidence')}`)).to.match(/^200 /);
      const headers = credulous.lastPut();
      expect(headers['content-length']).to.equal('8');
      expect(headers).to.not.have.any.keys('content-encoding', 'x-amz-trailer', 'x-amz-decoded-content-length');
    });
  });

  describe('faults', () => {
    const failing = (plan: FaultPlan, timeoutMs?: number) => open({ faults: plan }, timeoutMs);
    const onPut = (fault: ReturnType<FaultPlan>): FaultPlan => ({ operation }) => (operation === 'PutObject' ? fault : undefined);
    const codeOfError = async (promise: Promise<unknown>): Promise<string | undefined> =>
      await promise.then(() => 'no error', (error: Error & { code?: string }) => error.code ?? error.name);

    it('answers with a status and S3\'s error, once, and records both attempts', async () => {
      const { front: faulty, s3: client } = await failing(({ operation, attempt }) => (operation === 'PutObject' && attempt === 1 ? { kind: 'status', status: 503 } : undefined));
      expect(await refusal(put(client, 'slow-down'))).to.deep.equal({ status: 503, code: 'SlowDown' });
      await put(client, 'slow-down');
      expect(faulty.requests.map(({ operation, key, attempt, fault, status }) => [operation, key, attempt, fault, status])).to.deep.equal([
        ['PutObject', 'slow-down', 1, 'status', 503],
        ['PutObject', 'slow-down', 2, undefined, 200],
      ]);
    });

    it('hides an error in a 200 of CompleteMultipartUpload', async () => {
      const { s3: client } = await failing(({ operation }) => (operation === 'CompleteMultipartUpload' ? { kind: 'status', status: 200, code: 'InternalError' } : undefined));
      const input = await upload(client, 'error-in-200', 'SHA256', 'COMPOSITE');
      expect((await refusal(client.send(new CompleteMultipartUploadCommand(input)))).code).to.equal('InternalError');
    });

    it('pretends to complete an upload, which then still has its parts', async () => {
      const { s3: client } = await failing(({ operation }) => (operation === 'CompleteMultipartUpload' ? { kind: 'pretend' } : undefined));
      const input = await upload(client, 'pretended', 'SHA256', 'COMPOSITE');
      const { ChecksumSHA256 } = await client.send(new CompleteMultipartUploadCommand(input));
      expect(await refusal(read(s3, 'pretended'))).to.deep.equal({ status: 404, code: 'NoSuchKey' });
      expect((await s3.send(new CompleteMultipartUploadCommand(input))).ChecksumSHA256).to.equal(ChecksumSHA256).and.to.match(/-\d$/);
    });

    it('lets something else answer, and stores nothing', async () => {
      const { s3: client } = await failing(onPut({ kind: 'foreign' }));
      const { ETag, ChecksumSHA256 } = await put(client, 'foreign', { ChecksumAlgorithm: 'SHA256' });
      expect([ETag, ChecksumSHA256]).to.deep.equal([undefined, undefined]);
      expect(await refusal(read(s3, 'foreign'))).to.deep.equal({ status: 404, code: 'NoSuchKey' });
    });

    it('breaks the connection after so many bytes of the body', async () => {
      const { front: faulty, s3: client } = await failing(onPut({ kind: 'reset', afterBytes: 100_000 }));
      expect(await codeOfError(put(client, 'reset', { Body: randomBytes(5 * MiB) }))).to.be.oneOf(['ECONNRESET', 'EPIPE']);
      expect(faulty.requests[0]?.bytes).to.be.within(100_000, 400_000);
      expect(faulty.requests[0]?.status).to.equal(undefined);
    });

    it('accepts and never answers', async () => {
      const { s3: client } = await failing(onPut({ kind: 'black-hole' }), 300);
      expect(await codeOfError(put(client, 'black-hole'))).to.be.oneOf(['TimeoutError', 'ETIMEDOUT']);
      expect(await refusal(read(s3, 'black-hole'))).to.deep.equal({ status: 404, code: 'NoSuchKey' });
    });

    it('carries a request out and loses the answer', async () => {
      const { s3: client } = await failing(onPut({ kind: 'lose-response' }));
      expect(await codeOfError(put(client, 'lost-answer'))).to.equal('ECONNRESET');
      expect((await read(s3, 'lost-answer')).toString()).to.equal('evidence');
    });

    it('breaks off in the middle of an answer', async () => {
      const { s3: client } = await failing(({ operation }) => (operation === 'GetObject' ? { kind: 'truncate-response', afterBytes: 4 } : undefined));
      await put(client, 'truncated');
      expect(await codeOfError(read(client, 'truncated'))).to.be.oneOf(['ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE']);
    });

    it('flips a byte on the way in, which a checksum finds', async () => {
      const { s3: client } = await failing(onPut({ kind: 'corrupt', at: 3 }));
      expect(await refusal(put(client, 'corrupt'))).to.deep.equal({ status: 400, code: 'BadDigest' });
    });

    it('flips a byte after it was verified, which only reading it again finds', async () => {
      const { s3: client } = await failing(onPut({ kind: 'corrupt-silently', at: 0 }));
      expect((await put(client, 'bit-rot', { ChecksumAlgorithm: 'SHA256' })).ChecksumSHA256).to.equal(sha256('evidence'));
      expect([...(await read(s3, 'bit-rot'))]).to.deep.equal([...Buffer.from('evidence')].map((byte, index) => (index === 0 ? byte ^ 0xff : byte)));
    });

    it('flips a byte on the way out', async () => {
      const { s3: client } = await failing(({ operation }) => (operation === 'GetObject' ? { kind: 'corrupt-response', at: 7 } : undefined));
      await put(client, 'flipped');
      expect((await read(client, 'flipped')).toString('latin1')).to.equal(`evidenc${String.fromCharCode('e'.charCodeAt(0) ^ 0xff)}`);
    });

    it('delays, and caps the rate', async () => {
      const { s3: slow } = await failing(onPut({ kind: 'delay', ms: 300 }));
      const { s3: narrow } = await failing(onPut({ kind: 'throttle', bytesPerSecond: 4 * MiB }));
      const timed = async (promise: Promise<unknown>): Promise<number> => {
        const started = performance.now();
        await promise;
        return performance.now() - started;
      };
      expect(await timed(put(slow, 'delayed'))).to.be.at.least(300);
      expect(await timed(put(narrow, 'narrow', { Body: randomBytes(2 * MiB) }))).to.be.at.least(400);
    });
  });
});

/** The most credulous of stores: takes everything, checks nothing. Tells what headers the last PUT came with. */
const startCredulous = async (): Promise<{ upstream: string; lastPut(): IncomingHttpHeaders; stop(): Promise<void> }> => {
  const keys = new Set<string | undefined>();
  let lastPut: IncomingHttpHeaders = {};
  const server = createServer((request, response) => {
    const [path] = (request.url ?? '').split('?');
    request.resume().once('end', () => {
      if (request.method === 'PUT') lastPut = request.headers;
      const answer = (): void => {
        const status = request.method === 'HEAD' && !keys.has(path) ? 404 : 200;
        if (request.method === 'PUT') keys.add(path);
        response.writeHead(status, { etag: '"0123"' }).end(request.method === 'POST' ? '<Result><UploadId>upload</UploadId></Result>' : '');
      };
      setTimeout(answer, request.method === 'PUT' ? 50 : 0); // time enough for a second writer to look
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    upstream: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lastPut: () => lastPut,
    stop: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
};

/** What moto tells services apart by; it does not check it. */
const ANY_SIGNATURE = { authorization: 'AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0' };

/** Puts an aws-chunked body made by hand; resolves with the status and the body. */
const sendChunked = (front: S3Front, chunks: string[], trailer: string, length = chunks.join('').length): Promise<string> =>
  new Promise((resolve, reject) => {
    const body = `${chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')}0\r\n${trailer === '' ? '' : `${trailer}\r\n`}\r\n`;
    const request = httpsRequest(`${front.endpoint}/${Bucket}/by-hand`, {
      method: 'PUT',
      ca: front.ca,
      headers: {
        ...ANY_SIGNATURE, 'content-length': Buffer.byteLength(body), 'content-encoding': 'aws-chunked', 'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
        'x-amz-trailer': 'x-amz-checksum-sha256', 'x-amz-decoded-content-length': length,
      },
    }, (response) => {
      response.setEncoding('utf8').toArray().then((text) => resolve(`${response.statusCode} ${text.join('')}`), reject);
    });
    request.once('error', reject);
    request.end(body);
  });
