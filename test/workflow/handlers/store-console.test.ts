import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { expect } from 'chai';
import { storeConsole } from '../../../modules/acquisition-workflow/handlers/store-console.ts';
import { instanceKey } from '../../../modules/vocabulary/index.ts';
import { rejectionOf } from '../../helpers/rejection.ts';
import { anInput, AT, INSTANCE, PLACE, startVault, type Vault } from './support.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('store-console', () => {
  let vault: Vault;
  before(async () => {
    vault = await startVault();
  });
  after(() => vault.stop());

  const store = async (caseId: string, screenshot: string, output: string) => (await all(caseId, screenshot, output)).stored;
  const all = (caseId: string, screenshot: string, output: string, metadata?: { instance: object; volumes: object[] }) =>
    storeConsole({ s3: vault.s3, bucket: vault.bucket, place: PLACE, now: () => new Date(AT) })({ input: anInput({ caseId }), screenshot, output, ...(metadata && { metadata }) });
  const keyOf = (caseId: string, name: 'console.jpg' | 'console.txt' | 'metadata.json'): string => instanceKey(caseId, INSTANCE, name);

  it('stores what the console says byte for byte, locked, and as nothing that a browser would run', async () => {
    const hostile = '<script>alert(1)</script>\u001b[2J\r\nlogin:';
    expect(await store('case-s1', base64('jpeg'), base64(hostile))).to.deep.equal([keyOf('case-s1', 'console.jpg'), keyOf('case-s1', 'console.txt')]);
    expect(await vault.read(keyOf('case-s1', 'console.txt'))).to.equal(hostile);
    const head = await vault.s3.send(new HeadObjectCommand({ Bucket: vault.bucket, Key: keyOf('case-s1', 'console.txt') }));
    expect(head).to.include({ ContentType: 'application/octet-stream', ObjectLockMode: 'COMPLIANCE' });
  });

  it('leaves what was stored first as it is, and stores nothing where EC2 gave nothing', async () => {
    await store('case-s2', '', base64('first'));
    expect(await store('case-s2', '', base64('second'))).to.deep.equal([keyOf('case-s2', 'console.txt')]);
    expect(await vault.read(keyOf('case-s2', 'console.txt'))).to.equal('first');
    expect((await rejectionOf(vault.read(keyOf('case-s2', 'console.jpg')))).name).to.equal('NoSuchKey');
  });

  it('stores what EC2 says of the instance and its volumes, as it says it', async () => {
    const metadata = { instance: { InstanceId: INSTANCE, Tags: [{ Key: 'Name', Value: '\u202e$(reboot)' }] }, volumes: [{ VolumeId: 'vol-1', Size: 8 }] };
    expect((await all('case-s4', '', '', metadata)).stored).to.deep.equal([keyOf('case-s4', 'metadata.json')]);
    expect(JSON.parse(await vault.read(keyOf('case-s4', 'metadata.json')))).to.deep.equal(metadata);
  });

  it('tells the custody log of each object that it stored, with S3\'s request id, and of none that was there', async () => {
    const { calls } = await all('case-s5', base64('jpeg'), base64('text'));
    expect(calls.map(({ requestId: _, ...call }) => call)).to.deep.equal(
      (['console.jpg', 'console.txt'] as const).map((name) => ({ action: 's3:PutObject', account: PLACE.account, region: PLACE.region, resources: [keyOf('case-s5', name)], state: 'store-console', enteredAt: AT, endedAt: AT })),
    );
    const ids = calls.map(({ requestId }) => requestId ?? '');
    expect(new Set(ids).size).to.equal(2);
    for (const id of ids) expect(id).to.match(/^[A-Za-z0-9-]{16,}$/);
    expect((await all('case-s5', base64('jpeg'), base64('text'))).calls).to.deep.equal([]);
  });

  it('refuses what is no Base64', async () => {
    expect((await rejectionOf(store('case-s3', 'not base64!', ''))).name).to.equal('ZodError');
  });
});
