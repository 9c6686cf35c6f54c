import { readFileSync, writeFileSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { createS3Client } from '../../agent/adapters/stores/s3-client.ts';
import type { PartChecksumAlgorithm } from '../../agent/adapters/stores/evidence-store.ts';
import { S3Store } from '../../agent/adapters/stores/s3-store.ts';
import { StageError } from '../../agent/errors.ts';
import { imageKey, LogEvent, MiB, recordKey } from '../../modules/vocabulary/index.ts';
import {
  CASE, collectFrom, doneOf, errorOf, EXHIBIT, flipByte, imageIn, makeImage, manifestIn, type Outcome, PART, problemsIn, readAll, type CollectPlan,
} from '../helpers/collect.ts';
import { startMotoFront, type MotoFront } from '../helpers/moto-front.ts';
import type { Fault, FaultPlan, RecordedRequest } from '../helpers/s3-front.ts';
import { newBucket, s3ClientOf, useCredentials } from '../helpers/s3-store.ts';
import { tempDir } from '../helpers/temp-dir.ts';

/** Four parts and a bit. */
const SIZE = 4 * PART + 123_457;
const MANIFEST = recordKey(CASE, EXHIBIT, 'manifest.json');

describe('an acquisition into S3', function () {
  let front: MotoFront;
  let faults: FaultPlan | undefined;
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let client: S3Client;
  /** Past the front, for what others do. */
  let behind: S3Client;
  let bucket: string;
  let store: S3Store;
  let path: string;
  let image: Buffer;
  /** Requests of this test alone. */
  let since = 0;

  before(async () => {
    useCredentials();
    front = await startMotoFront({ requireChecksum: true, faults: (request) => faults?.(request) });
    dir = await tempDir();
    path = `${dir.path}/disk.img`;
    client = s3ClientOf(front);
    behind = s3ClientOf(front.moto);
  });
  beforeEach(async () => {
    faults = undefined;
    image = await makeImage(path, SIZE).catch(async () => {
      await chmod(path, 0o644);
      return makeImage(path, SIZE);
    });
    bucket = await newBucket(client);
    store = storeWith();
    since = front.requests.length;
  });
  afterEach(() => store.close());
  after(async () => {
    client.destroy();
    behind.destroy();
    await front.stop();
    await dir.remove();
  });

  const storeWith = (options: { algorithm?: PartChecksumAlgorithm; kmsKeyId?: string; endpoint?: string } = {}): S3Store => {
    const { algorithm = 'SHA256', kmsKeyId, endpoint = front.endpoint } = options;
    const s3 = createS3Client({ endpoint, region: 'us-east-1', concurrency: 4, requestTimeoutSeconds: 120 });
    return new S3Store({ client: s3, bucket, prefix: 'evidence', algorithm, outageMs: 2000, ...(kmsKeyId === undefined ? {} : { kmsKeyId }) });
  };
  const acquire = (plan: Partial<CollectPlan> = {}): Promise<Outcome> => collectFrom({ store, path, scratchDir: dir.path, ...plan });
  const asked = (...operations: string[]): RecordedRequest[] => front.requests.slice(since).filter(({ operation }) => operations.includes(operation));
  const partsAsked = (): number[] => asked('UploadPart').map(({ partNumber }) => partNumber!).toSorted((a, b) => a - b);
  /** The same fault for the first so many requests of an operation. */
  const failing = (operation: string, times: number, fault: Fault, partNumber?: number): FaultPlan => (request) =>
    request.operation === operation && (partNumber === undefined || request.partNumber === partNumber) && request.attempt <= times ? fault : undefined;
  const expectProven = async (outcome: Outcome): Promise<void> => {
    expect(doneOf(outcome).status).to.equal('COMPLETE');
    expect((await imageIn(store))?.equals(image)).to.equal(true);
    expect(await problemsIn(store)).to.deep.equal([]);
  };
  const expectNothingCompleted = async (): Promise<void> => {
    expect(await imageIn(store)).to.equal(undefined);
    expect(await manifestIn(store)).to.equal(undefined);
  };

  it('stores the source bit for bit, with a SHA-256 on every part that the store verified', async () => {
    const outcome = await acquire();
    await expectProven(outcome);
    expect(doneOf(outcome)).to.include({ bytes: SIZE, retries: 0, takenOver: 0 });
    const manifest = (await manifestIn(store))!;
    expect(manifest.integrity.storeChecksum).to.deep.equal({ algorithm: 'SHA256', type: 'COMPOSITE', verifiedByStore: true });
    expect(manifest.integrity.parts.map(({ offset, length }) => [offset, length])).to.deep.equal([0, 1, 2, 3, 4].map((index) => [index * PART, index < 4 ? PART : 123_457]));
    expect(manifest.storage.objects[0]!.checksum).to.match(/-5$/);
    expect(manifest.source).to.include({ kind: 'image-file', size: SIZE, readOnlyBefore: true, readOnlyAfter: true });
    expect(partsAsked()).to.deep.equal([1, 2, 3, 4, 5]);
  });

  it('asks the store to refuse where anything is there already: the image and every record', async () => {
    await acquire();
    const writes = asked('CompleteMultipartUpload', 'PutObject');
    expect(writes.map(({ key }) => key.replace(`evidence/${CASE}/disk_evidence/${EXHIBIT}.`, ''))).to.deep.equal(['image.dd', 'capture.log', 'custody.jsonl', 'manifest.json']);
    expect(writes.map(({ headers }) => headers['if-none-match'])).to.deep.equal(['*', '*', '*', '*']);
  });

  const passing: readonly [what: string, fault: Fault][] = [
    ['is refused with 500', { kind: 'status', status: 500 }],
    ['breaks off in the middle of its body', { kind: 'reset', afterBytes: 2 * MiB }],
    ['is damaged on its way', { kind: 'corrupt', at: 1_000_000 }],
    ['is stored, but whose answer is lost', { kind: 'lose-response' }],
    ['is refused with 503', { kind: 'status', status: 503 }],
  ];
  for (const [what, fault] of passing) {
    it(`reads a part again from the source that ${what}, and stores it`, async () => {
      faults = failing('UploadPart', 1, fault, 2);
      const outcome = await acquire();
      await expectProven(outcome);
      expect(doneOf(outcome).retries).to.equal(1);
      expect(partsAsked()).to.deep.equal([1, 2, 2, 3, 4, 5]);
      expect(outcome.of(LogEvent.partRetried).map(({ part, attempt }) => [part, attempt])).to.deep.equal([[2, 1]]);
    });
  }

  it('gets over every part failing at once', async () => {
    faults = failing('UploadPart', 2, { kind: 'status', status: 503 });
    const outcome = await acquire();
    await expectProven(outcome);
    expect(doneOf(outcome).retries).to.equal(10);
  });

  it('gives up after as many tries as it was told, says why, and leaves what is stored', async () => {
    faults = failing('UploadPart', Infinity, { kind: 'status', status: 500 }, 4);
    const error = errorOf(await acquire({ options: { partTries: 2 } }));
    expect(error).to.include({ stage: 'store', code: 'STORE_FAILED', retryable: true });
    expect(error.message).to.contain('storing part 4').and.to.contain('500');
    expect(asked('UploadPart').filter(({ partNumber }) => partNumber === 4)).to.have.length(2);
    await expectNothingCompleted();
  });

  it('does not try again what the store refuses for good', async () => {
    faults = failing('UploadPart', Infinity, { kind: 'status', status: 403 }, 1);
    expect(errorOf(await acquire())).to.include({ code: 'STORE_REFUSED', retryable: false });
    expect(asked('UploadPart').filter(({ partNumber }) => partNumber === 1)).to.have.length(1);
    await expectNothingCompleted();
  });

  it('says SOURCE_CHANGED where a part differs when it is read again, and completes nothing', async () => {
    faults = failing('UploadPart', 1, { kind: 'status', status: 500 }, 2);
    const change = (): void => {
      const bytes = readFileSync(path);
      bytes[PART + 7]! ^= 1;
      writeFileSync(path, bytes);
    };
    await chmod(path, 0o644);
    const error = errorOf(await acquire({ onEvent: ({ event }) => event === LogEvent.partRetried && change() }));
    expect(error).to.include({ stage: 'acquire', code: 'SOURCE_CHANGED', retryable: false });
    expect(error.message).to.contain(`bytes ${PART} to ${2 * PART}`);
    await expectNothingCompleted();
    expect(asked('CompleteMultipartUpload')).to.deep.equal([]);
  });

  /** Interrupts an acquisition once so many parts are stored. */
  const interrupted = async (parts: number, options: CollectPlan['options'] = {}): Promise<Outcome> => {
    const controller = new AbortController();
    let stored = 0;
    const onEvent: CollectPlan['onEvent'] = ({ event }) => {
      if (event === LogEvent.partStored && ++stored === parts) controller.abort(new Error('interrupted'));
    };
    return acquire({ signal: controller.signal, onEvent, options: { concurrency: 1, ...options } });
  };

  it('takes an interrupted upload over: sends only what is missing, and hashes the whole source once more', async () => {
    errorOf(await interrupted(3));
    await expectNothingCompleted();
    const stored = asked('UploadPart').filter(({ status }) => status === 200).map(({ partNumber }) => partNumber!);
    expect(stored.length).to.be.within(3, 4);

    since = front.requests.length;
    const outcome = await acquire();
    await expectProven(outcome);
    expect(partsAsked()).to.deep.equal([1, 2, 3, 4, 5].filter((part) => !stored.includes(part)));
    expect(asked('CreateMultipartUpload')).to.deep.equal([]);
    expect(doneOf(outcome).takenOver).to.equal(stored.length);
    expect(outcome.of(LogEvent.acquisitionResumed)).to.have.length(1);
  });

  /** What custody says was set aside, without what differs from run to run. */
  const setAside = async (): Promise<unknown[]> => {
    const events = (await readAll(store, recordKey(CASE, EXHIBIT, 'custody.jsonl'))).toString().trim().split('\n').map((line) => JSON.parse(line));
    return events.filter(({ action }) => action === 'set-aside').map(({ detail: { uploadId: _uploadId, startedAt: _startedAt, ...detail } }) => detail);
  };
  const misfits: readonly [what: string, plan: () => Promise<Partial<CollectPlan>>, reason: string][] = [
    ['other parts', () => Promise.resolve({ options: { partSize: 6 * MiB } }), `its part 1 has ${PART} bytes, planned are ${6 * MiB}`],
    ['a smaller disk', async () => {
      image = await makeImage(`${dir.path}/smaller.img`, PART + 1);
      return { path: `${dir.path}/smaller.img` };
    }, `its part 2 has ${PART} bytes, planned are 1`],
  ];
  for (const [what, planned, reason] of misfits) {
    it(`images anew beside an upload that does not fit ${what}, and says so, in the custody log too`, async () => {
      faults = failing('UploadPart', Infinity, { kind: 'status', status: 403 }, 3);
      errorOf(await acquire({ options: { concurrency: 1 } }));
      faults = undefined;
      const outcome = await acquire(await planned());
      await expectProven(outcome);
      expect(doneOf(outcome).takenOver).to.equal(0);
      const left = { key: imageKey(CASE, EXHIBIT), storedParts: 2, storedBytes: 2 * PART, reason };
      expect(await setAside()).to.deep.equal([left]);
      const [warning, ...more] = outcome.of(LogEvent.warning);
      expect(more).to.deep.equal([]);
      expect(warning).to.include({ ...left, message: 'what an earlier attempt stored does not fit, is not taken over, and stays as it is' });
      expect((await Array.fromAsync(store.unfinished('', new AbortController().signal))).map(({ uploadId }) => uploadId), 'it stays').to.deep.equal([warning!['uploadId']]);
    });
  }

  it('says PART_MISMATCH where the source is not what an earlier attempt stored, and completes nothing', async () => {
    errorOf(await interrupted(2));
    await flipByte(path, PART - 1);
    since = front.requests.length;
    const error = errorOf(await acquire());
    expect(error).to.include({ code: 'PART_MISMATCH', retryable: false });
    expect(error.message).to.contain(`bytes 0 to ${PART}`);
    await expectNothingCompleted();
    expect(asked('UploadPart').filter(({ partNumber }) => partNumber === 1), 'the stored part stays as it was').to.deep.equal([]);
  });

  it('takes up an image that was completed without its manifest: compares it with the source, and records it', async () => {
    faults = ({ operation, key }) => (operation === 'PutObject' && key.endsWith(MANIFEST) ? { kind: 'status', status: 403 } : undefined);
    expect(errorOf(await acquire()).code).to.equal('STORE_REFUSED');
    expect(await manifestIn(store)).to.equal(undefined);
    expect((await imageIn(store))?.equals(image)).to.equal(true);

    faults = undefined;
    since = front.requests.length;
    const outcome = await acquire();
    await expectProven(outcome);
    expect(partsAsked()).to.deep.equal([]);
    expect(asked('CompleteMultipartUpload')).to.deep.equal([]);
    expect(asked('GetObject').some(({ key }) => key.endsWith('.image.dd')), 'the object was read').to.equal(true);
    const { records, acquisitionId } = (await manifestIn(store))!;
    expect([records.captureLog.key, records.custodyLog.key], "the first attempt's records stay").to.deep.equal(
      (['capture.log', 'custody.jsonl'] as const).map((record) => recordKey(CASE, EXHIBIT, record, acquisitionId)),
    );
  });

  it('does not take up a completed image that is not the source', async () => {
    faults = ({ operation, key }) => (operation === 'PutObject' && key.endsWith(MANIFEST) ? { kind: 'status', status: 403 } : undefined);
    await acquire();
    faults = undefined;
    await flipByte(path, 3 * PART + 5);
    const error = errorOf(await acquire());
    expect(error).to.include({ stage: 'prove', code: 'STORED_DIFFERS' });
    expect(error.message).to.contain(`part 4`).and.to.contain(`bytes ${3 * PART} to ${4 * PART}`);
    expect(await manifestIn(store)).to.equal(undefined);
  });

  describe('told to stop while its manifest is stored', () => {
    /** Meets a fault with the manifest, and is told to stop in the middle of it. */
    const stoppedIn = async (fault: Fault, moment: () => Promise<boolean>): Promise<Outcome> => {
      const controller = new AbortController();
      const asking = Promise.withResolvers<void>();
      faults = ({ operation, key }) => {
        if (operation !== 'PutObject' || !key.endsWith(MANIFEST)) return undefined;
        asking.resolve();
        return fault;
      };
      const outcome = acquire({ signal: controller.signal });
      await asking.promise;
      while (!(await moment())) await sleep(20);
      controller.abort(new StageError('acquire', 'INTERRUPTED', 'interrupted', { retryable: true }));
      return outcome;
    };
    const manifestsAsked = (): RecordedRequest[] => asked('PutObject').filter(({ key }) => key.endsWith(MANIFEST));

    it('is COMPLETE where the store has it, though the answer never comes', async () => {
      await expectProven(await stoppedIn({ kind: 'hold-response' }, async () => (await manifestIn(store)) !== undefined));
      expect(manifestsAsked()).to.have.length(1);
    });

    it('says that it may be stored where the store does not show it, in the log and in the custody log, and asks no more', async () => {
      const outcome = await stoppedIn({ kind: 'black-hole' }, () => Promise.resolve(true));
      const { code, safe } = errorOf(outcome);
      expect(code).to.equal('INTERRUPTED');
      expect(safe).to.contain(`its manifest may be: collector verify ${store.location} tells`);
      expect(outcome.of(LogEvent.acquisitionEnded).map((event) => event['safe'])).to.deep.equal([safe]);
      const { acquisitionId } = outcome.events.find(({ event }) => event === LogEvent.acquisitionStarted)!;
      const custody = (await readAll(store, recordKey(CASE, EXHIBIT, 'custody.jsonl', String(acquisitionId)))).toString();
      const last = JSON.parse(custody.trimEnd().split('\n').at(-1)!) as { action: string; detail: Record<string, unknown> };
      expect([last.action, last.detail['left']]).to.deep.equal(['fail', safe]);
      expect(manifestsAsked()).to.have.length(1);
      faults = undefined;
      await expectProven(await acquire());
    });
  });

  it('gives the request of a record the signal that ends the acquisition: none goes on, or is sent again, for nobody', async () => {
    const s3 = createS3Client({ endpoint: front.endpoint, region: 'us-east-1', concurrency: 4, requestTimeoutSeconds: 120 });
    const { requestHandler } = s3.config;
    const handle = requestHandler.handle.bind(requestHandler);
    const given: unknown[] = [];
    requestHandler.handle = (request, options) => {
      if (request.method === 'PUT') given.push(options && 'abortSignal' in options ? options.abortSignal : undefined);
      return handle(request, options);
    };
    const { signal } = new AbortController();
    await new S3Store({ client: s3, bucket, prefix: 'evidence', algorithm: 'SHA256' }).putRecord('a/record', Buffer.from('text'), 'text/plain', signal);
    s3.destroy();
    expect(given).to.have.length(1);
    expect(given[0]).to.equal(signal);
  });

  it('says nothing of a manifest that may be stored where the store refused it', async () => {
    faults = ({ operation, key }) => (operation === 'PutObject' && key.endsWith(MANIFEST) ? { kind: 'status', status: 403 } : undefined);
    expect(errorOf(await acquire()).safe).to.contain('without a manifest, so it counts as nothing');
  });

  it('says that the manifest may be stored where the store never said no', async () => {
    faults = ({ operation, key }) => (operation === 'PutObject' && key.endsWith(MANIFEST) ? { kind: 'status', status: 500 } : undefined);
    const error = errorOf(await acquire());
    expect(error).to.include({ code: 'STORE_FAILED', retryable: true });
    expect(error.safe).to.contain('its manifest may be');
  });

  it('does nothing where the exhibit has a manifest', async () => {
    await acquire();
    const before = (await manifestIn(store))!;
    since = front.requests.length;
    const again = await acquire();
    expect(errorOf(again)).to.include({ code: 'COLLECTED', retryable: false });
    expect(again.of(LogEvent.sourceOpened), 'the source is not read').to.deep.equal([]);
    expect(asked('PutObject', 'UploadPart', 'CreateMultipartUpload', 'CompleteMultipartUpload')).to.deep.equal([]);
    expect((await manifestIn(store))!).to.deep.equal(before);
  });

  it('does not believe a store that confirms no checksum', async () => {
    const silent = storeWith({ endpoint: front.moto.endpoint }); // without the front nothing computes additional checksums
    const error = errorOf(await acquire({ store: silent }));
    expect(error).to.include({ stage: 'store', code: 'PART_UNCONFIRMED', retryable: false });
    expect(error.advice).to.contain('--part-checksum md5');
    await expectNothingCompleted();
    await silent.close();
  });

  it('notices a store that keeps something else than it confirmed, when it reads back', async () => {
    faults = failing('UploadPart', 1, { kind: 'corrupt-silently', at: 77 }, 3);
    const error = errorOf(await acquire({ options: { reread: true } }));
    expect(error).to.include({ stage: 'prove', code: 'STORED_DIFFERS' });
    expect(error.message).to.contain(`part 3`).and.to.contain(`bytes ${2 * PART} to ${3 * PART}`);
    expect(await manifestIn(store)).to.equal(undefined);
  });

  it('reads back what it stored where it was asked to, and records that', async () => {
    const outcome = await acquire({ options: { reread: true } });
    await expectProven(outcome);
    expect(outcome.of(LogEvent.imageReread).map(({ bytes }) => bytes)).to.deep.equal([SIZE]);
    expect((await manifestIn(store))!.integrity.reread).to.equal('identical');
  });

  it('splits an image that is larger than the largest object, says how, and verifies it as one', async () => {
    const outcome = await acquire({ options: { maxObjectSize: 2 * PART, reread: true } });
    await expectProven(outcome);
    const { storage, integrity } = (await manifestIn(store))!;
    expect(storage.objects.map(({ key, offset, length }) => [key, offset, length])).to.deep.equal([
      [imageKey(CASE, EXHIBIT, 0), 0, 2 * PART], [imageKey(CASE, EXHIBIT, 1), 2 * PART, 2 * PART], [imageKey(CASE, EXHIBIT, 2), 4 * PART, 123_457],
    ]);
    expect(integrity.parts.map(({ object, part }) => [object, part])).to.deep.equal([[0, 1], [0, 2], [1, 1], [1, 2], [2, 1]]);
  });

  it('takes over an upload that is split', async () => {
    errorOf(await interrupted(3, { maxObjectSize: 2 * PART }));
    since = front.requests.length;
    const outcome = await acquire({ options: { maxObjectSize: 2 * PART } });
    await expectProven(outcome);
    expect(doneOf(outcome).takenOver).to.be.at.least(3);
    expect(partsAsked().length).to.equal(5 - doneOf(outcome).takenOver);
  });

  it('stores with a CRC-32 over the whole object that the store verifies, where it was told to', async () => {
    await store.close();
    store = storeWith({ algorithm: 'CRC32' });
    const outcome = await acquire();
    await expectProven(outcome);
    const { integrity, storage } = (await manifestIn(store))!;
    expect(integrity.storeChecksum).to.deep.equal({ algorithm: 'CRC32', type: 'FULL_OBJECT', verifiedByStore: true });
    expect(storage.objects[0]!.checksum).to.match(/^[A-Za-z0-9+/]{6}==$/);
    expect(integrity.parts.every(({ sha256, crc32 }) => sha256 === undefined && crc32 !== undefined)).to.equal(true);
    const [complete] = asked('CompleteMultipartUpload');
    expect(complete!.headers).to.include({ 'x-amz-checksum-type': 'FULL_OBJECT', 'x-amz-checksum-crc32': storage.objects[0]!.checksum, 'x-amz-mp-object-size': String(SIZE) });
  });

  it('encrypts image and records with the key that it was given', async () => {
    await store.close();
    store = storeWith({ kmsKeyId: 'alias/evidence' });
    doneOf(await acquire());
    for (const { headers, key } of asked('CreateMultipartUpload', 'PutObject')) {
      expect(headers, key).to.include({ 'x-amz-server-side-encryption': 'aws:kms', 'x-amz-server-side-encryption-aws-kms-key-id': 'alias/evidence' });
    }
    const { storage } = (await manifestIn(store))!;
    expect(storage.encryption).to.equal('aws:kms');
    expect(storage.kmsKeyArn).to.contain('alias/evidence');
  });

  it('says in the manifest that another key was used than the one it was given, as an upload that is taken over has it', async () => {
    const key = (name: string): string => `arn:aws:kms:us-east-1:123456789012:key/${name}`;
    await store.close();
    store = storeWith({ kmsKeyId: key('earlier') });
    const { deviations } = doneOf(await acquire({ options: { kmsKeyId: key('now') } }));
    const wanted = [`${imageKey(CASE, EXHIBIT)} is encrypted under ${key('earlier')}, asked for was ${key('now')}`];
    expect(deviations).to.deep.equal(wanted);
    expect((await manifestIn(store))!.process.deviations).to.deep.equal(wanted);
  });

  it('records the version of what it stored in a versioned bucket, and sets no lock itself', async () => {
    bucket = await newBucket(client, { objectLock: true });
    await store.close();
    store = storeWith();
    await expectProven(await acquire());
    const { storage, records } = (await manifestIn(store))!;
    for (const versionId of [storage.objects[0]!.versionId, records.captureLog.versionId, records.custodyLog.versionId]) expect(versionId).to.be.a('string').and.match(/^[\w-]{8,}$/);
    for (const { headers } of asked('CreateMultipartUpload', 'PutObject')) {
      expect(Object.keys(headers).filter((name) => name.startsWith('x-amz-object-lock'))).to.deep.equal([]);
    }
  });

  it('needs no right to read: a role that may only write proves its image by the answers of the store', async () => {
    const denied: Fault = { kind: 'status', status: 403 };
    faults = ({ operation }) => (['HeadObject', 'GetObject', 'ListObjectsV2'].includes(operation) ? denied : undefined);
    const outcome = await acquire();
    expect(doneOf(outcome).status).to.equal('COMPLETE');
    const again = await acquire();
    expect(errorOf(again).code).to.equal('EXISTS');
    faults = undefined;
    await expectProven(outcome);
  });

  it('reads the whole image back where only a CRC-32 vouches for parts of an earlier attempt', async () => {
    store = storeWith({ algorithm: 'CRC32' });
    const broken: FaultPlan = (request) => (request.operation === 'UploadPart' && request.partNumber === 4 ? { kind: 'status', status: 403 } : undefined);
    faults = broken;
    await acquire({ options: { concurrency: 1 } });
    faults = undefined;
    const outcome = await acquire();
    await expectProven(outcome);
    expect(outcome.of(LogEvent.imageReread)).to.have.length(1);
    expect((await manifestIn(store))!.integrity.reread).to.equal('identical');
  });

  it('does not believe a part of an earlier attempt whose CRC-32 is right and whose bytes are not', async () => {
    store = storeWith({ algorithm: 'CRC32' });
    faults = (request) => {
      if (request.operation !== 'UploadPart') return undefined;
      if (request.partNumber === 1) return { kind: 'corrupt-silently', at: 1000 };
      return request.partNumber === 4 ? { kind: 'status', status: 403 } : undefined;
    };
    await acquire({ options: { concurrency: 1 } });
    faults = undefined;
    expect(errorOf(await acquire()).code).to.equal('STORED_DIFFERS');
    expect(await manifestIn(store)).to.equal(undefined);
  });

  it("keeps the logs of an attempt that failed, under the attempt's own id", async () => {
    faults = (request) => (request.operation === 'UploadPart' && request.partNumber === 4 ? { kind: 'status', status: 403 } : undefined);
    const failed = await acquire({ options: { concurrency: 1 } });
    faults = undefined;
    const attempt = String(failed.of(LogEvent.acquisitionEnded)[0]!['acquisitionId']);
    const stored = await Array.fromAsync(store.list(CASE, new AbortController().signal));
    expect(stored).to.deep.equal([recordKey(CASE, EXHIBIT, 'capture.log', attempt), recordKey(CASE, EXHIBIT, 'custody.jsonl', attempt)]);
    await expectProven(await acquire());
  });

  it("has dc3dd's own hash agree, where a second opinion was asked for", async () => {
    const outcome = await acquire({ options: { secondHash: true } });
    await expectProven(outcome);
    expect((await manifestIn(store))!.integrity.secondSha256).to.equal(doneOf(outcome).sha256);
  });

  it('is one image where the answer to its completion is lost', async () => {
    faults = failing('CompleteMultipartUpload', 1, { kind: 'lose-response' });
    await expectProven(await acquire());
  });

  it('is recorded where the answers to its records are lost, and once only', async () => {
    faults = failing('PutObject', 1, { kind: 'lose-response' });
    await expectProven(await acquire());
    expect((await manifestIn(store))!.records.captureLog.key).to.equal(recordKey(CASE, EXHIBIT, 'capture.log'));
  });

  it('has no manifest where something else answers in the name of the store, and gets it at the next start', async () => {
    faults = ({ operation, key }) => (operation === 'PutObject' && key.endsWith(MANIFEST) ? { kind: 'foreign' } : undefined);
    const error = errorOf(await acquire());
    expect(error).to.include({ stage: 'store', code: 'RECORD_UNCONFIRMED', retryable: false });
    expect(error.message).to.equal(`the store answered that ${MANIFEST} is stored, but does not have it`);
    expect(await manifestIn(store)).to.equal(undefined);
    faults = undefined;
    await expectProven(await acquire());
  });

  it('completes nothing where somebody else stored under its name meanwhile', async () => {
    let put = false;
    faults = async ({ operation, key }) => {
      if (operation === 'UploadPart' && !put) {
        put = true;
        await store.putRecord(key.slice('evidence/'.length), Buffer.from('first'), 'text/plain', new AbortController().signal);
      }
      return undefined;
    };
    expect(errorOf(await acquire())).to.include({ code: 'EXISTS' });
    expect((await imageIn(store))?.toString()).to.equal('first');
    expect(await manifestIn(store)).to.equal(undefined);
  });

  it('completes nothing where somebody else stored between its last look and its completion, though the look found nothing', async () => {
    faults = async ({ operation, key }) => {
      if (operation === 'CompleteMultipartUpload') await behind.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: 'first', IfNoneMatch: '*' })).catch(() => undefined);
      return undefined;
    };
    expect(errorOf(await acquire())).to.include({ code: 'EXISTS' });
    expect((await imageIn(store))?.toString()).to.equal('first');
    expect(await manifestIn(store)).to.equal(undefined);
  });

  describe('where the store, once it has completed the image,', () => {
    const isCompleted = (): boolean => asked('CompleteMultipartUpload').some(({ status }) => status === 200);
    const afterwards = (fault: () => Fault | undefined | Promise<Fault | undefined>): FaultPlan => ({ operation, key }) =>
      operation === 'HeadObject' && key.endsWith('.image.dd') && isCompleted() ? fault() : undefined;
    /** Puts something over the image, once, behind the front. */
    const putOver = (body: string): (() => Promise<undefined>) => {
      let isPut = false;
      return async () => {
        if (isPut) return undefined;
        isPut = true;
        await behind.send(new PutObjectCommand({ Bucket: bucket, Key: `evidence/${imageKey(CASE, EXHIBIT)}`, Body: body }));
        return undefined;
      };
    };

    it('has an object of another length, says that it is no image', async () => {
      faults = afterwards(putOver('short'));
      expect(errorOf(await acquire())).to.include({ code: 'SHORT_OBJECT' });
      expect(await manifestIn(store)).to.equal(undefined);
    });

    it('does not have it, does not believe that it did, and takes the parts over at the next start', async () => {
      faults = ({ operation }) => (operation === 'CompleteMultipartUpload' ? { kind: 'pretend' } : undefined);
      const error = errorOf(await acquire());
      expect(error).to.include({ stage: 'store', code: 'OBJECT_MISSING', retryable: false });
      expect(error.message).to.equal(`${imageKey(CASE, EXHIBIT)} was completed, but the store does not have it`);
      await expectNothingCompleted();
      faults = undefined;
      const again = await acquire();
      await expectProven(again);
      expect(doneOf(again).takenOver).to.equal(5);
    });

    it('answers with headers that would act on a terminal, records them in printable ASCII', async () => {
      const headers = {
        'x-amz-version-id': 'v\u009b31m',
        'x-amz-server-side-encryption-aws-kms-key-id': 'arn:\u00ad',
        'x-amz-object-lock-mode': 'GOVERN\u0085',
        'x-amz-object-lock-retain-until-date': '2036-01-01T00:00:00Z',
      };
      const hostile: Fault = { kind: 'more-headers', headers };
      faults = (request) => afterwards(() => hostile)(request) ?? (request.operation === 'PutObject' ? hostile : undefined);
      doneOf(await acquire({ options: { kmsKeyId: 'another' } }));
      faults = undefined;
      const { storage, records, process } = (await manifestIn(store))!;
      expect(storage.objects[0]!.versionId).to.equal(String.raw`v\u009b31m`);
      expect(storage.kmsKeyArn).to.equal(String.raw`arn:\u00ad`);
      expect(storage.objectLock).to.deep.equal({ mode: String.raw`GOVERN\u0085`, retainUntil: '2036-01-01T00:00:00.000Z' });
      expect(records.captureLog.versionId).to.equal(String.raw`v\u009b31m`);
      expect(process.deviations).to.deep.equal([String.raw`${imageKey(CASE, EXHIBIT)} is encrypted under arn:\u00ad, asked for was another`]);
      for (const record of ['manifest.json', 'custody.jsonl'] as const) {
        expect((await readAll(store, recordKey(CASE, EXHIBIT, record))).toString(), record).to.match(/^[\x20-\x7e\n]+$/).and.to.contain('v\\\\u009b31m');
      }
    });

    it('says another checksum of the whole than its parts make, believes neither', async () => {
      faults = afterwards(() => ({ kind: 'wrong-checksum' }));
      expect(errorOf(await acquire())).to.include({ code: 'OBJECT_CHECKSUM' });
      expect(await manifestIn(store)).to.equal(undefined);
    });

    const MAY_BE = 'may already be complete';

    it('does not say so any more, is said to have it perhaps, and it is compared at the next start', async () => {
      faults = afterwards(() => ({ kind: 'status', status: 500 }));
      const error = errorOf(await acquire());
      expect(error).to.include({ code: 'STORE_FAILED', retryable: true });
      expect(error.safe).to.contain(MAY_BE).and.to.not.contain('completed no image');
      faults = undefined;
      await expectProven(await acquire());
    });

    it('does not answer, and the collector is told to stop, is said to have it perhaps', async () => {
      const controller = new AbortController();
      faults = ({ operation }) => (operation === 'CompleteMultipartUpload' ? { kind: 'hold-response' } : undefined);
      const outcome = acquire({ signal: controller.signal });
      while (!(await imageIn(store))) await sleep(20);
      controller.abort(new StageError('acquire', 'INTERRUPTED', 'interrupted', { retryable: true }));
      expect(errorOf(await outcome).safe).to.contain(MAY_BE);
    });

    it('refuses to complete the next object of a split one, is said to have it perhaps', async () => {
      faults = ({ operation, key }) => (operation === 'CompleteMultipartUpload' && key.endsWith('.001') ? { kind: 'status', status: 403 } : undefined);
      expect(errorOf(await acquire({ options: { maxObjectSize: 2 * PART } })).safe).to.contain(MAY_BE);
    });

    it('gets another version put over it, looks at its own and records that', async () => {
      bucket = await newBucket(client, { objectLock: true });
      await store.close();
      store = storeWith();
      faults = afterwards(putOver('over it'));
      expect(doneOf(await acquire()).status).to.equal('COMPLETE');
      const { key, versionId } = (await manifestIn(store))!.storage.objects[0]!;
      expect(Buffer.concat(await Array.fromAsync(store.read(key, undefined, new AbortController().signal, versionId))).equals(image)).to.equal(true);
      expect((await imageIn(store))?.toString()).to.equal('over it');
    });
  });

  it('stores half as many parts at once as soon as the store asks for less', async () => {
    const begun = new Set<number>();
    const release = Promise.withResolvers<void>();
    // Whatever began beside the first part is held. When that is stored at its second try there is room, but not for a third.
    faults = async ({ operation, partNumber, attempt }) => {
      if (operation !== 'UploadPart') return undefined;
      begun.add(partNumber!);
      if (partNumber !== 1) await release.promise;
      return partNumber === 1 && attempt === 1 ? { kind: 'status', status: 503 } : undefined;
    };
    let later: number[] = [];
    const onEvent: CollectPlan['onEvent'] = ({ event, part }) => {
      if (event !== LogEvent.partStored || part !== 1) return;
      setTimeout(() => {
        later = [...begun].filter((number) => number > 4);
        release.resolve();
      }, 500);
    };
    image = await makeImage(`${dir.path}/larger.img`, 8 * PART);
    await expectProven(await acquire({ path: `${dir.path}/larger.img`, options: { concurrency: 4, ringSize: 64 * MiB }, onEvent }));
    expect(later).to.deep.equal([]);
  });

  it('has never, in all of the above, asked to delete, to abort, or to change a lock', () => {
    const operations = new Set(front.requests.map(({ operation }) => operation));
    expect(operations).to.include('UploadPart');
    for (const operation of operations) expect(operation).to.not.match(/^(?:Delete|Abort|PutObjectRetention|PutObjectLegalHold|PutObjectTagging|PutBucket(?!ObjectLock)|RestoreObject|CopyObject)/);
    expect(front.requests.filter(({ method }) => method === 'DELETE')).to.deep.equal([]);
  });
});
