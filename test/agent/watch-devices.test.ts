import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { execa } from 'execa';
import { listDisks } from '../../agent/adapters/block-devices.ts';
import { type DeviceEvent, type DeviceWatcher, watchDevices, type WatchOptions } from '../../agent/watch-devices.ts';
import { makeExt4, makeGptDisk, makeRaw } from '../../scripts/lab/disks.ts';
import { useDisks } from '../helpers/disks.ts';
import { settleUdev } from '../helpers/udev.ts';

type Found = Extract<DeviceEvent, { type: 'found' }>;

/** Long enough for udev on a slow and busy machine, shorter than a test's limit. */
const PATIENCE_MS = 120_000;

/** Long enough that an event which should not come would have come: many scans. */
const QUIET_MS = 600;

describe('watching for disks', () => {
  const disks = useDisks();
  let events: DeviceEvent[];
  let warnings: unknown[];
  let watcher: DeviceWatcher | undefined;

  beforeEach(() => {
    events = [];
    warnings = [];
  });
  afterEach(async () => {
    await watcher?.close();
    watcher = undefined;
    expect(warnings).to.deep.equal([]);
  });

  /** A watch without its net, which waits for udev as long as it takes: only what the watches see can be reported. */
  const start = async (options: WatchOptions = {}): Promise<void> => {
    watcher = await watchDevices(
      { rescanMs: 3_600_000, settleMs: PATIENCE_MS, onWarning: (warning) => void warnings.push(warning), ...options },
      (event) => void (disks.isOurs(event.disk) && events.push(event)),
      new AbortController().signal,
    );
  };
  const found = (): Found[] => events.filter((event) => event.type === 'found');
  const until = async (condition: () => boolean): Promise<void> => {
    const deadline = Date.now() + PATIENCE_MS;
    while (!condition()) {
      if (Date.now() > deadline) throw new Error(`still waiting after ${PATIENCE_MS} ms; events: ${JSON.stringify(events)}`);
      await delay(20);
    }
  };
  const summary = () => found().map(({ disk, trigger, link, verdict }) => ({ path: disk.path, trigger, link: link?.escaped, eligible: verdict.eligible }));

  it('finds a labelled disk through /dev/disk/by-label, once', async () => {
    await start();
    const loop = await disks.attach(await makeExt4(disks.file('labelled'), { label: 'EVIDENCE one' }));
    await until(() => found().length > 0);
    await delay(QUIET_MS);
    expect(summary()).to.deep.equal([{ path: loop.path, trigger: 'by-label', link: 'EVIDENCE\\x5cx20one', eligible: true }]);
    expect(found()[0]?.disk.labels.map(({ escaped }) => escaped)).to.deep.equal(['EVIDENCE one']);
  });

  it('finds a disk that was attached before it started', async () => {
    const loop = await disks.attach(await makeExt4(disks.file('early'), { label: 'early' }));
    await start({ runRoot: disks.file('without-udev') }); // nothing to wait for
    expect(summary()).to.deep.equal([{ path: loop.path, trigger: 'scan', link: undefined, eligible: true }]);
  });

  it('finds disks without a label and with a blank one, which get no link by label', async () => {
    await start();
    const raw = await disks.attach(await makeRaw(disks.file('raw'), 1024 * 1024 + 512));
    const unlabelled = await disks.attach(await makeExt4(disks.file('unlabelled')));
    const blank = await disks.attach(await makeExt4(disks.file('blank'), { label: '   ' }));
    await until(() => found().length >= 3);
    await delay(QUIET_MS);
    expect(summary().map(({ path }) => path).toSorted()).to.deep.equal([raw.path, unlabelled.path, blank.path].toSorted());
    expect(new Set(summary().map(({ trigger }) => trigger))).to.deep.equal(new Set(['by-diskseq']));
  });

  it('finds two disks with one label, each once, though they share a link that flips', async () => {
    await start();
    const first = await disks.attach(await makeExt4(disks.file('twin-1'), { label: 'twin' }));
    await until(() => found().length > 0);
    const second = await disks.attach(await makeExt4(disks.file('twin-2'), { label: 'twin' }));
    await until(() => found().length >= 2);
    await second.detach(); // the link flips back to the first
    await until(() => events.some(({ type }) => type === 'gone'));
    await delay(QUIET_MS);
    expect(events.map(({ type, disk }) => `${type} ${disk.path}`)).to.deep.equal([
      `found ${first.path}`,
      `found ${second.path}`,
      `gone ${second.path}`,
    ]);
    expect(found().map(({ disk }) => disk.labels.map(({ escaped }) => escaped))).to.deep.equal([['twin'], ['twin']]);
  });

  it('takes the whole disk, once, when labels name its partitions', async () => {
    await start();
    const loop = await disks.attach(await makeGptDisk(disks.file('gpt'), ['first part', 'second']), { partitions: true });
    await until(() => found().length > 0);
    await delay(QUIET_MS);
    expect(summary()).to.have.length(1);
    expect(summary()[0]).to.include({ path: loop.path, eligible: true });
  });

  it('leaves a mounted disk alone, and reports it as eligible once it is unmounted', async () => {
    const loop = await disks.attach(await makeExt4(disks.file('mounted')), { readOnly: true });
    const unmount = await disks.mount(loop.path, 'noload');
    await start({ rescanMs: 100 });
    await until(() => found().length > 0);
    expect(found().map(({ verdict }) => verdict)).to.have.deep.members([
      { eligible: false, reason: 'mounted', because: `a file system on it is in use (mounted at ${disks.file('mnt 0')})` },
    ]);
    await delay(300);
    expect(found()).to.have.length(1);
    await unmount();
    await until(() => found().length > 1);
    await delay(300);
    expect(found().map(({ verdict, disk }) => [verdict.eligible, disk.path])).to.deep.equal([[false, loop.path], [true, loop.path]]);
  });

  it('reports a disk that leaves, and what comes under its name as another', async () => {
    await start();
    const before = await disks.attach(await makeRaw(disks.file('before'), 65536));
    await until(() => events.length === 1);
    await before.detach();
    await until(() => events.length === 2);
    await disks.attach(await makeRaw(disks.file('after'), 65536), { device: before.path });
    await until(() => events.length === 3);
    expect(events.map(({ type, disk }) => `${type} ${disk.path}`)).to.deep.equal([
      `found ${before.path}`,
      `gone ${before.path}`,
      `found ${before.path}`,
    ]);
    expect(events[2]?.disk.identity).to.not.equal(events[0]?.disk.identity);
  });

  it('finds a disk by its net alone, where no link ever appears', async () => {
    await start({ rescanMs: 100, devRoot: disks.file('no-such-root') });
    const loop = await disks.attach(await makeExt4(disks.file('unlinked'), { label: 'unlinked' }));
    await until(() => found().length > 0);
    expect(summary()).to.deep.equal([{ path: loop.path, trigger: 'rescan', link: undefined, eligible: true }]);
  });

  it('awaits /dev/disk/by-label where it does not exist yet, and again when it vanished and came back', async () => {
    const devRoot = disks.file('dev-root');
    await mkdir(`${devRoot}/dev`, { recursive: true });
    await start({ devRoot, settleMs: 0 });
    for (const round of [1, 2]) {
      await mkdir(`${devRoot}/dev/disk/by-label`, { recursive: true });
      await delay(200);
      const loop = await disks.attach(await makeRaw(disks.file(`awaited ${round}`), 65536));
      await delay(200); // what the directory itself made it look at is over; there is no net
      const link = `${devRoot}/dev/disk/by-label/LABEL${round}`;
      await symlink(`../../${loop.path.slice('/dev/'.length)}`, `${link}.tmp`); // as udev does: a temporary name, then a rename
      await rename(`${link}.tmp`, link);
      await until(() => found().length === round);
      expect(found()[round - 1]?.disk.path).to.equal(loop.path);
      const scans = watcher?.scans ?? 0;
      await rm(`${devRoot}/dev/disk`, { recursive: true });
      await until(() => watcher?.scans !== scans);
    }
  });

  it('bounds the work that a storm of links can cause', async () => {
    const devRoot = disks.file('storm-root');
    await mkdir(`${devRoot}/dev/disk/by-label`, { recursive: true });
    await start({ devRoot, settleMs: 0, debounceMs: 400 });
    const loop = await disks.attach(await makeRaw(disks.file('in the storm'), 65536));
    const startedAt = performance.now();
    for (let count = 0; count < 600; count++) {
      const target = count === 300 ? loop.path.slice('/dev/'.length) : `loop9999${count}`;
      await symlink(`../../${target}`, `${devRoot}/dev/disk/by-label/L${count}`);
    }
    await until(() => found().length > 0);
    await delay(2 * QUIET_MS);
    expect(summary().map(({ path }) => path)).to.deep.equal([loop.path]);
    expect(watcher?.scans).to.be.at.most(2 + (performance.now() - startedAt) / 400);
  });

  it('does not report a disk before udev is done with it', async () => {
    const runRoot = disks.file('busy-root');
    await mkdir(`${runRoot}/run/udev/data`, { recursive: true });
    await Promise.all(['control', 'queue'].map((name) => writeFile(`${runRoot}/run/udev/${name}`, '')));
    const { path } = await disks.attach(await makeRaw(disks.file('half done'), 65536));
    const disk = (await listDisks()).find((assessed) => assessed.disk.path === path)?.disk;
    await start({ runRoot, settleMs: 3_600_000 });
    await writeFile(`${runRoot}/run/udev/data/b${disk?.devno}`, `S:disk/by-diskseq/${disk?.diskseq}\n`);
    await delay(QUIET_MS);
    expect(events).to.deep.equal([]); // more events about it are waiting
    await rm(`${runRoot}/run/udev/queue`);
    await until(() => found().length > 0);
    expect(summary().map((each) => each.path)).to.deep.equal([path]);
  });

  it('reports a disk anyway when udev is not done with it in time', async () => {
    const runRoot = disks.file('stuck-root');
    await mkdir(`${runRoot}/run/udev`, { recursive: true });
    await writeFile(`${runRoot}/run/udev/control`, '');
    const { path } = await disks.attach(await makeRaw(disks.file('never done'), 65536));
    const startedAt = performance.now();
    await start({ runRoot, settleMs: 500 });
    await until(() => found().length > 0);
    expect(performance.now() - startedAt).to.be.at.least(500);
    expect(summary().map((each) => each.path)).to.deep.equal([path]);
  });

  it('keeps hostile labels inert, and still finds their disks through them', async () => {
    await start();
    const label = '$(id)`;\n/~';
    await disks.attach(await makeExt4(disks.file('hostile'), { label }));
    await until(() => found().length > 0);
    const [event] = found();
    expect(event?.trigger).to.equal('by-label');
    expect(event?.link?.escaped).to.be.a('string').and.match(/^[\x20-\x7e]+$/);
    expect(event?.disk.labels.map(({ base64 }) => Buffer.from(base64, 'base64').toString())).to.deep.equal([label]);
    expect(event?.disk.identity).to.match(/^disk-[0-9a-f]{8}-\d+$/);
  });

  it('says nothing more once it is closed', async () => {
    await start();
    await watcher?.close();
    await disks.attach(await makeRaw(disks.file('late'), 65536));
    await delay(QUIET_MS);
    expect(events).to.deep.equal([]);
  });

  it('ends with its signal', async () => {
    const controller = new AbortController();
    const seen: DeviceEvent[] = [];
    watcher = await watchDevices({ rescanMs: 100 }, (event) => void seen.push(event), controller.signal);
    controller.abort();
    await delay(200);
    const { scans } = watcher;
    await delay(300);
    expect(watcher.scans).to.equal(scans);
    const refused = await watchDevices({}, () => {}, controller.signal).then(() => undefined, (error: Error) => error.name);
    expect(refused).to.equal('AbortError');
  });

  it('looks no more often than it was told to in a storm of udev events', async () => {
    const loop = await disks.attach(await makeExt4(disks.file('storm'), { label: 'storm' }));
    await start({ debounceMs: 400 });
    await until(() => found().length > 0);
    const before = watcher?.scans ?? 0;
    const startedAt = performance.now();
    const name = loop.path.slice('/dev/'.length);
    for (let count = 0; count < 50; count++) await execa('udevadm', ['trigger', '--action=change', `--sysname-match=${name}`]);
    await settleUdev();
    await delay(QUIET_MS);
    expect(found()).to.have.length(1);
    expect((watcher?.scans ?? 0) - before).to.be.at.most(2 + (performance.now() - startedAt) / 400);
  });
});
