import { describeEvidenceStore } from '../contract/evidence-store.ts';
import { startMotoFront, type MotoFront } from '../helpers/moto-front.ts';
import { startRadosgw, type Radosgw } from '../helpers/radosgw.ts';
import { s3StoreUnderTest } from '../helpers/s3-store.ts';

describe('S3 that verifies additional checksums (a verifying front before moto)', () => {
  let front: MotoFront;
  before(async () => {
    front = await startMotoFront({ requireChecksum: true });
  });
  after(() => front.stop());

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
