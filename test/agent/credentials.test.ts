import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import { expect } from 'chai';
import { MiB, recordKey } from '../../modules/vocabulary/index.ts';
import { makeRaw } from '../../scripts/lab/disks.ts';
import { runCli, startCli } from '../helpers/cli.ts';
import { startMotoFront, type MotoFront } from '../helpers/moto-front.ts';
import type { FaultPlan } from '../helpers/s3-front.ts';
import { newBucket, s3ClientOf, useCredentials } from '../helpers/s3-store.ts';
import { tempDir } from '../helpers/temp-dir.ts';
import { publishTags, startMetadataServer } from './metadata-support.ts';

/** Without those that the other tests give in the environment. */
const NO_KEYS = { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' };

const keyOf = ({ headers }: { readonly headers: IncomingHttpHeaders }): string | undefined =>
  /Credential=([^/]+)\//.exec(String(headers['authorization']))?.[1];

describe('credentials', () => {
  let front: MotoFront;
  let faults: FaultPlan | undefined;
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let bucket: string;
  let image: string;
  let since = 0;
  before(async () => {
    useCredentials();
    front = await startMotoFront({ requireChecksum: true, faults: (request) => faults?.(request) });
  });
  after(() => front.stop());
  beforeEach(async () => {
    faults = undefined;
    dir = await tempDir();
    image = await makeRaw(join(dir.path, 'disk.img'), 24 * MiB);
    await chmod(image, 0o444);
    const client = s3ClientOf(front);
    bucket = await newBucket(client);
    client.destroy();
    since = front.requests.length;
  });
  afterEach(() => dir.remove());

  it('that run out in the middle of an upload are replaced by fresh ones, and the image is COMPLETE', async () => {
    const current = join(dir.path, 'current-key');
    const process = join(dir.path, 'credential-process');
    // Gives what is current, good for two minutes: the SDK asks again for whatever ends within five.
    await writeFile(process, `#!/bin/sh
printf '{"Version":1,"AccessKeyId":"%s","SecretAccessKey":"secret","SessionToken":"token","Expiration":"%s"}' "$(cat ${current})" "$(date -u -d '+2 minutes' +%Y-%m-%dT%H:%M:%SZ)"
`);
    await chmod(process, 0o755);
    await writeFile(current, 'AKIAFIRST');
    await writeFile(join(dir.path, 'aws-config'), `[default]\nregion = us-east-1\ncredential_process = ${process}\n`);
    let isRotated = false;
    faults = (request) => {
      if (isRotated && keyOf(request) === 'AKIAFIRST') return { kind: 'status', status: 400, code: 'ExpiredToken' };
      // What is under way when the keys change stays under way for a while.
      return request.operation === 'UploadPart' && !isRotated ? { kind: 'throttle', bytesPerSecond: 4 * MiB } : undefined;
    };
    const env = { ...NO_KEYS, AWS_CONFIG_FILE: join(dir.path, 'aws-config'), AWS_SHARED_CREDENTIALS_FILE: join(dir.path, 'none'), AWS_EC2_METADATA_DISABLED: 'true' };
    const cli = startCli(['collect', image, '--case', 'c-1', '--volume', 'vol-1', '--to', `s3://${bucket}`, '--endpoint', front.endpoint,
      '--scratch-dir', join(dir.path, 'scratch'), '--part-size', '5MiB', '--concurrency', '1', '--json'], { env });
    await cli.event('part.stored');
    await writeFile(`${current}.new`, 'AKIASECOND');
    await rename(`${current}.new`, current); // in one step: nobody may read half of it
    isRotated = true;
    expect((await cli.ended).code, cli.stderr()).to.equal(0);
    const keys = front.requests.slice(since).filter(({ operation, status }) => operation === 'UploadPart' && status === 200).map(keyOf);
    expect(new Set(keys)).to.deep.equal(new Set(['AKIAFIRST', 'AKIASECOND']));
    expect(cli.stdout() + cli.stderr()).to.not.contain('secret');
  });

  it('and settings come from the instance: its tags, its role, and who it is for the manifest', async () => {
    const metadata = await startMetadataServer();
    try {
      publishTags(metadata, { 'cleanroom:case': 'tagged-1', 'cleanroom:to': `s3://${bucket}/t`, Name: 'collector' });
      const identity = { accountId: '123456789012', region: 'eu-central-1', instanceId: 'i-0123456789abcdef0' };
      metadata.answers.set('dynamic/instance-identity/document', JSON.stringify(identity));
      const role = 'meta-data/iam/security-credentials/';
      metadata.answers.set('meta-data/iam/info', JSON.stringify({ InstanceProfileArn: 'arn:aws:iam::123456789012:instance-profile/collector' }));
      metadata.answers.set(role, 'collector');
      metadata.answers.set(`${role}collector`, JSON.stringify({
        Code: 'Success', Type: 'AWS-HMAC', AccessKeyId: 'AKIAINSTANCE', SecretAccessKey: 'secret', Token: 'token', Expiration: new Date(Date.now() + 6 * 3_600_000).toISOString(),
      }));
      await mkdir(join(dir.path, 'home'));
      const env = {
        ...NO_KEYS, HOME: join(dir.path, 'home'), CLEANROOM_IMDS_ENDPOINT: metadata.endpoint, AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata.endpoint,
        CLEANROOM_ENDPOINT: front.endpoint, CLEANROOM_LOGS: 'none',
      };
      const scratch = ['--scratch-dir', join(dir.path, 'scratch')];
      const { code, stderr } = await runCli(['collect', image, '--volume', 'vol-1', ...scratch], { env });
      expect(code, stderr).to.equal(0);
      const asked = front.requests.slice(since);
      expect(new Set(asked.map(keyOf))).to.deep.equal(new Set(['AKIAINSTANCE']));
      const stored = asked.find(({ key, operation }) => operation === 'PutObject' && key === `t/${recordKey('tagged-1', 'vol-1', 'manifest.json')}`);
      expect(stored?.status).to.equal(200);
      const { stdout } = await runCli(['collect', image, '--print-config', '--json', ...scratch], { env });
      expect(stdout).to.contain('instance tag cleanroom:case').and.to.contain('tagged-1');
      const local = join(dir.path, 'evidence');
      await runCli(['collect', image, '--volume', 'vol-1', '--to', local, ...scratch], { env: { ...env, CLEANROOM_ENDPOINT: front.endpoint } });
      const manifest = await readFile(join(local, recordKey('tagged-1', 'vol-1', 'manifest.json')), 'utf8');
      for (const fact of [...Object.values(identity), 'arn:aws:iam::123456789012:instance-profile/collector']) expect(manifest).to.contain(fact);
    } finally {
      await metadata.stop();
    }
  });
});
