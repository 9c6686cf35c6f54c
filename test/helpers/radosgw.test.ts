import { existsSync, readFileSync, readdirSync } from 'node:fs';
import {
  CreateBucketCommand, DeleteObjectCommand, GetObjectCommand, HeadObjectCommand, PutBucketPolicyCommand, PutObjectCommand,
  PutObjectLockConfigurationCommand, S3Client, type S3ServiceException,
} from '@aws-sdk/client-s3';
import { expect } from 'chai';
import { type Radosgw, type S3User, startRadosgw } from './radosgw.ts';

describe('radosgw', function () {
  let gateway: Radosgw;
  const clients: S3Client[] = [];
  const clientOf = (user: S3User): S3Client => {
    const client = new S3Client({
      endpoint: gateway.endpoint, region: 'us-east-1', forcePathStyle: true, maxAttempts: 1, requestChecksumCalculation: 'WHEN_REQUIRED',
      credentials: { accessKeyId: user.accessKeyId, secretAccessKey: user.secretAccessKey },
    });
    clients.push(client);
    return client;
  };
  const refusal = async (promise: Promise<unknown>): Promise<[number | undefined, string]> =>
    await promise.then(
      () => { throw new Error('expected a refusal'); },
      (error: S3ServiceException) => [error.$metadata?.httpStatusCode, error.name],
    );

  before(async () => {
    gateway = await startRadosgw();
  });
  after(async () => {
    for (const client of clients) client.destroy();
    await gateway?.stop();
  });

  it('refuses to delete or shorten what Object Lock keeps, whoever asks', async () => {
    const s3 = clientOf(gateway);
    await s3.send(new CreateBucketCommand({ Bucket: 'locked', ObjectLockEnabledForBucket: true }));
    await s3.send(new PutObjectLockConfigurationCommand({
      Bucket: 'locked', ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled', Rule: { DefaultRetention: { Mode: 'COMPLIANCE', Days: 1 } } },
    }));
    const { VersionId } = await s3.send(new PutObjectCommand({ Bucket: 'locked', Key: 'image.dd', Body: 'evidence' }));
    expect(VersionId).to.be.a('string').and.not.equal('null');
    const head = await s3.send(new HeadObjectCommand({ Bucket: 'locked', Key: 'image.dd' }));
    expect(head.ObjectLockMode).to.equal('COMPLIANCE');
    expect(head.ObjectLockRetainUntilDate?.getTime()).to.be.closeTo(Date.now() + 86_400_000, 60_000);
    expect(await refusal(s3.send(new DeleteObjectCommand({ Bucket: 'locked', Key: 'image.dd', VersionId })))).to.deep.equal([403, 'AccessDenied']);
    expect(await refusal(s3.send(new DeleteObjectCommand({ Bucket: 'locked', Key: 'image.dd', VersionId, BypassGovernanceRetention: true })))).to.deep.equal([403, 'AccessDenied']);
    expect(await (await s3.send(new GetObjectCommand({ Bucket: 'locked', Key: 'image.dd', VersionId }))).Body?.transformToString()).to.equal('evidence');
  });

  it('refuses a signature made with another secret, and an unknown key', async () => {
    const put = (user: S3User) => clientOf(user).send(new CreateBucketCommand({ Bucket: 'signed' }));
    expect(await refusal(put({ ...gateway, secretAccessKey: 'not-the-secret' }))).to.deep.equal([403, 'SignatureDoesNotMatch']);
    expect(await refusal(put({ ...gateway, accessKeyId: 'NOBODY' }))).to.deep.equal([403, 'InvalidAccessKeyId']);
    await put(gateway);
  });

  it('obeys a bucket policy: what it allows, what it denies, and what it leaves out', async () => {
    const owner = clientOf(gateway);
    const collector = clientOf(await gateway.addUser('collector'));
    await owner.send(new CreateBucketCommand({ Bucket: 'policed' }));
    const principal = { AWS: ['arn:aws:iam:::user/collector'] };
    await owner.send(new PutBucketPolicyCommand({
      Bucket: 'policed',
      Policy: JSON.stringify({
        Version: '2012-10-17',
        Statement: [
          { Sid: 'Write', Effect: 'Allow', Principal: principal, Action: ['s3:PutObject', 's3:DeleteObject'], Resource: 'arn:aws:s3:::policed/*' },
          { Sid: 'Keep', Effect: 'Deny', Principal: principal, Action: 's3:DeleteObject', Resource: 'arn:aws:s3:::policed/*' },
        ],
      }),
    }));
    const object = { Bucket: 'policed', Key: 'case-1/image.dd' };
    await collector.send(new PutObjectCommand({ ...object, Body: 'evidence' }));
    expect(await refusal(collector.send(new DeleteObjectCommand(object)))).to.deep.equal([403, 'AccessDenied']);
    const other = { Bucket: 'policed', Key: 'case-2/image.dd' };
    await owner.send(new PutObjectCommand({ ...other, Body: 'older evidence' }));
    expect(await refusal(collector.send(new GetObjectCommand(other)))).to.deep.equal([403, 'AccessDenied']);
    expect(await (await owner.send(new GetObjectCommand(other))).Body?.transformToString()).to.equal('older evidence');
  });

  it('leaves neither a process nor a file behind when stopped', async () => {
    const before = cephDirectories();
    const other = await startRadosgw();
    const fresh = cephDirectories().filter((directory) => !before.includes(directory));
    expect(fresh).to.have.length(3);
    expect(new Set(fresh).size).to.equal(1);
    await other.stop();
    expect(cephDirectories()).to.have.members(before);
    expect(fresh.filter((directory) => existsSync(directory))).to.deep.equal([]);
  });
});

const commandLine = (pid: string): string[] => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return []; // it ended in between
  }
};

/** The directory of every Ceph server that a test runs now, once for each server. */
const cephDirectories = (): string[] =>
  readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) =>
    commandLine(pid).flatMap((arg) => /^(.*\/cleanroom-test-[^/]+)\/ceph\.conf$/.exec(arg)?.[1] ?? []));
