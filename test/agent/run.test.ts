import { constants } from 'node:fs';
import { mkdir, open, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { execa } from 'execa';
import { listDisks } from '../../agent/adapters/block-devices.ts';
import { imageKey, MiB } from '../../modules/vocabulary/index.ts';
import { makeExt4, makeRaw } from '../../scripts/lab/disks.ts';
import { attachBadDisk } from '../helpers/bad-disk.ts';
import { runCli, startCli, type Cli, type CliOptions, type CliResult, type JsonLine } from '../helpers/cli.ts';
import { useDisks } from '../helpers/disks.ts';
import { startMotoFront, type MotoFront } from '../helpers/moto-front.ts';
import type { FaultPlan } from '../helpers/s3-front.ts';
import { newBucket, s3ClientOf, useCredentials } from '../helpers/s3-store.ts';

const CASE = 'watch-1';

const identityOf = async (device: string): Promise<string> => (await listDisks()).find(({ disk }) => disk.path === device)!.disk.identity;

describe('collector run', function () {
  const disks = useDisks();
  let to: string;
  let round = 0;
  beforeEach(async () => {
    to = disks.file(`evidence-${round++}`);
    await mkdir(to);
  });
  afterEach(() => rm(to, { recursive: true, force: true }));

  const watchWith = async (options: CliOptions, ...more: string[]): Promise<Cli> => {
    const cli = startCli(['run', '--case', CASE, '--to', to, '--scratch-dir', disks.file('scratch'), '--json', '--rescan-seconds', '2', ...more], options);
    await cli.event('collector.started');
    return cli;
  };
  const watch = (...more: string[]): Promise<Cli> => watchWith({}, ...more);
  const about = (cli: Cli, identity: string, event: string): JsonLine[] =>
    cli.lines().filter((line) => line.event === event && (line['identity'] === identity || line['exhibitId'] === identity));
  const finished = (cli: Cli, identity: string): Promise<JsonLine> => cli.event('acquisition.ended', (line) => line['exhibitId'] === identity);
  const stop = async (cli: Cli): Promise<void> => {
    cli.signal('SIGTERM');
    expect((await cli.ended).signal).to.equal(null);
  };
  const expectImaged = async (cli: Cli, file: string, identity: string): Promise<void> => {
    expect(await finished(cli, identity)).to.include({ status: 'COMPLETE' });
    await execa('cmp', [file, join(to, imageKey(CASE, identity))]);
  };

  it('finds a labelled disk by its name in /dev/disk/by-label, images it once, and ends after it with --once', async () => {
    const cli = await watch('--once', '--ignore-attached', '--rescan-seconds', '3600'); // only the link can tell of it
    const file = await makeExt4(disks.file('labelled'), { label: 'SUSPECT' });
    const loop = await disks.attach(file, { readOnly: true });
    const identity = await identityOf(loop.path);
    await expectImaged(cli, file, identity);
    expect(await cli.ended).to.deep.equal({ code: 0, signal: null });
    const [found, ...more] = about(cli, identity, 'disk.found');
    expect(found).to.include({ trigger: 'by-label' });
    expect(found!['labels']).to.deep.equal(['SUSPECT']);
    expect(more).to.deep.equal([]);
    expect((await runCli(['verify', to])).code).to.equal(0);
  });

  it('takes unlabelled disks, two with one label, and one that was there before, each exactly once', async () => {
    const files = {
      before: await makeRaw(disks.file('before'), 2 * MiB),
      raw: await makeRaw(disks.file('raw'), 3 * MiB),
      one: await makeExt4(disks.file('one'), { label: 'SAME' }),
      other: await makeExt4(disks.file('other'), { label: 'SAME' }),
    };
    const before = await disks.attach(files.before, { readOnly: true });
    const cli = await watch('--parallel', '2');
    const loops = { before, raw: await disks.attach(files.raw), one: await disks.attach(files.one), other: await disks.attach(files.other) };
    const identities: string[] = [];
    for (const name of ['before', 'raw', 'one', 'other'] as const) {
      const identity = await identityOf(loops[name].path);
      await expectImaged(cli, files[name], identity);
      identities.push(identity);
    }
    await new Promise((resolve) => setTimeout(resolve, 2500)); // one more scan
    for (const identity of identities) {
      expect(about(cli, identity, 'disk.found'), identity).to.have.length(1);
      expect(about(cli, identity, 'acquisition.started'), identity).to.have.length(1);
    }
    expect(new Set(identities).size).to.equal(4);
    await stop(cli);
    expect((await runCli(['verify', to])).code).to.equal(0);
  });

  it('leaves a disk alone that is collected already when it starts again, and tells of no acquisition, least of all of a failed one', async () => {
    const file = await makeRaw(disks.file('collected'), MiB);
    const identity = await identityOf((await disks.attach(file, { readOnly: true })).path);
    const first = await watch();
    await expectImaged(first, file, identity);
    await stop(first);
    const again = await watch();
    expect(await again.event('disk.left-alone', (line) => line['identity'] === identity)).to.include({ level: 'info', reason: 'collected', code: 'COLLECTED' });
    await stop(again);
    for (const event of ['source.opened', 'acquisition.started', 'acquisition.ended']) expect(about(again, identity, event), event).to.deep.equal([]);
  });

  it('gives a volume id that was named to one disk with --once, and to none, which it says, where it goes on watching', async () => {
    const files = [await makeRaw(disks.file('named-1'), MiB), await makeRaw(disks.file('named-2'), MiB)];
    const named = { env: { CLEANROOM_VOLUME: 'vol-0123456789abcdef0' } };
    const unused = (cli: Cli): unknown[] => cli.lines().filter(({ event, message }) => event === 'collector.warning' && /^the volume id vol-0123456789abcdef0 \(CLEANROOM_VOLUME, .* names one disk/.test(String(message)));
    const cli = await watchWith(named, '--ignore-attached');
    for (const file of files) {
      const { path } = await disks.attach(file, { readOnly: true });
      await expectImaged(cli, file, await identityOf(path));
    }
    await stop(cli);
    expect(unused(cli)).to.have.length(1);
    const once = await watchWith(named, '--ignore-attached', '--once');
    const third = await makeRaw(disks.file('named-3'), MiB);
    await disks.attach(third, { readOnly: true });
    await expectImaged(once, third, 'vol-0123456789abcdef0');
    expect(await once.ended).to.deep.equal({ code: 0, signal: null });
    expect(unused(once)).to.deep.equal([]);
  });

  it('images one disk and no second with --once, however many are there and may be imaged at once', async () => {
    const [gate, bytes] = [disks.file('gate'), await makeRaw(disks.file('first'), 8 * MiB)];
    const cli = await watch('--once', '--ignore-attached', '--parallel', '2', '--heartbeat-seconds', '5');
    const first = await attachBadDisk(bytes, [`10000:wait=${gate},times=1`]); // it is being imaged until the second was found
    try {
      const identity = await identityOf(first.path);
      await cli.event('acquisition.started', (line) => line['exhibitId'] === identity);
      const second = await identityOf((await disks.attach(await makeRaw(disks.file('second'), MiB), { readOnly: true })).path);
      await cli.event('disk.found', (line) => line['identity'] === second);
      const beats = (): JsonLine[] => cli.lines().filter(({ event }) => event === 'collector.heartbeat');
      const before = beats().length;
      await cli.event('collector.heartbeat', () => beats().length > before);
      expect(beats().at(-1), 'the second waits').to.include({ imaging: 1 });
      await writeFile(gate, '');
      expect(await cli.ended, cli.stderr()).to.deep.equal({ code: 0, signal: null });
      for (const event of ['acquisition.started', 'acquisition.ended']) {
        expect(cli.lines().filter((line) => line.event === event).map((line) => line['exhibitId']), event).to.deep.equal([identity]);
      }
      expect((await cli.event('collector.stopping'))['imaging']).to.equal(0);
    } finally {
      await first.remove();
    }
  });

  it('leaves disks alone that are mounted, bear the system, or were attached before and are to be ignored, each with a reason', async () => {
    const file = await makeExt4(disks.file('mounted'), { label: 'MOUNTED' });
    const mounted = await disks.attach(file);
    const unmount = await disks.mount(mounted.path);
    const identityBefore = await identityOf((await disks.attach(await makeRaw(disks.file('ignored'), MiB))).path);
    const cli = await watch('--ignore-attached');
    const early = await identityOf(mounted.path);
    const left = await cli.event('disk.left-alone', (line) => line['identity'] === early);
    expect(left).to.include({ reason: 'mounted' });
    const ignored = await cli.event('disk.left-alone', (line) => line['identity'] === identityBefore);
    expect(ignored).to.include({ reason: 'attached-before' });
    const late = await disks.attach(await makeExt4(disks.file('late'), { label: 'LATE' }), { readOnly: true });
    const identity = await identityOf(late.path);
    await finished(cli, identity);
    const root = (await listDisks()).filter(({ verdict }) => !verdict.eligible && verdict.reason === 'root-disk').map(({ disk }) => disk.identity);
    for (const system of root) {
      expect(await cli.event('disk.left-alone', (line) => line['identity'] === system)).to.include({ reason: 'root-disk' });
      expect(about(cli, system, 'acquisition.started')).to.deep.equal([]);
    }
    for (const alone of [early, identityBefore]) expect(about(cli, alone, 'acquisition.started')).to.deep.equal([]);
    expect((await execa('blockdev', ['--getro', mounted.path])).stdout, 'it was not touched').to.equal('0');
    await unmount();
    await stop(cli);
  });

  it('images the next disk while another, which is in use, waits for its next try', async () => {
    const busy = await disks.attach(await makeRaw(disks.file('held'), MiB), { readOnly: true });
    const identity = await identityOf(busy.path);
    const holder = await open(busy.path, constants.O_RDONLY | constants.O_EXCL);
    try {
      const cli = await watch('--parallel', '1');
      expect(await cli.event('disk.left-alone', (line) => line['identity'] === identity && line['code'] === 'HELD'), 'what is safe, and what to do').to.include({
        tryAgainSeconds: 15, safe: 'Nothing was stored or changed.', advice: 'Unmount it or end what holds it; `collector devices` names the holders it knows.',
      });
      const file = await makeRaw(disks.file('next'), MiB);
      const next = await disks.attach(file, { readOnly: true });
      await expectImaged(cli, file, await identityOf(next.path));
      expect(about(cli, identity, 'acquisition.started')).to.deep.equal([]);
      await stop(cli);
    } finally {
      await holder.close();
    }
  });

  it('ends by itself when its disks are imaged and nothing more comes, with --idle-seconds', async () => {
    const cli = await watch('--ignore-attached', '--idle-seconds', '20');
    for (const name of ['idle-1', 'idle-2']) {
      const file = await makeRaw(disks.file(name), MiB);
      await expectImaged(cli, file, await identityOf((await disks.attach(file, { readOnly: true })).path));
    }
    expect(await cli.ended).to.deep.equal({ code: 0, signal: null });
    expect(cli.lines().at(-1)).to.include({ event: 'collector.stopped', reason: 'done' });
  });

  it('says why it leaves a mounted disk alone', async () => {
    const loop = await disks.attach(await makeExt4(disks.file('busy'), { label: 'BUSY' }));
    await disks.mount(loop.path);
    const identity = await identityOf(loop.path);
    const { stdout } = await runCli(['devices', '--json']);
    const line = stdout.trim().split('\n').map((text) => JSON.parse(text) as { identity: string; verdict: { reason: string; because: string } }).find((disk) => disk.identity === identity);
    expect(line!.verdict.reason).to.equal('mounted');
    expect(line!.verdict.because).to.contain('in use');
  });

  it('tells that it lives, and that a disk has gone', async () => {
    const cli = await watch('--ignore-attached', '--heartbeat-seconds', '5');
    const loop = await disks.attach(await makeRaw(disks.file('gone'), MiB), { readOnly: true });
    const identity = await identityOf(loop.path);
    await finished(cli, identity);
    await loop.detach();
    await cli.event('disk.gone', (line) => line['identity'] === identity);
    const beat = await cli.event('collector.heartbeat');
    expect(beat['rssBytes']).to.be.within(20 * MiB, 1024 * MiB);
    await stop(cli);
  });

  it('writes nothing but safe names and printable ASCII, whatever a disk is called', async () => {
    const cli = await watch('--once', '--ignore-attached');
    const file = await makeExt4(disks.file('hostile'), { label: '../$(id)\u202e' });
    const loop = await disks.attach(file, { readOnly: true });
    const identity = await identityOf(loop.path);
    await expectImaged(cli, file, identity);
    expect((await cli.ended).code).to.equal(0);
    expect(cli.stdout() + cli.stderr()).to.match(/^[\x20-\x7e\n]*$/);
    expect(about(cli, identity, 'disk.found')[0]!['labels']).to.deep.equal(['../$(id)\\xe2\\x80\\xae']);
    expect(await readdir(to)).to.deep.equal([CASE]);
    for (const name of await readdir(join(to, CASE, 'disk_evidence'))) expect(name).to.match(/^[A-Za-z0-9._-]+$/);
  });

  describe('to a directory, before it says that it is ready', () => {
    const runTo = (place: string): Promise<CliResult> =>
      runCli(['run', '--case', CASE, '--to', place, '--scratch-dir', disks.file('scratch'), '--json', '--ignore-attached', '--deadline-seconds', '1']);
    const expectRefused = async (place: string, says: string): Promise<void> => {
      const { code, stderr, lines } = await runTo(place);
      expect(code, stderr).to.equal(4);
      expect(stderr).to.contain(says);
      expect(lines().map(({ event }) => event)).to.deep.equal(['error']);
    };
    const expectReady = async (place: string): Promise<void> => {
      const { code, stderr, lines } = await runTo(place);
      expect(code, stderr).to.equal(0);
      expect(lines().map(({ event }) => event)).to.include('collector.started');
    };

    it('ends with 4 where nothing can be stored: in what the kernel shows of itself, and on a read-only mount', async () => {
      await expectRefused('/proc/evidence', "/proc cannot be written: it is the kernel's own");
      await execa('mount', ['--bind', to, to]);
      try {
        await execa('mount', ['-o', 'remount,bind,ro', to]);
        await expectRefused(join(to, 'new'), `${to} cannot be written: EROFS`);
      } finally {
        await execa('umount', [to]);
      }
    });

    it('refuses none that works, and leaves nothing in it: one that is still to be made, and one of which only its case can be written', async () => {
      await expectReady(join(to, 'still/to be/made'));
      expect(await readdir(to)).to.deep.equal([]);
      const inner = join(to, CASE, 'disk_evidence');
      await mkdir(inner, { recursive: true });
      await execa('mount', ['--bind', to, to]);
      try {
        await execa('mount', ['-o', 'remount,bind,ro', to]);
        await execa('mount', ['--bind', disks.file('.'), inner]);
        await expectReady(to);
      } finally {
        await execa('umount', ['--recursive', to]);
      }
      expect(await readdir(inner)).to.deep.equal([]);
    });
  });

  describe('to a store that is slow', () => {
    let front: MotoFront;
    let faults: FaultPlan | undefined;
    before(async () => {
      useCredentials();
      front = await startMotoFront({ requireChecksum: true, faults: (request) => faults?.(request) });
    });
    after(() => front.stop());

    it('ends with 4 before it looks for any disk where the bucket does not exist', async () => {
      const { code, stderr, lines } = await runCli(['run', '--case', CASE, '--to', 's3://no-such-bucket', '--endpoint', front.endpoint, '--scratch-dir', disks.file('scratch'), '--json']);
      expect(code, stderr).to.equal(4);
      expect(stderr).to.contain('NoSuchBucket');
      expect(lines().map(({ event }) => event)).to.not.include.members(['collector.started']);
    });

    it('ends with 5 at SIGTERM, long before the store has taken what is under way, and the next start takes the disk up where it was', async () => {
      const client = s3ClientOf(front);
      const bucket = await newBucket(client);
      client.destroy();
      faults = ({ operation, partNumber }) => (operation === 'UploadPart' && partNumber !== 1 ? { kind: 'throttle', bytesPerSecond: 1024 } : undefined); // hours
      const place = ['--to', `s3://${bucket}`, '--endpoint', front.endpoint, '--part-size', '5MiB', '--concurrency', '1'];
      const first = await watch('--once', '--ignore-attached', ...place);
      const file = await makeRaw(disks.file('slow'), 24 * MiB);
      const loop = await disks.attach(file, { readOnly: true });
      const identity = await identityOf(loop.path);
      await first.event('part.stored', (line) => line['exhibitId'] === identity);
      first.signal('SIGTERM');
      expect(await first.ended, first.stderr()).to.deep.equal({ code: 5, signal: null });

      faults = undefined;
      const second = await watch(...place); // the disk is there already
      expect(await finished(second, identity)).to.include({ status: 'COMPLETE' });
      expect(about(second, identity, 'acquisition.resumed')[0]!['parts']).to.be.at.least(1);
      await stop(second);
      expect((await runCli(['verify', `s3://${bucket}`, '--endpoint', front.endpoint, '--volume', identity])).code).to.equal(0);
    });
  });
});
