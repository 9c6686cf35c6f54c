import { expect } from 'chai';
import type { S3Client } from '@aws-sdk/client-s3';
import type { S3Store } from '../../agent/adapters/stores/s3-store.ts';
import { collectFrom, doneOf, errorOf, flipByte, makeImage, PART, problemsIn, readAll, type CollectPlan, type Outcome } from '../helpers/collect.ts';
import { startMotoFront, type MotoFront } from '../helpers/moto-front.ts';
import { startS3Front, type FaultPlan } from '../helpers/s3-front.ts';
import { newBucket, s3ClientOf, s3StoreIn, useCredentials } from '../helpers/s3-store.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const KEEP_GOING = new AbortController().signal;

describe('an acquisition into S3, where', function () {
  let front: MotoFront;
  let faults: FaultPlan | undefined;
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let client: S3Client;
  let store: S3Store;
  let path: string;

  before(async () => {
    useCredentials();
    front = await startMotoFront({ faults: (request) => faults?.(request) });
    client = s3ClientOf(front);
    dir = await tempDir();
    path = `${dir.path}/disk.img`;
    await makeImage(path, 2 * PART + 123_457);
  });
  beforeEach(async () => {
    faults = undefined;
    store = s3StoreIn(front, await newBucket(client));
  });
  afterEach(() => store.close());
  after(async () => {
    client.destroy();
    await front.stop();
    await dir.remove();
  });

  const acquire = (plan: Partial<CollectPlan> = {}): Promise<Outcome> => collectFrom({ store, path, scratchDir: dir.path, ...plan });
  const objects = (): Promise<string[]> => Array.fromAsync(store.list('', KEEP_GOING));
  /** A fault that is over by the next start. */
  const expectCompleteNext = async (): Promise<void> => {
    faults = undefined;
    expect(doneOf(await acquire()).status).to.equal('COMPLETE');
    expect(await problemsIn(store)).to.deep.equal([]);
  };

  it('something else answers that an upload was begun, stores nothing under the name of the image', async () => {
    faults = ({ operation }) => (operation === 'CreateMultipartUpload' ? { kind: 'foreign' } : undefined);
    const error = errorOf(await acquire());
    expect(error).to.include({ code: 'STORE_FAILED', retryable: true });
    expect(error.message).to.contain("without the upload's id");
    expect((await objects()).filter((key) => key.endsWith('.image.dd'))).to.deep.equal([]);
    await expectCompleteNext();
  });

  it('something else answers for every object, takes none of them for its manifest', async () => {
    faults = ({ operation }) => (operation === 'HeadObject' ? { kind: 'foreign' } : undefined);
    const error = errorOf(await acquire());
    expect(error).to.include({ code: 'STORE_FAILED', retryable: true });
    expect(error.advice).to.contain('what answers in the name of the store');
    expect(await objects()).to.deep.equal([]);
    await expectCompleteNext();
  });

  for (const resume of ['auto', 'never'] as const) {
    it(`the answer to the beginning of the upload is lost, goes on, and does not take itself for another collector (--resume ${resume})`, async () => {
      faults = ({ operation, attempt }) => (operation === 'CreateMultipartUpload' && attempt === 1 ? { kind: 'lose-response' } : undefined);
      expect(doneOf(await acquire({ options: { resume } })).status).to.equal('COMPLETE');
      const left = await Array.fromAsync(store.unfinished('', KEEP_GOING));
      expect(left.map(({ storedParts }) => storedParts), 'what was begun anew stays beside what is there').to.deep.equal(resume === 'never' ? [0] : []);
    });
  }

  it('somebody ends the upload just before it is completed, says that it was ended and what is lost', async () => {
    faults = ({ operation }) => (operation === 'CompleteMultipartUpload' ? { kind: 'status', status: 404, code: 'NoSuchUpload' } : undefined);
    const error = errorOf(await acquire());
    expect(error).to.include({ code: 'STORE_REFUSED', retryable: false, safe: 'What that upload held is lost; the disk was not changed.' });
    expect(error.message).to.match(/^completing .* failed: the upload .* was ended by somebody else$/);
    await expectCompleteNext();
  });

  it('somebody ends the upload just before it is completed, and nobody may look, says that the image may be there', async () => {
    faults = ({ operation }) => {
      if (operation === 'HeadObject') return { kind: 'status', status: 403 };
      return operation === 'CompleteMultipartUpload' ? { kind: 'status', status: 404, code: 'NoSuchUpload' } : undefined;
    };
    const error = errorOf(await acquire());
    expect(error).to.include({ code: 'STORE_REFUSED' });
    expect(error.message).to.contain('NoSuchUpload');
    expect(error.safe).to.contain('may already be complete');
    await expectCompleteNext();
  });

  it('something else is being stored under the name of the image, and of each record, asks again', async () => {
    faults = ({ operation, attempt }) =>
      ['CompleteMultipartUpload', 'PutObject'].includes(operation) && attempt === 1 ? { kind: 'status', status: 409, code: 'ConditionalRequestConflict' } : undefined;
    expect(doneOf(await acquire()).status).to.equal('COMPLETE');
    expect((await objects()).length, 'image, two logs and the manifest').to.equal(4);
    expect(await problemsIn(store)).to.deep.equal([]);
  });

  it('the store fails longer than the SDK asks again while the image is completed and the manifest stored, waits for it', async () => {
    faults = ({ operation, key, attempt }) =>
      (operation === 'CompleteMultipartUpload' || (operation === 'PutObject' && key.endsWith('.manifest.json'))) && attempt <= 6 ? { kind: 'status', status: 500 } : undefined;
    expect(doneOf(await acquire()).status).to.equal('COMPLETE');
    expect(await problemsIn(store)).to.deep.equal([]);
  });

  it('the answer to the completion is lost, and what asks again is told that it is being carried out, knows the image as its own', async () => {
    faults = ({ operation, attempt }) => {
      if (operation !== 'CompleteMultipartUpload' || attempt > 2) return undefined;
      return attempt === 1 ? { kind: 'lose-response' } : { kind: 'status', status: 409, code: 'ConditionalRequestConflict' };
    };
    expect(doneOf(await acquire()).status).to.equal('COMPLETE');
    expect(await problemsIn(store)).to.deep.equal([]);
  });

  it('a part does not match what an earlier attempt stored, has both digests in the custody log, though the larger capture log does not get through', async () => {
    faults = ({ operation }) => (operation === 'CompleteMultipartUpload' ? { kind: 'status', status: 403 } : undefined);
    errorOf(await acquire());
    await flipByte(path, PART + 1);
    faults = ({ operation, key }) => (operation === 'PutObject' && key.endsWith('.capture.log') ? { kind: 'black-hole' } : undefined);
    const { message, code } = errorOf(await acquire());
    expect(code).to.equal('PART_MISMATCH');
    expect(message).to.match(/with SHA-256 [0-9a-f]{64}; the source now gives SHA-256 [0-9a-f]{64}$/);
    const logs = await Promise.all((await objects()).filter((key) => key.endsWith('.custody.jsonl')).map((key) => readAll(store, key)));
    expect(logs.filter((log) => log.includes(JSON.stringify(message)))).to.have.length(1);
    await flipByte(path, PART + 1);
  });

  it('something else answers once for a part, stores that again', async () => {
    faults = ({ operation, partNumber, attempt }) => (operation === 'UploadPart' && partNumber === 2 && attempt === 1 ? { kind: 'foreign' } : undefined);
    expect(doneOf(await acquire())).to.include({ status: 'COMPLETE', retries: 1 });
    expect(await problemsIn(store)).to.deep.equal([]);
  });

  for (const [status, advice] of [[301, 'another Region'], [400, 'have they expired']] as const) {
    it(`the first look is answered with ${status} and, as S3 does, no reason, says what to look at`, async () => {
      faults = ({ operation }) => (operation === 'HeadObject' ? { kind: 'status', status } : undefined);
      const error = errorOf(await acquire());
      expect(error.message).to.match(new RegExp(`failed: it was answered with status ${status} and no reason$`));
      expect(error.advice).to.contain(advice);
    });
  }

  it('it encrypts with KMS, whose ETags are no MD5, says so where MD5 was asked for, before it suspects store and network', async () => {
    const encrypting = await startS3Front({ upstream: front.moto.endpoint, opaqueEtags: true });
    const md5 = s3StoreIn(encrypting, await newBucket(client), 'MD5');
    const { code, advice } = errorOf(await acquire({ store: md5, options: { partTries: 1 } }));
    expect(code).to.equal('PART_UNCONFIRMED');
    expect(advice).to.match(/^A store that encrypts with KMS gives ETags that are no MD5: leave --part-checksum md5 away\./);
    await md5.close();
    await encrypting.stop();
  });

  describe('an image is split, and the next start splits it elsewhere,', () => {
    const then = { maxObjectSize: PART };

    it('refuses before it reads the disk, and says what was stored', async () => {
      faults = ({ operation, key }) => (operation === 'CompleteMultipartUpload' && key.endsWith('.001') ? { kind: 'status', status: 403 } : undefined);
      errorOf(await acquire({ options: then }));
      faults = undefined;
      const { code, message, advice } = errorOf(await acquire({ options: { maxObjectSize: 2 * PART } }));
      expect(code).to.equal('LAYOUT_DIFFERS');
      expect(message).to.match(new RegExp(`\\.image\\.dd\\.000 is complete with ${PART} bytes, planned are ${2 * PART}$`));
      expect(advice).to.contain('--max-object-size');
      expect(doneOf(await acquire({ options: then })), 'nothing is lost').to.include({ status: 'COMPLETE', takenOver: 3 });
    });

    it('says of a part that differs that it may be of elsewhere, before it suspects the disk', async () => {
      const larger = `${dir.path}/larger.img`;
      await makeImage(larger, 4 * PART);
      faults = ({ operation }) => (operation === 'CompleteMultipartUpload' ? { kind: 'status', status: 403 } : undefined);
      errorOf(await acquire({ path: larger, options: then }));
      faults = undefined;
      const error = errorOf(await acquire({ path: larger, options: { maxObjectSize: 2 * PART } }));
      expect(error.code).to.equal('PART_MISMATCH');
      expect(error.advice).to.match(/^If --max-object-size or --part-size was another then, give that again/);
    });
  });
});
