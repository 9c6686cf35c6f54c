import { describeEvidenceStore } from '../contract/evidence-store.ts';
import { startMoto, type Moto } from '../helpers/moto.ts';
import { startRadosgw, type Radosgw } from '../helpers/radosgw.ts';
import { startS3Front, type S3Front } from '../helpers/s3-front.ts';
import { s3StoreUnderTest } from '../helpers/s3-store.ts';

describe('S3 that verifies additional checksums (a verifying front before moto)', () => {
  let moto: Moto;
  let front: S3Front;
  before(async () => {
    moto = await startMoto();
    front = await startS3Front({ upstream: moto.endpoint, requireChecksum: true });
  });
  after(async () => {
    await front.stop();
    await moto.stop();
  });

  describeEvidenceStore('S3 with a SHA-256 for each part', { exclusive: false, create: () => s3StoreUnderTest(front, 'SHA256') });
  describeEvidenceStore('S3 with a full-object CRC32', { exclusive: false, create: () => s3StoreUnderTest(front, 'CRC32') });
});

describe('S3 without additional checksums (Ceph)', () => {
  let radosgw: Radosgw;
  before(async function () {
    radosgw = await startRadosgw();
  });
  after(() => radosgw.stop());

  describeEvidenceStore('S3 whose ETags are compared', { exclusive: false, create: () => s3StoreUnderTest(radosgw, 'MD5') });
});
