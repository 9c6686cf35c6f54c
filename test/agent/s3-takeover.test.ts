import { AbortMultipartUploadCommand, CreateMultipartUploadCommand, type S3Client, UploadPartCommand } from '@aws-sdk/client-s3';
import { expect } from 'chai';
import type { UnfinishedUpload } from '../../agent/adapters/stores/evidence-store.ts';
import { unfinishedUnder } from '../../agent/adapters/stores/s3-listing.ts';
import { earlierUpload, rivalUpload, uploadsOf } from '../../agent/adapters/stores/s3-takeover.ts';
import { MiB, planLayout } from '../../modules/vocabulary/index.ts';
import { startMotoFront, type MotoFront } from '../helpers/moto-front.ts';
import type { FaultPlan } from '../helpers/s3-front.ts';
import { newBucket, s3ClientOf, useCredentials } from '../helpers/s3-store.ts';

const live = new AbortController().signal;
const NOBODY: ReadonlySet<string> = new Set();

describe('two collectors that begin an upload of one key in the same moment', () => {
  let front: MotoFront;
  let client: S3Client;
  let bucket: string;
  let faults: FaultPlan | undefined;
  before(async () => {
    useCredentials();
    front = await startMotoFront({ faults: (request) => faults?.(request) });
    client = s3ClientOf(front);
    bucket = await newBucket(client);
  });
  after(async () => {
    client.destroy();
    await front.stop();
  });

  const begin = async (Key: string, ChecksumAlgorithm?: 'SHA256'): Promise<string> =>
    (await client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key, ChecksumAlgorithm }))).UploadId!;
  const context = (fullKey: string) => ({ client, bucket, fullKey, algorithm: 'SHA256' as const });

  it('agree which of them goes on, however many there are', async () => {
    const ids = [await begin('many'), await begin('many'), await begin('many')];
    const first = (await uploadsOf(context('many'), live))[0]!.uploadId;
    for (const id of ids) expect(await rivalUpload(context('many'), id, NOBODY, live)).to.equal(id === first ? undefined : first);
  });

  it('leave the one that has stored a part alone, also where it began later', async () => {
    const [first, second] = [await begin('parts'), await begin('parts')];
    const order = (await uploadsOf(context('parts'), live)).map(({ uploadId }) => uploadId);
    expect(order).to.have.members([first, second]);
    await client.send(new UploadPartCommand({ Bucket: bucket, Key: 'parts', UploadId: order[1]!, PartNumber: 1, Body: 'x' }));
    expect(await rivalUpload(context('parts'), order[0]!, NOBODY, live)).to.equal(order[1]);
  });

  it('do not step back for what was there before, or is of another key', async () => {
    const before = await begin('alone');
    await begin('alone-and-longer');
    const own = await begin('alone');
    expect(await rivalUpload(context('alone'), own, new Set([before]), live)).to.equal(undefined);
  });

  it('say of an upload that holds something why it does not fit, and nothing of one that is empty', async () => {
    const key = 'misfit';
    const layout = planLayout(8 * MiB, { partSize: 5 * MiB });
    const holding = await begin(key);
    await client.send(new UploadPartCommand({ Bucket: bucket, Key: key, UploadId: holding, PartNumber: 2, Body: 'x' }));
    const empty = await begin(key, 'SHA256');
    const listed = await uploadsOf(context(key), live);
    const told: unknown[] = [];
    const look = (checksumAlgorithm?: string) => {
      const options = { layout, objectIndex: 0, metadata: {}, onLeft: ({ uploadId, storedParts, storedBytes }: UnfinishedUpload, why: string) => told.push([uploadId, storedParts, storedBytes, why]) };
      return earlierUpload(context(key), listed.map((upload) => ({ ...upload, ...(checksumAlgorithm && { checksumAlgorithm }) })), options, live);
    };
    expect((await look())?.uploadId, 'the empty one').to.equal(empty);
    expect(await look('CRC32')).to.equal(undefined);
    expect(told).to.deep.equal([
      [holding, 1, 1, `its part 2 has 1 bytes, planned are ${3 * MiB}`],
      [holding, 1, 1, 'it was begun with CRC32 for each part, asked for is SHA256'],
    ]);
  });

  it('leave an empty one alone that was begun without a checksum: what is stored in it could never be completed with one', async () => {
    const [key, options] = ['bare', { layout: planLayout(MiB), objectIndex: 0, metadata: {} }];
    const bare = await begin(key);
    const listed = await uploadsOf(context(key), live);
    expect(await earlierUpload(context(key), listed, options, live)).to.equal(undefined);
    expect((await earlierUpload({ ...context(key), algorithm: 'MD5' }, listed, options, live))?.uploadId, 'with MD5 it can').to.equal(bare);
  });

  describe('where an upload ends after it was listed, and before its parts are', () => {
    let direct: S3Client;
    before(() => (direct = s3ClientOf(front.moto)));
    after(() => direct.destroy());
    afterEach(() => (faults = undefined));

    /** Ends every upload of a key whose parts somebody is about to list. */
    const endWhenLooked = (): void => {
      faults = async ({ operation, bucket: Bucket, key: Key, uploadId: UploadId }) => {
        if (operation === 'ListParts') await direct.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId })).catch(() => undefined);
        return undefined;
      };
    };

    it('take over another one, or none', async () => {
      const key = 'taken';
      const layout = planLayout(MiB, { partSize: 5 * MiB });
      await begin(key, 'SHA256');
      const listed = await uploadsOf(context(key), live);
      endWhenLooked();
      expect(await earlierUpload(context(key), listed, { layout, objectIndex: 0, metadata: {} }, live)).to.equal(undefined);
    });

    it('do not step back for it', async () => {
      const ids = [await begin('rival'), await begin('rival')];
      const own = (await uploadsOf(context('rival'), live))[0]!.uploadId;
      const other = ids.find((id) => id !== own)!;
      await client.send(new UploadPartCommand({ Bucket: bucket, Key: 'rival', UploadId: other, PartNumber: 1, Body: 'x' }));
      endWhenLooked();
      expect(await rivalUpload(context('rival'), own, NOBODY, live)).to.equal(undefined);
    });

    it('do not list it as unfinished', async () => {
      await begin('listed');
      endWhenLooked();
      expect(await Array.fromAsync(unfinishedUnder(client, bucket, 'listed', live))).to.deep.equal([]);
    });
  });
});
