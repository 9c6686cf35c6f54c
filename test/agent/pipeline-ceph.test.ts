import { PutObjectLockConfigurationCommand } from '@aws-sdk/client-s3';
import { expect } from 'chai';
import { S3Store } from '../../agent/adapters/stores/s3-store.ts';
import { collectFrom, doneOf, errorOf, imageIn, makeImage, manifestIn, PART, problemsIn } from '../helpers/collect.ts';
import { type Radosgw, startRadosgw } from '../helpers/radosgw.ts';
import { newBucket, s3ClientOf, useCredentials } from '../helpers/s3-store.ts';
import { tempDir } from '../helpers/temp-dir.ts';

describe('an acquisition into a locked bucket of Ceph', function () {
  let radosgw: Radosgw;
  let dir: Awaited<ReturnType<typeof tempDir>>;
  before(async () => {
    radosgw = await startRadosgw();
    dir = await tempDir();
  });
  after(async () => {
    await radosgw?.stop();
    await dir?.remove();
    useCredentials();
  });

  it("records the version and the lock that the bucket's default gave the image", async () => {
    useCredentials(radosgw);
    const client = s3ClientOf(radosgw);
    const bucket = await newBucket(client, { objectLock: true });
    const Rule = { DefaultRetention: { Mode: 'GOVERNANCE', Days: 7 } } as const;
    await client.send(new PutObjectLockConfigurationCommand({ Bucket: bucket, ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled', Rule } }));
    const store = new S3Store({ client, bucket, prefix: '', algorithm: 'MD5' });
    const path = `${dir.path}/disk.img`;
    const image = await makeImage(path, 2 * PART + 3);

    doneOf(await collectFrom({ store, path, scratchDir: dir.path }));
    expect((await imageIn(store))?.equals(image)).to.equal(true);
    expect(await problemsIn(store)).to.deep.equal([]);
    const { storage, integrity } = (await manifestIn(store))!;
    expect(storage.objects[0]!.versionId).to.be.a('string').and.have.length.above(8);
    expect(storage.objectLock?.mode).to.equal('GOVERNANCE');
    expect((Date.parse(storage.objectLock!.retainUntil) - Date.now()) / 86_400_000).to.be.within(6.9, 7.1);
    expect(integrity.storeChecksum).to.deep.equal({ algorithm: 'MD5', type: 'COMPOSITE', verifiedByStore: true });
    expect(errorOf(await collectFrom({ store, path, scratchDir: dir.path })).code).to.equal('COLLECTED');
    await store.close();
  });
});
