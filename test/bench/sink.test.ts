import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { Agent } from 'node:https';
import { crc32 } from 'node:zlib';
import { CompleteMultipartUploadCommand, CreateMultipartUploadCommand, HeadObjectCommand, ListPartsCommand, PutObjectCommand, S3Client, UploadPartCommand } from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { expect } from 'chai';
import { startSink, type Door, type Sink } from './start-sink.ts';

const PART = Buffer.alloc(5 * 1024 ** 2, 'first part ');
const REST = Buffer.from('the rest');
const SLOW = { latencyMs: 40, bytesPerSecond: 10_000_000 };

const crcOf = (bytes: Buffer): string => {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE(crc32(bytes));
  return buffer.toString('base64');
};

/** Uploads both parts as streams, so that their checksums come in trailers. */
async function upload(s3: S3Client, Key: string, algorithm: 'SHA256' | 'CRC32', type: 'COMPOSITE' | 'FULL_OBJECT') {
  const at = { Bucket: 'bench', Key };
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ ...at, ChecksumAlgorithm: algorithm, ChecksumType: type }));
  const Parts = [];
  for (const [index, bytes] of [PART, REST].entries()) {
    const part = { ...at, UploadId, PartNumber: index + 1, ChecksumAlgorithm: algorithm, ContentLength: bytes.length };
    const sent = await s3.send(new UploadPartCommand({ ...part, Body: Readable.from([bytes.subarray(0, 5), bytes.subarray(5)], { objectMode: false }) }));
    Parts.push({ PartNumber: index + 1, ETag: sent.ETag, ChecksumSHA256: sent.ChecksumSHA256, ChecksumCRC32: sent.ChecksumCRC32 });
  }
  const listed = await s3.send(new ListPartsCommand({ ...at, UploadId }));
  const completed = await s3.send(new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload: { Parts } }));
  return { Parts, listed, completed, head: await s3.send(new HeadObjectCommand({ ...at, ChecksumMode: 'ENABLED' })) };
}

describe('the bench sink', () => {
  let folder: string;
  let sink: Sink;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cleanroom-sink-'));
    sink = await startSink(folder, SLOW);
  });
  after(async () => {
    await sink[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  async function client(door: Door): Promise<S3Client> {
    const httpsAgent = new Agent({ ca: await readFile(sink.caFile), keepAlive: true });
    return new S3Client({
      endpoint: sink.endpoint(door),
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' },
      requestHandler: new NodeHttpHandler({ httpsAgent }),
      maxAttempts: 1,
    });
  }

  it('echoes the SHA-256 in a part\'s trailer and composes the object\'s from them', async () => {
    const { Parts, listed, completed, head } = await upload(await client('https'), 'sha256', 'SHA256', 'COMPOSITE');
    const digests = [PART, REST].map((bytes) => createHash('sha256').update(bytes).digest());
    expect(Parts.map(({ ChecksumSHA256 }) => ChecksumSHA256)).to.deep.equal(digests.map((digest) => digest.toString('base64')));
    expect(listed.Parts?.map(({ Size }) => Size)).to.deep.equal([PART.length, REST.length]);
    const composite = `${createHash('sha256').update(Buffer.concat(digests)).digest('base64')}-2`;
    expect(completed.ChecksumSHA256).to.equal(composite);
    expect(head).to.include({ ContentLength: PART.length + REST.length, ChecksumSHA256: composite, ChecksumType: 'COMPOSITE' });
  });

  it('combines the parts\' CRC32 into that of the whole object', async () => {
    const { completed, head } = await upload(await client('https'), 'crc32', 'CRC32', 'FULL_OBJECT');
    const whole = crcOf(Buffer.concat([PART, REST]));
    expect(completed).to.include({ ChecksumCRC32: whole, ChecksumType: 'FULL_OBJECT' });
    expect(head.ChecksumCRC32).to.equal(whole);
  });

  it('tells what is stored and reads small objects back', async () => {
    const s3 = await client('http');
    await s3.send(new PutObjectCommand({ Bucket: 'bench', Key: 'run-1/manifest.json', Body: Readable.from([Buffer.from('{"a":1}')]), ContentLength: 7 }));
    expect(await sink.list('bench/run-1/')).to.deep.equal([{ key: 'bench/run-1/manifest.json', size: 7, text: '{"a":1}' }]);
    await sink.forget('bench/run-1/');
    expect(await sink.list('bench/run-1/')).to.deep.equal([]);
  });

  it('refuses to overwrite when it is asked to', async () => {
    const s3 = await client('http');
    const put = () => s3.send(new PutObjectCommand({ Bucket: 'bench', Key: 'once', Body: 'a', IfNoneMatch: '*' }));
    await put();
    const status = await put().then(() => 200, (error: { $metadata: { httpStatusCode: number } }) => error.$metadata.httpStatusCode);
    expect(status).to.equal(412);
  });

  it('holds a connection through the slow door to its latency and rate', async () => {
    const s3 = await client('slow');
    const time = async (bytes: Buffer): Promise<number> => {
      const started = performance.now();
      await s3.send(new PutObjectCommand({ Bucket: 'bench', Key: 'slow', Body: bytes }));
      return performance.now() - started;
    };
    const connecting = await time(Buffer.from('a'));
    expect(connecting).to.be.greaterThan(3 * SLOW.latencyMs - 5); // TCP, TLS, answer
    const small = await time(Buffer.from('a'));
    expect(small).to.be.greaterThan(SLOW.latencyMs - 5);
    const large = await time(PART);
    expect(large).to.be.greaterThan((PART.length / SLOW.bytesPerSecond) * 1000);
    expect(large).to.be.lessThan((PART.length / SLOW.bytesPerSecond) * 1000 * 3 + 1000); // else it is paced twice
  });
});
