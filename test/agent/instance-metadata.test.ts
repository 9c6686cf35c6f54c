import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { InstanceMetadata, isEc2 } from '../../agent/adapters/instance-metadata.ts';
import { StageError } from '../../agent/errors.ts';
import { tempDir } from '../helpers/temp-dir.ts';
import { publishTags, startMetadataServer, type MetadataServer } from './metadata-support.ts';

const DOCUMENT = JSON.stringify({ accountId: '123456789012', region: 'eu-central-1', instanceId: 'i-0123456789abcdef0', imageId: 'ami-1' });

async function rejection(promise: Promise<unknown>): Promise<StageError> {
  try {
    await promise;
  } catch (error) {
    expect(error).to.be.instanceOf(StageError);
    return error as StageError;
  }
  throw new Error('it did not reject');
}

describe('whether a machine is an EC2 instance', () => {
  it('is what the machine itself says, or cannot be told', async () => {
    const dir = await tempDir();
    const dmi = join(dir.path, 'sys/class/dmi/id');
    expect(await isEc2(dir.path)).to.equal(undefined);
    await mkdir(dmi, { recursive: true });
    await writeFile(join(dmi, 'sys_vendor'), 'Amazon EC2\n');
    expect(await isEc2(dir.path)).to.equal(true);
    await writeFile(join(dmi, 'sys_vendor'), 'LENOVO\n');
    expect(await isEc2(dir.path)).to.equal(false);
    await mkdir(join(dir.path, 'sys/hypervisor'));
    await writeFile(join(dir.path, 'sys/hypervisor/uuid'), 'ec2e1916-9099-7caf-fd21-012345abcdef\n');
    expect(await isEc2(dir.path)).to.equal(true);
    await dir.remove();
  });
});

describe('instance metadata', () => {
  let server: MetadataServer;
  let metadata: InstanceMetadata;
  beforeEach(async () => {
    server = await startMetadataServer();
    metadata = new InstanceMetadata({ endpoint: server.endpoint, timeoutMs: 60_000 });
    server.answers.set('dynamic/instance-identity/document', DOCUMENT);
  });
  afterEach(async () => server.stop());

  it('asks for a token first, once, and reads the identity with it', async () => {
    expect(await metadata.identity()).to.deep.equal({ account: '123456789012', region: 'eu-central-1', instanceId: 'i-0123456789abcdef0' });
    await metadata.identity();
    expect(server.requests).to.deep.equal([
      'PUT /latest/api/token',
      'GET /latest/dynamic/instance-identity/document',
      'GET /latest/dynamic/instance-identity/document',
    ]);
  });

  it('gets a new token when the old one is refused', async () => {
    await metadata.identity();
    server.forgetTokens();
    expect((await metadata.identity()).account).to.equal('123456789012');
  });

  it('says that it is available only when a token was given', async () => {
    expect(await metadata.available()).to.equal(true);
    server.fault = () => 403;
    expect(await metadata.available()).to.equal(false);
    expect(await new InstanceMetadata({ endpoint: 'http://127.0.0.1:9' }).available()).to.equal(false);
  });

  it('waits no longer than its timeout for a service that does not answer', async () => {
    server.fault = () => 'hang'; // for ever
    const started = performance.now();
    expect(await new InstanceMetadata({ endpoint: server.endpoint, timeoutMs: 300 }).available()).to.equal(false);
    expect(performance.now() - started).to.be.at.least(290);
  });

  it('tries again after a failure, twice', async () => {
    let faults = 2;
    server.fault = (request) => (request.startsWith('GET') && faults-- > 0 ? 500 : undefined);
    expect((await metadata.identity()).region).to.equal('eu-central-1');
    faults = 3;
    const error = await rejection(metadata.identity());
    expect(error).to.include({ code: 'INSTANCE_METADATA', retryable: true });
    expect(error.message).to.include(server.endpoint);
    expect(error.advice).to.include('IMDSv2');
  });

  it('reads only the tags with the prefix, however they are named', async () => {
    publishTags(server, { 'cleanroom:case': 'C-1', 'cleanroom:a+b=c@d': 'x', Name: 'host', 'cleanroom-like': 'no' });
    expect([...(await metadata.tags('cleanroom:'))]).to.deep.equal([['cleanroom:case', 'C-1'], ['cleanroom:a+b=c@d', 'x']]);
    expect(server.requests).to.include('GET /latest/meta-data/tags/instance/cleanroom:case');
    expect(server.requests.filter((request) => request.includes('Name'))).to.deep.equal([]);
  });

  it('cannot be led to another path by a tag\'s key', async () => {
    publishTags(server, { 'cleanroom:/../../iam/security-credentials/role?x#y': 'v' });
    await metadata.tags('cleanroom:');
    expect(server.requests.at(-1)).to.equal('GET /latest/meta-data/tags/instance/cleanroom:%2F..%2F..%2Fiam%2Fsecurity-credentials%2Frole%3Fx%23y');
  });

  it('finds no tags where the instance does not publish them, and refuses a flood', async () => {
    expect((await metadata.tags('cleanroom:')).size).to.equal(0);
    server.answers.set('meta-data/tags/instance', Array.from({ length: 300 }, (_, index) => `cleanroom:${index}`).join('\n'));
    expect((await rejection(metadata.tags('cleanroom:'))).message).to.include('300 tags');
  });

  it('refuses an answer that is no identity document, or that does not end', async () => {
    server.answers.set('dynamic/instance-identity/document', JSON.stringify({ accountId: '../../x', region: 'r', instanceId: 'i-1' }));
    expect((await rejection(metadata.identity())).message).to.include('identity document');
    server.answers.set('dynamic/instance-identity/document', 'x'.repeat(100_000));
    expect(String((await rejection(metadata.identity())).cause)).to.include('65536 bytes');
  });

  it('reads the instance profile, or that there is none', async () => {
    expect(await metadata.instanceProfileArn()).to.equal(undefined);
    const arn = 'arn:aws:iam::123456789012:instance-profile/Collector';
    server.answers.set('meta-data/iam/info', JSON.stringify({ Code: 'Success', InstanceProfileArn: arn }));
    expect(await metadata.instanceProfileArn()).to.equal(arn);
  });
});
