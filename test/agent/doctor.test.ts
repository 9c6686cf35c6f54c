import { once } from 'node:events';
import { chmod, copyFile, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, relative } from 'node:path';
import { CreateLogGroupCommand, PutRetentionPolicyCommand } from '@aws-sdk/client-cloudwatch-logs';
import {
  CreateBucketCommand,
  ListObjectVersionsCommand,
  PutBucketEncryptionCommand,
  PutBucketVersioningCommand,
  PutObjectLockConfigurationCommand,
  PutPublicAccessBlockCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { expect } from 'chai';
import { execa } from 'execa';
import type { AssessedDisk } from '../../agent/adapters/disk.ts';
import { inspectDc3dd } from '../../agent/adapters/dc3dd-tool.ts';
import { loadConfig, type CollectorConfig } from '../../agent/config.ts';
import { doctor, isFit, printFindings, type DoctorDeps, type Finding } from '../../agent/doctor.ts';
import { judgeClock } from '../../agent/doctor/clock-check.ts';
import { runChecks } from '../../agent/doctor/finding.ts';
import { HASH_ENGINES, hashSelfTest, type HashEngine } from '../../agent/hash-self-test.ts';
import { startMoto, type Moto } from '../helpers/moto.ts';
import { tempDir } from '../helpers/temp-dir.ts';
import { credentials, logsClient } from './logs-support.ts';

const configOf = async (flags: Record<string, unknown>): Promise<CollectorConfig> =>
  (await loadConfig({ flags, env: {}, metadata: null })).config;

const find = (findings: readonly Finding[], check: string): Finding => {
  const finding = findings.find((candidate) => candidate.check === check);
  if (!finding) throw new Error(`no finding ${check} among ${findings.map((candidate) => candidate.check).join()}`);
  return finding;
};

const diskOf = (path: string, readOnly: boolean, size: number, eligible = true): AssessedDisk => ({
  disk: {
    identity: 'disk-1-1', diskseq: '1', bootId: 'b', name: 'x', path, devno: '1:1', size, logicalSectorSize: 512, physicalSectorSize: 512,
    readOnly, labels: [], partitions: [], holders: [],
  },
  verdict: eligible ? { eligible: true } : { eligible: false, reason: 'mounted', because: 'it is mounted' },
});

describe('the doctor', function () {
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let root: string;
  beforeEach(async () => {
    dir = await tempDir();
    root = join(dir.path, 'root');
    for (const folder of ['proc/self', 'proc/1', 'sys/module/nvme_core/parameters']) await mkdir(join(root, folder), { recursive: true });
  });
  afterEach(async () => dir.remove());

  const look = async (deps: DoctorDeps = {}, flags: Record<string, unknown> = {}): Promise<Finding[]> =>
    doctor(await configOf({ to: join(dir.path, 'evidence'), scratchDir: join(dir.path, 'scratch'), ...flags }), { listDisks: async () => [], ...deps });

  it('names the real dc3dd with package version and digest, and finds the hash engines sound', async () => {
    const findings = await look();
    const tool = await inspectDc3dd();
    expect(tool.packageVersion).to.match(/^7\.[\d.]+/);
    expect(tool.banner).to.match(/^dc3dd /);
    expect(find(findings, 'dc3dd')).to.deep.equal({ check: 'dc3dd', level: 'ok', found: `${tool.path} ${tool.packageVersion}, SHA-256 ${tool.binarySha256}` });
    expect(find(findings, 'hash-self-test').level).to.equal('ok');
    expect(find(findings, 'node').level).to.equal('ok');
  });

  it('names the package that owns the binary, whatever its name, and none for a binary that no package owns', async () => {
    const [owned, copied] = [join(dir.path, 'owned'), join(dir.path, 'copied')];
    await Promise.all([owned, copied].map((folder) => mkdir(folder)));
    await symlink('/usr/bin/env', join(owned, 'dc3dd'));
    await copyFile((await inspectDc3dd()).path, join(copied, 'dc3dd'));
    const { stdout: coreutils } = await execa('dpkg-query', ['--show', '--showformat=${Version}', 'coreutils']);
    expect((await inspectDc3dd(owned)).packageVersion).to.equal(coreutils);
    expect(await inspectDc3dd(copied)).not.to.have.property('packageVersion');
  });

  it('names no package for a binary in whose place the package has another', async () => {
    const bin = join(dir.path, 'bin');
    await mkdir(bin);
    await copyFile((await inspectDc3dd()).path, join(bin, 'dc3dd'));
    const answers = `case $1 in --listfiles) printf '%s\\n' /usr/bin "${bin}/dc3dd" "locally diverted to: ${bin}/dc3dd.distrib";; --search) echo "local diversion from: ${bin}/dc3dd";; *) echo 7.2.646-6;; esac`;
    await writeFile(join(bin, 'dpkg-query'), `#!/bin/sh\n${answers}\n`, { mode: 0o755 });
    const before = process.env['PATH'];
    process.env['PATH'] = `${bin}:${before}`;
    try {
      expect(await inspectDc3dd(bin)).not.to.have.property('packageVersion');
    } finally {
      process.env['PATH'] = before;
    }
  });

  it('lists this host\'s real disks', async () => {
    const findings = await doctor(await configOf({ scratchDir: dir.path }));
    expect(find(findings, 'disks').found).to.match(/^\d+ eligible disks?, \d+ left alone/);
  });

  it('fails where dc3dd is missing, and says how to get it', async () => {
    const finding = find(await look({ path: `relative:${dir.path}` }), 'dc3dd');
    expect(finding).to.include({ level: 'fail', found: `no dc3dd on PATH (relative:${dir.path})` });
    expect(finding.advice).to.include('apt-get install dc3dd');
  });

  it('warns of a dc3dd that no package owns, and takes none that the working directory decides', async () => {
    const path = join(dir.path, 'dc3dd');
    await writeFile(path, '#!/bin/sh\nprintf \'dc3dd \\033[31m9\\n\'\n');
    await chmod(path, 0o755);
    const byChance = find(await look({ path: relative(process.cwd(), dir.path) }), 'dc3dd'); // found through the working directory
    expect(byChance.level).to.equal('fail');
    const finding = find(await look({ path: dir.path }), 'dc3dd');
    expect(finding.level).to.equal('warn');
    expect(finding.found).to.match(/\(dc3dd \\x1b\[31m9\), SHA-256 [0-9a-f]{64}; no package owns it$/);
  });

  it('judges Node, privileges, open files, udev and the NVMe timeout by what the system says', async () => {
    await writeFile(join(root, 'proc/self/status'), 'Name:\tnode\nCapEff:\t0000000000000000\n');
    await writeFile(join(root, 'proc/self/limits'), 'Max open files            128                 4096                 files\n');
    await writeFile(join(root, 'proc/1/comm'), 'init\n');
    await writeFile(join(root, 'sys/module/nvme_core/parameters/io_timeout'), '30\n');
    const bad = await look({ root, nodeVersion: 'v18.19.0' });
    const levels = (findings: Finding[]): unknown[] =>
      ['node', 'privileges', 'udev', 'open-files', 'nvme-timeout'].map((check) => find(findings, check).level);
    expect(levels(bad)).to.deep.equal(['fail', 'fail', 'fail', 'fail', 'warn']);
    expect(find(bad, 'nvme-timeout').advice).to.include('nvme_core.io_timeout=4294967295');
    expect(isFit(bad)).to.equal(false);
    await writeFile(join(root, 'proc/self/status'), 'Name:\tnode\nCapEff:\t000001ffffffffff\n');
    await writeFile(join(root, 'proc/self/limits'), 'Max open files            1024                 4096                 files\n');
    await writeFile(join(root, 'proc/1/comm'), 'systemd-udevd\n');
    await writeFile(join(root, 'sys/module/nvme_core/parameters/io_timeout'), '4294967295\n');
    expect(levels(await look({ root, nodeVersion: 'v24.0.0' }))).to.deep.equal(['ok', 'ok', 'ok', 'ok', 'ok']);
  });

  it('counts the eligible disks that are still writable, and fails where they cannot be set read-only', async () => {
    const disks = [diskOf('/dev/null', false, 1), diskOf('/dev/zero', true, 1), diskOf('/dev/full', false, 1, false)];
    const listDisks = async (): Promise<AssessedDisk[]> => disks;
    await writeFile(join(root, 'proc/self/status'), 'CapEff:\t000001ffffffffff\n');
    const asRoot = await look({ root, listDisks });
    expect(find(asRoot, 'disks')).to.include({ level: 'ok', found: '2 eligible disks, 1 left alone' });
    expect(find(asRoot, 'read-only').level).to.equal('warn');
    expect(find(asRoot, 'read-only').found).to.include('1 of 2 eligible disks writable (/dev/null)');
    await writeFile(join(root, 'proc/self/status'), 'CapEff:\t0000000000000000\n');
    expect(find(await look({ root, listDisks }), 'read-only').level).to.equal('fail');
    expect(find(await look({ listDisks: async () => [diskOf('/dev/zero', true, 1)] }), 'read-only').level).to.equal('ok');
  });

  it('fails for a disk that cannot be opened', async () => {
    const finding = find(await look({ listDisks: async () => [diskOf(join(dir.path, 'gone'), true, 1)] }), 'disks');
    expect(finding).to.include({ level: 'fail' });
    expect(finding.found).to.include('ENOENT');
  });

  it('looks at the destination directory without making it, and whether the largest disk fits', async () => {
    const fits = find(await look(), 'destination');
    expect(fits.found).to.match(new RegExp(`^${dir.path}/evidence is writable \\(will be made in ${dir.path}\\), [\\d.]+ [GT]iB free$`));
    expect(await readdir(dir.path)).to.deep.equal(['root']);
    const huge = find(await look({ listDisks: async () => [diskOf('/dev/null', true, 2 ** 60)] }), 'destination');
    expect(huge).to.include({ level: 'fail' });
    const file = join(dir.path, 'file');
    await writeFile(file, '');
    expect(find(await look({}, { to: file }), 'destination')).to.include({ level: 'fail', found: `${file} is not a directory` });
    expect(find(await look({}, { to: '/proc/nothing/here' }), 'destination')).to.include({ level: 'fail', found: "/proc cannot be written: it is the kernel's own, and keeps no files" });
    expect(find(await look({}, { scratchDir: '/proc/nothing' }), 'scratch').level).to.equal('fail');
  });

  it('goes on when a check itself breaks', async () => {
    const findings = await look({ listDisks: async () => { throw new Error('sysfs is\n gone'); } });
    expect(find(findings, 'disks')).to.deep.equal({ check: 'disks', level: 'fail', found: 'sysfs is gone', advice: 'find out why, and ask again' });
    expect(find(findings, 'hash-self-test').level).to.equal('ok');
  });

  describe('of a bucket and log groups', () => {
    let moto: Moto;
    let s3: S3Client;
    before(async () => {
      moto = await startMoto();
      s3 = new S3Client({ endpoint: moto.endpoint, region: 'eu-central-1', credentials, forcePathStyle: true });
    });
    after(async () => {
      s3.destroy();
      await moto.stop();
    });

    const lookAt = async (bucket: string, flags: Record<string, unknown> = {}, client = s3): Promise<Finding[]> => {
      const logs = logsClient(moto.endpoint);
      try {
        return await look({ s3: client, logs }, { to: `s3://${bucket}/prefix`, ...flags });
      } finally {
        logs.destroy();
      }
    };
    const BUCKET_CHECKS = ['credentials', 'bucket', 'versioning', 'object-lock', 'encryption', 'public-access'];
    const levelsOf = (findings: readonly Finding[]): string[] => BUCKET_CHECKS.map((check) => find(findings, check).level);
    const make = async (Bucket: string, locked: boolean): Promise<void> => {
      await s3.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: locked, CreateBucketConfiguration: { LocationConstraint: 'eu-central-1' } }));
    };

    it('finds nothing wrong with a bucket that is as it should be, and writes nothing to it', async () => {
      const Bucket = 'as-it-should-be';
      await make(Bucket, true);
      await s3.send(new PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled', Rule: { DefaultRetention: { Mode: 'COMPLIANCE', Days: 2555 } } } }));
      await s3.send(new PutBucketEncryptionCommand({ Bucket, ServerSideEncryptionConfiguration: { Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: 'alias/evidence' } }] } }));
      await s3.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration: { BlockPublicAcls: true, IgnorePublicAcls: true, BlockPublicPolicy: true, RestrictPublicBuckets: true } }));
      const findings = await lookAt(Bucket);
      expect(levelsOf(findings)).to.deep.equal(['ok', 'ok', 'ok', 'ok', 'ok', 'ok']);
      expect(find(findings, 'object-lock').found).to.equal('new objects are locked for 2555 days in COMPLIANCE mode');
      expect(find(findings, 'encryption').found).to.equal('objects are encrypted with aws:kms, key alias/evidence');
      expect(find(findings, 'credentials').found).to.equal('access key AKIA...TEST, without an expiry');
      expect(JSON.stringify(findings)).not.to.include(credentials.secretAccessKey).and.not.include(credentials.accessKeyId);
      expect(find(findings, 'clock').found).to.match(/it is [0-3] s (ahead of|behind) the store's/);
      expect((await s3.send(new ListObjectVersionsCommand({ Bucket }))).Versions).to.equal(undefined);
    });

    it('fails for a bucket without versioning, lock and public access block, and says what to do', async () => {
      await make('plain', false);
      const findings = await lookAt('plain');
      expect(levelsOf(findings)).to.deep.equal(['ok', 'ok', 'fail', 'fail', 'warn', 'fail']);
      expect(find(findings, 'versioning').found).to.match(/^versioning is off/);
      for (const { level, advice } of findings) if (level !== 'ok') expect(advice).to.be.a('string');
    });

    it('fails for suspended versioning, for a lock without default retention, and for a half-open public access block', async () => {
      await make('half', true);
      await s3.send(new PutPublicAccessBlockCommand({ Bucket: 'half', PublicAccessBlockConfiguration: { BlockPublicAcls: true, IgnorePublicAcls: true, BlockPublicPolicy: false, RestrictPublicBuckets: true } }));
      const findings = await lookAt('half');
      expect(find(findings, 'object-lock')).to.include({ level: 'fail', found: 'Object Lock is on, but without a default retention: new objects are not protected' });
      expect(find(findings, 'public-access')).to.include({ level: 'fail', found: 'public access is not blocked: BlockPublicPolicy' });
      await make('suspended', false);
      await s3.send(new PutBucketVersioningCommand({ Bucket: 'suspended', VersioningConfiguration: { Status: 'Suspended' } }));
      expect(find(await lookAt('suspended'), 'versioning')).to.include({ level: 'fail' });
    });

    it('takes the key that the configuration asks for into account', async () => {
      await make('own-key', false);
      expect(find(await lookAt('own-key', { kmsKeyId: 'alias/evidence' }), 'encryption').level).to.equal('ok');
    });

    it('fails for a bucket that is not there, and for one in another Region', async () => {
      expect(find(await lookAt('no-such-bucket'), 'bucket')).to.include({ level: 'fail', found: 'there is no bucket no-such-bucket' });
      const Bucket = 'elsewhere';
      const west = new S3Client({ endpoint: moto.endpoint, region: 'eu-west-1', credentials, forcePathStyle: true });
      await west.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' } }));
      west.destroy();
      expect(find(await lookAt(Bucket), 'bucket')).to.include({ level: 'fail', found: 'elsewhere is in eu-west-1, the Region in use is eu-central-1', advice: 'give --region eu-west-1' });
      expect(find(await lookAt(Bucket, { endpoint: moto.endpoint }), 'bucket').level).to.equal('ok');
    });

    it('cannot tell where it may not ask, and names the right that is missing', async () => {
      await make('forbidden', false);
      const server = createServer((_, outgoing) => {
        outgoing.writeHead(403, { 'content-type': 'application/xml', date: new Date(Date.now() - 3_600_000).toUTCString() });
        outgoing.end('<Error><Code>AccessDenied</Code><Message>no \u001b[31m</Message></Error>');
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const client = new S3Client({ endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, region: 'eu-central-1', credentials, forcePathStyle: true, maxAttempts: 1 });
      const findings = await lookAt('forbidden', {}, client);
      client.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      expect(levelsOf(findings)).to.deep.equal(['ok', 'fail', 'warn', 'warn', 'warn', 'warn']);
      const permissions = ['versioning', 'object-lock', 'encryption', 'public-access'].map((check) => /s3:\w+/.exec(find(findings, check).advice ?? '')?.[0]);
      expect(permissions).to.deep.equal(['s3:GetBucketVersioning', 's3:GetBucketObjectLockConfiguration', 's3:GetEncryptionConfiguration', 's3:GetBucketPublicAccessBlock']);
      expect(find(findings, 'clock')).to.include({ level: 'fail' });
      expect(find(findings, 'clock').found).to.match(/it is 36\d\d s ahead of the store's$/);
      expect(printFindings(findings, { json: false })).to.match(/^[\x20-\x7e\n]+$/);
    });

    it('fails without credentials, and for expired ones, and warns of those about to expire', async () => {
      const level = async (provider: () => Promise<{ accessKeyId: string; secretAccessKey: string; expiration?: Date }>): Promise<string> => {
        const client = new S3Client({ endpoint: moto.endpoint, region: 'eu-central-1', forcePathStyle: true, credentials: provider, maxAttempts: 1 });
        const { level: found } = find(await lookAt('plain', {}, client), 'credentials');
        client.destroy();
        return found;
      };
      const in_ = (minutes: number): Date => new Date(Date.now() + minutes * 60_000 + 5000);
      expect(await level(() => Promise.reject(new Error('none anywhere')))).to.equal('fail');
      expect(await level(async () => ({ ...credentials, expiration: in_(-5) }))).to.equal('fail');
      expect(await level(async () => ({ ...credentials, expiration: in_(10) }))).to.equal('warn');
      expect(await level(async () => ({ ...credentials, expiration: in_(60) }))).to.equal('ok');
    });

    it('finds the log groups, those that are missing, and a service that is not there', async () => {
      const logs = logsClient(moto.endpoint);
      for (const name of ['/doc/ForensicDiskCapture', '/doc/ForensicDiskAudit', '/doc/ForensicDiskReadiness-other']) {
        await logs.send(new CreateLogGroupCommand({ logGroupName: name }));
      }
      await logs.send(new PutRetentionPolicyCommand({ logGroupName: '/doc/ForensicDiskAudit', retentionInDays: 3653 }));
      const findings = await look({ s3, logs }, { to: 's3://plain', logGroupPrefix: '/doc/' });
      expect(find(findings, 'log-group-capture')).to.deep.include({ level: 'ok', found: '/doc/ForensicDiskCapture, kept for ever' });
      expect(find(findings, 'log-group-audit').found).to.equal('/doc/ForensicDiskAudit, kept for 3653 days');
      expect(find(findings, 'log-group-readiness')).to.include({ level: 'warn', found: 'there is no log group /doc/ForensicDiskReadiness' });
      logs.destroy();
      const nobody = logsClient('http://127.0.0.1:9');
      const away = await look({ s3, logs: nobody }, { to: 's3://plain' });
      nobody.destroy();
      expect(find(away, 'log-group-audit').level).to.equal('fail');
      expect((await look({ s3 }, { to: 's3://plain', logs: 'none' })).filter(({ check }) => check.startsWith('log-group'))).to.deep.equal([]);
    });
  });
});

describe('checks', () => {
  it('that never end are findings too', async () => {
    const findings = await runChecks([{ check: 'stuck', look: () => new Promise(() => {}) }], 50);
    expect(findings).to.deep.equal([{ check: 'stuck', level: 'fail', found: 'no answer within 0.05 s', advice: 'find out why, and ask again' }]);
  });
});

describe('the clock', () => {
  it('fails more than five minutes off, warns more than thirty seconds off or unsynchronised', () => {
    expect([[true, undefined], [true, 3], [true, -31], [true, 301], [false, 0], [undefined, undefined], [undefined, 2]]
      .map(([synchronized, skew]) => judgeClock(synchronized as boolean | undefined, skew as number | undefined).level))
      .to.deep.equal(['ok', 'ok', 'warn', 'fail', 'warn', 'warn', 'ok']);
  });
});

describe('findings', () => {
  const findings: Finding[] = [
    { check: 'dc3dd', level: 'ok', found: 'here' },
    { check: 'bucket', level: 'fail', found: 'it says "\u001b[2J\u202e\\"', advice: 'look' },
  ];
  it('are printed as a table with advice and a summary, inert', () => {
    expect(printFindings(findings, { json: false })).to.equal(
      'ok    dc3dd   here\nfail  bucket  it says "\\u001b[2J\\u202e\\"\n              -> look\n2 checks: 1 ok, 0 to look at, 1 failed\n',
    );
  });
  it('are printed as JSON lines', () => {
    const lines = printFindings(findings, { json: true }).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).to.deep.equal(findings);
    expect(lines.join('')).to.match(/^[\x20-\x7e]+$/);
  });
});

describe('the hash self-test', () => {
  const broken = (breaks: (sha256: string, bytes: number) => string): HashEngine => ({
    name: 'broken',
    create: async () => {
      const hasher = await HASH_ENGINES[0]!.create();
      let bytes = 0;
      return {
        update: (chunk) => { bytes += chunk.length; hasher.update(chunk); },
        digest: () => breaks(hasher.digest(), bytes),
      };
    },
  });
  const failure = async (engine: HashEngine): Promise<Error & { code?: string }> =>
    hashSelfTest([HASH_ENGINES[1]!, engine]).then(() => new Error('it passed'), (error: Error) => error);

  it('passes for both engines', async () => hashSelfTest());

  it('fails for an engine that is wrong about any known answer, and names it', async () => {
    for (const length of [0, 3, 56, 1_000_000]) {
      const error = await failure(broken((sha256, bytes) => (bytes === length ? sha256.replace(/^./, (digit) => (digit === '0' ? '1' : '0')) : sha256)));
      expect(error).to.include({ name: 'StageError', code: 'HASH_SELF_TEST', retryable: false });
      expect(error.message).to.match(/^broken gives /);
    }
  });

  it('fails for an engine that knows only the known answers', async () => {
    const error = await failure(broken((sha256, bytes) => (bytes === 65_536 ? '0'.repeat(64) : sha256)));
    expect(error.message).to.match(/^the hash engines disagree .* 0{64} \(broken, whole\)/);
  });
});
