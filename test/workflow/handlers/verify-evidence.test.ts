import { randomBytes } from 'node:crypto';
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { expect } from 'chai';
import { S3Store } from '../../../agent/adapters/stores/s3-store.ts';
import { verifyEvidence } from '../../../modules/acquisition-workflow/handlers/verify/verify-evidence.ts';
import { type ManifestBody, MiB, planLayout, serializeManifest } from '../../../modules/vocabulary/index.ts';
import { type ExhibitPlan, sha256Hex, storeExhibit, type StoredExhibit } from '../../helpers/evidence.ts';
import { rejectionOf } from '../../helpers/rejection.ts';
import { newBucket, s3ClientOf } from '../../helpers/s3-store.ts';
import { anInput, PLACE, startVault, VOLUME, type Vault } from './support.ts';

const IMAGE = randomBytes(6 * MiB);
const LAYOUT = planLayout(IMAGE.length, { partSize: 5 * MiB });

describe('verify-evidence', () => {
  let vault: Vault;
  let cases = 0;
  before(async () => {
    vault = await startVault();
  });
  after(() => vault.stop());

  const storeOf = (algorithm: 'SHA256' | 'CRC32' = 'SHA256', bucket = vault.bucket): S3Store => new S3Store({ client: vault.s3, bucket, prefix: '', algorithm });
  /** Stores a genuine exhibit by the collector's own code, in a case of its own. */
  const exhibit = (plan: Partial<ExhibitPlan> = {}, store = storeOf()): Promise<StoredExhibit> =>
    storeExhibit(store, { caseId: `case-v${++cases}`, exhibitId: VOLUME, image: IMAGE, layout: LAYOUT, ...plan });
  const verify = (caseId: string, { sizeBytes = IMAGE.length, bucket = vault.bucket, now = new Date(), s3 = vault.s3 } = {}) =>
    verifyEvidence({ s3, now: () => now, place: PLACE })({ input: anInput({ caseId }), volumeId: VOLUME, bucket, sizeBytes });
  const put = (Key: string, Body: string | Uint8Array) => vault.s3.send(new PutObjectCommand({ Bucket: vault.bucket, Key, Body, ChecksumAlgorithm: 'CRC32' }));

  it('believes what the collector stored, and says which manifest, which version and where the image is', async () => {
    const { caseId, manifestKey, body } = await exhibit();
    const result = await verify(caseId);
    const text = await vault.read(manifestKey);
    expect(result.problems).to.deep.equal([]);
    expect(result).to.deep.include({ status: 'COMPLETE', imageLocation: `s3://${vault.bucket}/${caseId}/disk_evidence/${VOLUME}.image.dd` });
    expect(result).to.have.property('manifest').that.includes({ key: manifestKey, sha256: sha256Hex(text), imageSha256: body.integrity.sha256, status: 'COMPLETE' });
    expect(result).to.have.nested.property('manifest.versionId').that.is.a('string');
  });

  it('believes an image that was stored with a full-object CRC32, and one with mapped bad sectors', async () => {
    const crc = await exhibit({ partDigest: 'crc32' }, storeOf('CRC32'));
    expect(await verify(crc.caseId)).to.include({ status: 'COMPLETE' });
    const partial = await exhibit({
      edit: (body) => ({ ...body, status: 'PARTIAL', process: { ...body.process, badSectors: 1, badRanges: [{ offset: 512, length: 512, errno: 'EIO', tries: 3 }] } }),
    });
    expect(await verify(partial.caseId)).to.include({ status: 'PARTIAL' });
  });

  it('never reads the image, only asks the store about it', async () => {
    const { caseId, imageKeys } = await exhibit();
    const before = vault.requests.length;
    await verify(caseId);
    const asked = vault.requests.slice(before).filter(({ key }) => imageKeys.includes(key));
    expect(asked.map(({ method }) => method)).to.deep.equal(['HEAD']);
  });

  it('tells the custody log of each object that it asked about or read, with the request id of S3', async () => {
    const { caseId, manifestKey, imageKeys } = await exhibit();
    const { calls } = await verify(caseId);
    expect(calls.filter(({ resources }) => resources[0] === manifestKey).map(({ action }) => action)).to.deep.equal(['s3:HeadObject', 's3:GetObject']);
    expect(calls.filter(({ resources }) => imageKeys.includes(resources[0]!)).map(({ action, state, account, region }) => [action, state, account, region])).to.deep.equal([['s3:HeadObject', 'verify-evidence', PLACE.account, PLACE.region]]);
    for (const { requestId, action, resources } of calls) expect(requestId, `${action} ${resources[0]}`).to.match(/^[A-Za-z0-9-]{16,}$/);
  });

  type Edit = (body: ManifestBody) => ManifestBody;
  const part = (index: number, change: object): Edit => (body) => ({
    ...body, integrity: { ...body.integrity, parts: body.integrity.parts.map((one, at) => (at === index ? { ...one, ...change } : one)) },
  });
  const object = (change: object): Edit => (body) => ({ ...body, storage: { ...body.storage, objects: body.storage.objects.map((one) => ({ ...one, ...change })) } });
  const log = (which: 'captureLog' | 'custodyLog', change: object): Edit => (body) => ({ ...body, records: { ...body.records, [which]: { ...body.records[which], ...change } } });

  let genuine: StoredExhibit;
  before(async () => {
    genuine = await exhibit();
  });
  const forged: readonly [what: string, edit: Edit, problem: RegExp][] = [
    ['of another case', (body) => ({ ...body, caseId: 'another' }), /the manifest is of case another/],
    ['of another volume', (body) => ({ ...body, exhibitId: 'vol-0aaaaaaaaaaaaaaaa' }), /exhibit vol-0aaaaaaaaaaaaaaaa, and is stored as that of/],
    ['of a file instead of a disk', (body) => ({ ...body, source: { ...body.source, kind: 'image-file' } }), /said to be image-file/],
    ['in another bucket', (body) => ({ ...body, storage: { ...body.storage, location: 's3://attacker' } }), /said to be stored in s3:\/\/attacker, expected s3:\/\//],
    ['in a directory', (body) => ({ ...body, storage: { ...body.storage, kind: 'directory' } }), /said to be stored in/],
    ['whose part has another digest', part(0, { sha256: 'a'.repeat(64) }), /the store's SHA-256 is \S+, that of the manifest's parts/],
    ['whose parts have no digest that the store could confirm', part(1, { sha256: undefined, md5: 'a'.repeat(32) }), /the manifest's parts have none to compare with/],
    ['whose parts overlap', part(1, { offset: 5 * MiB - 512, length: MiB + 512 }), /inside the part before it/],
    ['with another checksum than the store', object({ checksum: 'AAAA-2' }), /the manifest says AAAA-2/],
    ['of a version that is not there', object({ versionId: '00000000-0000-4000-8000-000000000000' }), /version 00000000-0000-4000-8000-000000000000 is not there/],
    ['that names no version', object({ versionId: undefined }), /names no version/],
    ['with a key outside its case', object({ key: 'another/disk_evidence/vol-0123456789abcdef0.image.dd' }), /object 0 is another\//],
    ['with a log outside its case', log('captureLog', { key: 'another/secret' }), /the capture log is another\/secret/],
    ['with a log of another length', log('captureLog', { length: 7 }), /the capture log has \d+ bytes, the manifest says 7/],
    ['with a log of another digest', log('custodyLog', { sha256: 'b'.repeat(64) }), /the custody log's SHA-256 is/],
    ['with a log of a version that is not there', log('custodyLog', { versionId: '00000000-0000-4000-8000-000000000000' }), /of \S+ is not there/],
    ['that a failed tool made', (body) => ({ ...body, process: { ...body.process, exitCode: 2 } }), /exit status is 2/],
    ['with bad sectors that it calls COMPLETE', (body) => ({ ...body, process: { ...body.process, badSectors: 1 } }), /COMPLETE with 1 bad sectors/],
    ['of an acquisition that the custody log does not know', (body) => ({ ...body, acquisitionId: '01JD0000000000000000000001' }), /no event is of the manifest's acquisition/],
  ];
  for (const [what, edit, problem] of forged) {
    it(`sees a manifest ${what}`, async () => {
      const { caseId, body, manifestKey } = genuine;
      await put(manifestKey, serializeManifest(edit(body), sha256Hex));
      const { status, problems } = await verify(caseId);
      expect(status).to.equal('FAILED');
      expect(problems.join('\n')).to.match(problem);
    });
  }

  it('sees a manifest of a smaller disk: EC2 knows how large the volume is', async () => {
    const { caseId } = await exhibit();
    expect(await verify(caseId, { sizeBytes: IMAGE.length + 512 })).to.deep.include({
      status: 'FAILED', problems: [`the source is said to have ${IMAGE.length} bytes; EC2 says that the volume has ${IMAGE.length + 512}`],
    });
  });

  it('sees what is missing: the manifest, the image, a log', async () => {
    for (const [omit, problem] of [['manifest.json', /without a manifest there is no evidence/], ['image', /names no version/], ['capture.log', /names no version of it/], ['custody.jsonl', /names no version of it/]] as const) {
      const { caseId } = await exhibit({ omit: [omit] });
      const { status, problems } = await verify(caseId);
      expect(status, omit).to.equal('FAILED');
      expect(problems.join('\n'), omit).to.match(problem);
    }
  });

  it('sees a manifest that is changed, torn, not UTF-8 or no manifest at all', async () => {
    const { caseId, manifestKey, body } = await exhibit();
    const text = serializeManifest(body, sha256Hex);
    for (const [stored, problem] of [
      [text.replace('"accountable": "responder"', '"accountable": "somebody"'), /the manifest was changed/],
      [text.slice(0, -20), /not JSON/],
      [Buffer.from([0xff, 0xfe, 0x00]), /not UTF-8/],
      [`\ufeff${text}`, /not JSON/],
      ['null', /.*/],
      ['', /not JSON/],
    ] as const) {
      await put(manifestKey, stored);
      const result = await verify(caseId);
      expect(result.status, String(stored).slice(0, 20)).to.equal('FAILED');
      expect(result.problems.join('\n')).to.match(problem);
    }
  });

  it('sees an image that was written over or deleted after its manifest, though the version is still there', async () => {
    const over = await exhibit();
    await put(over.imageKeys[0]!, 'other');
    expect((await verify(over.caseId)).problems.join('\n')).to.match(/its latest version is \S+, the manifest names \S+: somebody wrote or deleted after it/);
    const gone = await exhibit();
    await vault.s3.send(new DeleteObjectCommand({ Bucket: vault.bucket, Key: gone.imageKeys[0]! }));
    expect((await verify(gone.caseId)).problems.join('\n')).to.match(/its latest version is gone/);
  });

  it('sees what is not locked, and a lock that has ended', async () => {
    const bucket = await newBucket(vault.s3, { objectLock: true }); // no default retention
    const { caseId } = await exhibit({}, storeOf('SHA256', bucket));
    const { problems } = await verify(caseId, { bucket });
    expect(problems.filter((problem) => problem.endsWith('is not locked: it could be deleted'))).to.have.length(4);
    const locked = await exhibit();
    const later = await verify(locked.caseId, { now: new Date(Date.now() + 3 * 24 * 3600 * 1000) });
    expect(later.problems.join('\n')).to.match(/the lock of \S+ ended at/);
  });

  it('lists hostile text inert, and not a million problems', async () => {
    const { caseId } = await exhibit({ edit: (body) => ({ ...body, storage: { ...body.storage, location: 's3://\u202e\u001b[2J' } }) });
    const { problems } = await verify(caseId);
    expect(problems.join('')).to.match(/^[\x20-\x7e]*$/).and.contain('s3://\\xe2\\x80\\xae\\x1b[2J');
    const many = await exhibit({ edit: (body) => ({ ...body, process: { ...body.process, badSectors: 0, badRanges: Array.from({ length: 500 }, () => ({ offset: 1, length: 1, errno: 'EIO', tries: 1 })) } }) });
    const listed = await verify(many.caseId);
    expect(listed.problems).to.have.length(51);
    expect(listed.problems.at(-1)).to.match(/^\d+ more problems are not listed$/);
  });

  it('gives no verdict where the store does not answer', async () => {
    const { caseId } = await exhibit();
    const s3 = s3ClientOf({ endpoint: 'http://127.0.0.1:1' }, 1);
    const error = await rejectionOf(verify(caseId, { s3 }));
    expect(error.message).to.match(/ECONNREFUSED/);
    s3.destroy();
  });
});
