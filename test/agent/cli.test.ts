import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { checkManifest, imageKey, LogRecord, MiB, recordKey } from '../../modules/vocabulary/index.ts';
import { makeRaw } from '../../scripts/lab/disks.ts';
import { attachBadDisk } from '../helpers/bad-disk.ts';
import { runCli, startCli, type CliOptions, type CliResult } from '../helpers/cli.ts';
import { flipByte } from '../helpers/collect.ts';
import { sha256Hex } from '../helpers/evidence.ts';
import { startMoto } from '../helpers/moto.ts';
import { startMotoFront, type MotoFront } from '../helpers/moto-front.ts';
import { peakMemory } from '../helpers/peak-memory.ts';
import type { FaultPlan } from '../helpers/s3-front.ts';
import { newBucket, s3ClientOf, useCredentials } from '../helpers/s3-store.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const COMMANDS = ['run', 'collect', 'verify', 'devices', 'doctor'];

describe('the collector command', function () {
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let to: string;
  let image: string;
  beforeEach(async () => {
    dir = await tempDir();
    to = join(dir.path, 'evidence');
    image = await makeRaw(join(dir.path, 'disk.img'), 100_003);
    await chmod(image, 0o444);
  });
  afterEach(() => dir.remove());

  const collect = (more: readonly string[] = [], options: CliOptions = {}): Promise<CliResult> =>
    runCli(['collect', image, '--case', 'c-1', '--volume', 'vol-1', '--to', to, '--scratch-dir', join(dir.path, 'scratch'), ...more], options);

  describe('--help', () => {
    it('of every subcommand has examples of that subcommand, and every exit status', async () => {
      for (const command of COMMANDS) {
        const { code, stdout, stderr } = await runCli([command, '--help']);
        expect([code, stderr], command).to.deep.equal([0, '']);
        expect(stdout).to.match(new RegExp(`Examples:\\n  collector ${command}`));
        for (const status of ['0  COMPLETE', '1  FAILED', '2  wrong arguments', '3  PARTIAL', '4  this host', '5  interrupted']) expect(stdout, command).to.contain(status);
      }
    });

    it('says what is allowed, and what is needed', async () => {
      const text = (await runCli(['run', '--help'])).stdout.replaceAll(/\s+/g, ' ');
      for (const part of [
        '--case <id> the case that the images belong to; 1 to 64 of A-Z a-z 0-9 . _ - (needed) [CLEANROOM_CASE] --volume <id>',
        '--part-size <size> bytes of a part; without it the disk\'s size decides; 5MiB to 5GiB, for example 16MiB [CLEANROOM_PART_SIZE]',
        'a whole number from 1 to 64 (default: 12) [CLEANROOM_CONCURRENCY]',
        'a progress bar [CLEANROOM_PROGRESS=false]',
      ]) expect(text).to.contain(part);
    });

    it('of the whole names every subcommand', async () => {
      const { code, stdout } = await runCli(['--help']);
      expect(code).to.equal(0);
      for (const command of COMMANDS) expect(stdout).to.match(new RegExp(`^  ${command}\\b`, 'm'));
    });
  });

  describe('wrong usage ends with 2 and touches nothing', () => {
    const wrong: readonly [what: string, args: (file: string, place: string) => string[], says: RegExp][] = [
      ['no command', () => [], /Usage: collector/],
      ['an unknown command', () => ['colect'], /unknown command/],
      ['an unknown flag', (file) => ['collect', file, '--cases', 'x'], /unknown option '--cases'/],
      ['no source', () => ['collect', '--case', 'c-1'], /missing required argument 'source'/],
      ['no case', (file, place) => ['collect', file, '--volume', 'v', '--to', place], /--case/],
      ['a case that is no name', (file, place) => ['collect', file, '--case', '../x', '--to', place], /--case/],
      ['no volume for a file', (file, place) => ['collect', file, '--case', 'c', '--to', place], /--volume/],
      ['a source that does not exist', (_, place) => ['collect', '/nowhere', '--case', 'c', '--to', place], /does not exist/],
      ['a part size that S3 refuses', (file, place) => ['collect', file, '--case', 'c', '--volume', 'v', '--to', place, '--part-size', '1MiB'], /5MiB to 5GiB/],
      ['a destination that is no place', (file) => ['collect', file, '--case', 'c', '--volume', 'v', '--to', 'ftp://x'], /--to/],
      ['an image that nothing would prove', (file, place) => ['collect', file, '--case', 'c', '--volume', 'v', '--to', place, '--reread', 'never'], /verifies nothing itself/],
      ['a place to verify that is none', () => ['verify', '/nowhere'], /neither a directory nor/],
      ['a place to verify without evidence', (file) => ['verify', join(file, '..')], /no disk evidence/],
      ['a settings file that is not there', (file, place) => ['collect', file, '--case', 'c', '--volume', 'v', '--to', place, '--config', '/nowhere.json'], /nowhere\.json/],
    ];
    for (const [what, args, says] of wrong) {
      it(`for ${what}`, async () => {
        const { code, stdout, stderr } = await runCli(args(image, to), { cwd: dir.path });
        expect(code, stderr).to.equal(2);
        expect(stdout + stderr).to.match(says);
        expect((await readdir(dir.path)).toSorted()).to.satisfy((names: string[]) => names.every((name) => ['disk.img', 'evidence'].includes(name)));
        expect(await readdir(to).catch(() => [])).to.deep.equal([]);
      });
    }
  });

  it('--print-config shows every value and where it came from, and does nothing', async () => {
    const file = join(dir.path, 'settings.json');
    await writeFile(file, JSON.stringify({ concurrency: 3, partTries: 4 }));
    const { code, stdout } = await collect(['--print-config', '--config', file, '--part-tries', '2'], { env: { CLEANROOM_RING_SIZE: '8MiB' } });
    expect(code).to.equal(0);
    const row = (name: string): string[] => stdout.split('\n').find((line) => line.startsWith(`${name} `))!.trim().split(/ {2,}/);
    expect(row('part-tries')).to.deep.equal(['part-tries', '2', 'flag --part-tries']);
    expect(row('concurrency').slice(0, 2)).to.deep.equal(['concurrency', '3']);
    expect(row('concurrency')[2]).to.contain('settings.json');
    expect(row('ring-size')[1]).to.equal('8MiB');
    expect(row('ring-size')[2]).to.contain('CLEANROOM_RING_SIZE');
    expect(row('heartbeat-seconds')[2]).to.equal('default');
    expect((await readdir(dir.path)).toSorted()).to.deep.equal(['disk.img', 'settings.json']);
  });

  it('ends with 4 where the instance metadata service does not answer: systemd starts it again, which 2 forbids', async () => {
    const { code, stderr } = await runCli(['collect', image, '--case', 'c-1', '--volume', 'vol-1', '--to', join(dir.path, 'evidence')], { env: { CLEANROOM_IMDS_ENDPOINT: 'http://127.0.0.1:9' } });
    expect(code, stderr).to.equal(4);
    expect(stderr).to.contain('does not answer');
  });

  it('--print-config shows the values also where the configuration has problems, beside them, and ends with 2', async () => {
    const { code, stdout, stderr } = await collect(['--print-config', '--part-size', '16MiB'], { env: { CLEANROOM_PART_SIZE: 'x', CLEANROOM_PARALLEL: '3' } });
    expect(code).to.equal(2);
    expect(stdout).to.match(/^part-size +16MiB +flag --part-size$/m).and.match(/^parallel +3 +environment CLEANROOM_PARALLEL$/m);
    expect(stderr).to.contain('environment CLEANROOM_PART_SIZE: is no size').and.match(/Correct what is listed\.\n$/);
    const refused = await collect([], { env: { CLEANROOM_PART_SIZE: 'x' } });
    expect([refused.code, refused.stdout]).to.deep.equal([2, '']);
    expect(refused.stderr).to.match(/Correct what is listed; `--print-config` shows each value and where it comes from\.\n$/);
    const json = await collect(['--print-config', '--json'], { env: { CLEANROOM_PART_SIZE: 'x' } });
    expect(json.lines().map(({ event, code: told }) => [event, told])).to.deep.equal([['error', 'CONFIG']]);
  });

  it('says which directory is missing where its pipe cannot be made, and what to do', async () => {
    const { code, stderr } = await collect([], { env: { TMPDIR: '/nonexistent' } });
    expect(code).to.equal(4);
    expect(stderr).to.match(/^collector: no pipe to dc3dd can be made in \/nonexistent: ENOENT.*name another directory in TMPDIR, and start the same command again\.\n$/);
  });

  it('tells a failure as JSON wherever JSON was asked for: by flag, environment or file', async () => {
    const file = join(dir.path, 'settings.json');
    await writeFile(file, '{"json": true}');
    const ways: readonly [more: readonly string[], options: CliOptions][] = [[['--json'], {}], [[], { env: { CLEANROOM_JSON: 'true' } }], [['--config', file], {}]];
    for (const [more, options] of ways) {
      for (const [wrong, code] of [[['--reread', 'never'], 'UNPROVABLE'], [['--part-size', '1'], 'CONFIG']] as const) {
        const { lines, stderr } = await collect([...more, ...wrong], options);
        const told = lines().at(-1)!;
        expect([told.event, told['code']], `${code} ${more.join(' ')}`).to.deep.equal(['error', code]);
        for (const field of ['safe', 'advice']) expect(stderr).to.contain(told[field]);
      }
    }
  });

  it('--json gives nothing but events on standard output, each one line of the vocabulary', async () => {
    const { code, lines } = await collect(['--json']);
    expect(code).to.equal(0);
    const events = lines();
    for (const line of events) expect(LogRecord.safeParse(line).success, JSON.stringify(line)).to.equal(true);
    expect(events.map(({ event }) => event)).to.include.members(['source.opened', 'acquisition.started', 'part.stored', 'image.stored', 'manifest.stored', 'acquisition.ended']);
  });

  it('tells a person what was done, and how to check it', async () => {
    const { stdout } = await collect();
    expect(stdout).to.contain('COMPLETE: 97.7 KiB').and.to.match(/SHA-256 {3}[0-9a-f]{64}/).and.to.contain(`collector verify ${to}`);
  });

  describe('ends with', () => {
    it('0 for COMPLETE, and for evidence that verifies', async () => {
      expect((await collect()).code).to.equal(0);
      const { code, lines } = await runCli(['verify', to, '--json']);
      expect([code, lines()[0]!['ok']]).to.deep.equal([0, true]);
    });

    it('1 for an image that is not proven, though dc3dd ended with 0', async () => {
      const bin = join(dir.path, 'bin');
      await mkdir(bin);
      await writeFile(join(bin, 'dc3dd'), '#!/bin/sh\n[ "$1" = --version ] && exit 0\nhead -c 1000 /proc/self/fd/3\n', { mode: 0o755 });
      const { code, stderr } = await collect([], { env: { PATH: `${bin}:${process.env['PATH']}` } });
      expect(code).to.equal(1);
      expect(stderr).to.contain('1000 bytes of 100003');
      // The parts for a later start, and the logs of this attempt under its own id; nothing that looks like an image.
      for (const name of await readdir(join(to, 'c-1', 'disk_evidence'))) expect(name).to.match(/\.image\.dd\.partial|\.[0-9A-Z]{26}\.(capture\.log|custody\.jsonl)$/);
    });

    it('3 for PARTIAL: a disk with bad sectors, all of them mapped', async () => {
      const file = await makeRaw(join(dir.path, 'bad.img'), MiB);
      const bad = await attachBadDisk(file, ['7', '2046-2047']);
      try {
        const args = ['collect', bad.path, '--case', 'c-1', '--volume', 'vol-1', '--to', to, '--scratch-dir', join(dir.path, 'scratch')];
        const { code, stdout, stderr } = await runCli(args);
        expect(code, stderr).to.equal(3);
        expect(stdout).to.contain('PARTIAL').and.to.contain('1536 bytes in 2 ranges could not be read');
        const { manifest } = checkManifest(await readFile(join(to, recordKey('c-1', 'vol-1', 'manifest.json')), 'utf8'), sha256Hex);
        expect(manifest!.process.badRanges.map(({ offset, length }) => [offset, length])).to.deep.equal([[7 * 512, 512], [2046 * 512, 1024]]);
        const expected = await readFile(file);
        expected.fill(0, 7 * 512, 8 * 512).fill(0, 2046 * 512);
        expect((await readFile(join(to, imageKey('c-1', 'vol-1')))).equals(expected)).to.equal(true);
      } finally {
        await bad.remove();
      }
    });

    it('1 for a disk that is not what an earlier attempt stored, also where it is told to stop in that moment', async () => {
      const big = await makeRaw(join(dir.path, 'big.img'), 24 * MiB);
      await chmod(big, 0o444);
      const stoppedAt = (event: string): Promise<CliResult> =>
        runCli(['collect', big, '--case', 'c-1', '--volume', 'vol-1', '--to', to, '--scratch-dir', join(dir.path, 'scratch'), '--part-size', '5MiB', '--json'], {
          env: { NODE_OPTIONS: `--import=${join(import.meta.dirname, '../fixtures/told-to-stop.ts')}`, CLEANROOM_TEST_STOP_AT: event },
        });
      const first = await stoppedAt('part.stored');
      expect(first.code, first.stderr).to.equal(5);
      await flipByte(big, 0);
      await flipByte(big, 6 * MiB);
      await flipByte(big, 11 * MiB);
      await flipByte(big, 16 * MiB);
      await flipByte(big, 21 * MiB);
      const { code, stderr, lines } = await stoppedAt('part.mismatch');
      expect(code, stderr).to.equal(1);
      const { stored, source } = lines().find(({ event }) => event === 'part.mismatch')!;
      expect(stderr).to.contain(`with ${String(stored)}; the source now gives ${String(source)}`).and.to.not.contain('interrupted');
      const acquisition = String(lines().find(({ event }) => event === 'acquisition.started')!['acquisitionId']);
      const custody = await readFile(join(to, recordKey('c-1', 'vol-1', 'custody.jsonl', acquisition)), 'utf8');
      expect(custody).to.contain('PART_MISMATCH').and.to.contain(String(stored)).and.to.contain(String(source));
    });

    it('4 where dc3dd is missing, with how to get it', async () => {
      const { code, stderr } = await collect([], { env: { PATH: dir.path } });
      expect(code).to.equal(4);
      expect(stderr).to.contain('apt-get install dc3dd');
    });

    it('4 where the bucket does not exist, with what to do', async () => {
      const moto = await startMoto();
      try {
        const { code, stderr } = await runCli(['collect', image, '--case', 'c-1', '--volume', 'vol-1', '--to', 's3://no-such-bucket', '--endpoint', moto.endpoint, '--scratch-dir', join(dir.path, 'scratch')]);
        expect(code, stderr).to.equal(4);
        expect(stderr).to.contain('NoSuchBucket').and.to.contain('existing bucket');
      } finally {
        await moto.stop();
      }
    });
  });

  describe('to S3', () => {
    let front: MotoFront;
    let faults: FaultPlan | undefined;
    let bucket: string;
    before(async () => {
      useCredentials();
      front = await startMotoFront({ requireChecksum: true, faults: (request) => faults?.(request) });
    });
    after(() => front.stop());
    beforeEach(async () => {
      faults = undefined;
      const client = s3ClientOf(front);
      bucket = await newBucket(client);
      client.destroy();
    });
    const args = (source: string, ...more: string[]): string[] =>
      ['collect', source, '--case', 'c-1', '--volume', 'vol-1', '--to', `s3://${bucket}/x`, '--endpoint', front.endpoint, '--scratch-dir', join(dir.path, 'scratch'), '--json', ...more];

    it('stores, and verifies from there', async () => {
      const { code, stderr } = await runCli(args(image));
      expect(code, stderr).to.equal(0);
      expect((await runCli(['verify', `s3://${bucket}/x`, '--endpoint', front.endpoint])).code).to.equal(0);
    });

    it('ends with 5 at SIGTERM, long before the store has taken what is under way, and the same command resumes and completes', async () => {
      const big = await makeRaw(join(dir.path, 'big.img'), 24 * MiB);
      await chmod(big, 0o444);
      faults = ({ operation, partNumber }) => (operation === 'UploadPart' && partNumber !== 1 ? { kind: 'throttle', bytesPerSecond: 1024 } : undefined); // hours
      const cli = startCli(args(big, '--part-size', '5MiB', '--concurrency', '1'));
      await cli.event('part.stored');
      cli.signal('SIGTERM');
      expect(await cli.ended).to.deep.equal({ code: 5, signal: null });
      expect(cli.stderr()).to.contain('interrupted by SIGTERM').and.to.contain('the parts that are stored stay in').and.to.not.contain('stored nothing');

      faults = undefined;
      const since = front.requests.length;
      const again = await runCli(args(big, '--part-size', '5MiB'));
      expect(again.code, again.stderr).to.equal(0);
      const resumed = again.lines().find(({ event }) => event === 'acquisition.resumed');
      expect(resumed?.['parts']).to.be.at.least(1);
      expect(front.requests.slice(since).filter(({ operation }) => operation === 'UploadPart')).to.have.length(5 - Number(resumed?.['parts']));
      expect((await runCli(['verify', `s3://${bucket}/x`, '--endpoint', front.endpoint])).code).to.equal(0);
    });

    it('ends with 4 where the store refuses the image and answers no record', async () => {
      faults = ({ operation }) => {
        if (operation === 'UploadPart') return { kind: 'status', status: 403, code: 'AccessDenied' };
        return operation === 'PutObject' ? { kind: 'black-hole' } : undefined;
      };
      const { code, signal, stderr } = await runCli(args(image));
      expect({ code, signal }, stderr).to.deep.equal({ code: 4, signal: null });
      expect(stderr).to.contain('AccessDenied').and.to.not.contain('by force');
      expect(stderr, 'no part is stored').to.contain('the store confirmed no part of it').and.to.not.contain('the parts that are stored');
    });

    it('ends with 5 at SIGTERM while the store does not answer to the manifest, and says that it may be stored', async () => {
      const asked = Promise.withResolvers<void>();
      faults = ({ operation, key }) => {
        if (operation !== 'PutObject' || !key.endsWith('manifest.json')) return undefined;
        asked.resolve();
        return { kind: 'black-hole' };
      };
      const since = front.requests.length;
      const cli = startCli(args(image));
      await asked.promise;
      cli.signal('SIGTERM');
      expect(await cli.ended, cli.stderr()).to.deep.equal({ code: 5, signal: null });
      expect(cli.stderr()).to.contain('interrupted by SIGTERM').and.to.contain('its manifest may be').and.to.not.contain('by force');
      expect(front.requests.slice(since).filter(({ operation, key }) => operation === 'PutObject' && key.endsWith('manifest.json'))).to.have.length(1);
    });

    it('is killed at once by the second SIGINT, while it still waits for a dc3dd that is deaf to the first', async () => {
      const bin = join(dir.path, 'bin');
      await mkdir(bin);
      const deaf = join(dir.path, 'deaf');
      await writeFile(join(bin, 'dc3dd'), `#!/bin/sh\n[ "$1" = --version ] && exit 0\ntrap "" TERM\n: >'${deaf}'\nwhile echo x; do sleep 0.1; done\n`, { mode: 0o755 });
      const cli = startCli(args(image), { env: { PATH: `${bin}:${process.env['PATH']}` } });
      for (const end = Date.now() + 60_000; !existsSync(deaf) && Date.now() < end; ) await new Promise((resolve) => setTimeout(resolve, 20));
      const again = setInterval(() => cli.signal('SIGINT'), 200); // two that come at once may arrive as one
      void cli.ended.finally(() => clearInterval(again));
      expect(await cli.ended).to.deep.equal({ code: null, signal: 'SIGKILL' });
    });

    it('goes on where nobody reads its standard output any more', async () => {
      const big = await makeRaw(join(dir.path, 'big.img'), 24 * MiB);
      await chmod(big, 0o444);
      const { code, stderr } = await runCli(args(big, '--part-size', '5MiB'), { closeStdoutAfter: 1 });
      expect(code, stderr).to.equal(0);
      expect((await runCli(['verify', `s3://${bucket}/x`, '--endpoint', front.endpoint])).code).to.equal(0);
    });

    it('stays under 256 MiB, dc3dd included, while the store is slow and the disk is large', async () => {
      const large = await makeRaw(join(dir.path, 'large.img'), 384 * MiB);
      await chmod(large, 0o444);
      faults = ({ operation }) => (operation === 'UploadPart' ? { kind: 'throttle', bytesPerSecond: 16 * MiB } : undefined);
      const cli = startCli(args(large, '--part-size', '105MiB')); // that of a disk of 1 TiB
      const peak = await peakMemory(cli.pid, 'dc3dd', cli.ended);
      expect((await cli.ended).code, cli.stderr()).to.equal(0);
      expect(peak).to.be.above(50 * MiB).and.below(256 * MiB);
    });
  });
});
