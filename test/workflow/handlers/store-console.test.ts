import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { expect } from 'chai';
import { storeConsole } from '../../../modules/acquisition-workflow/handlers/store-console.ts';
import { instanceKey } from '../../../modules/vocabulary/index.ts';
import { rejectionOf } from '../../helpers/rejection.ts';
import { anInput, INSTANCE, startVault, type Vault } from './support.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('store-console', () => {
  let vault: Vault;
  before(async () => {
    vault = await startVault();
  });
  after(() => vault.stop());

  const store = (caseId: string, screenshot: string, output: string) =>
    storeConsole({ s3: vault.s3, bucket: vault.bucket })({ input: anInput({ caseId }), screenshot, output });
  const keyOf = (caseId: string, name: 'console.jpg' | 'console.txt'): string => instanceKey(caseId, INSTANCE, name);

  it('stores what the console says byte for byte, locked, and as nothing that a browser would run', async () => {
    const hostile = '<script>alert(1)</script>\u001b[2J\r\nlogin:';
    expect(await store('case-s1', base64('jpeg'), base64(hostile))).to.deep.equal({ stored: [keyOf('case-s1', 'console.jpg'), keyOf('case-s1', 'console.txt')] });
    expect(await vault.read(keyOf('case-s1', 'console.txt'))).to.equal(hostile);
    const head = await vault.s3.send(new HeadObjectCommand({ Bucket: vault.bucket, Key: keyOf('case-s1', 'console.txt') }));
    expect(head).to.include({ ContentType: 'application/octet-stream', ObjectLockMode: 'COMPLIANCE' });
  });

  it('leaves what was stored first as it is, and stores nothing where EC2 gave nothing', async () => {
    await store('case-s2', '', base64('first'));
    expect(await store('case-s2', '', base64('second'))).to.deep.equal({ stored: [keyOf('case-s2', 'console.txt')] });
    expect(await vault.read(keyOf('case-s2', 'console.txt'))).to.equal('first');
    expect((await rejectionOf(vault.read(keyOf('case-s2', 'console.jpg')))).name).to.equal('NoSuchKey');
  });

  it('refuses what is no Base64', async () => {
    expect((await rejectionOf(store('case-s3', 'not base64!', ''))).name).to.equal('ZodError');
  });
});
