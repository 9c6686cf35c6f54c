/**
 * `npm run test:image -- --power-cut`: the power fails while a disk is imaged, between image and manifest, and in the moment in
 * which the image was called COMPLETE. The machine's own disk loses what was not flushed. After each cut nothing may have been
 * called COMPLETE that is not there; in the end there is one COMPLETE image, the same bytes as the disk.
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { MiB } from '../../modules/vocabulary/index.ts';
import { sha256Of } from '../../scripts/bundle/archive.ts';
import { makeRaw } from '../../scripts/lab/disks.ts';
import type { Parts } from './attached-disks.ts';
import { bootFiles, makeDisk, makeGuest } from './guest-root.ts';
import { PATIENCE_MS, startMachine, until, type Machine } from './machine.ts';
import { ENVIRONMENT, GUEST, imageOf, SETTINGS, TAP, TO_BUCKET, type ImageFound, type Site } from './site.ts';
import { check, say, stopwatch } from './tally.ts';
import { volatileDisk } from './volatile-disk.ts';

/** Told to the collector: QEMU's disks do not say, as EBS's do, which volume they are, and a number of the boot would not outlast it. */
const VOLUME = 'vol-0123456789abcdef2';
/** Where the collector may write: its own state, on the machine's own disk. */
const EVIDENCE = '/var/lib/cleanroom/evidence';
const SIZE = 160 * MiB;
/** The disk is slow, so that the first cut falls into the imaging: it takes 20 s at least. */
const BYTES_PER_SECOND = 8 * MiB;
const PARTS_BEFORE_CUT = 6;

type Moment = { readonly what: string; readonly reached: (console: string) => boolean };

const count = (console: string, event: string): number => console.split(`"event":"${event}"`).length - 1;
/** What the collector promised on a console: an image that is COMPLETE. */
const claims = (console: string): number => console.split('\n').filter((line) => line.includes('"event":"acquisition.ended"') && line.includes('"status":"COMPLETE"')).length;
const isOver = (console: string): boolean => claims(console) > 0 || console.includes('"reason":"collected"');

const IMAGING: Moment = {
  what: `${PARTS_BEFORE_CUT} of ${SIZE / (5 * MiB)} parts are stored`,
  reached: (console) => count(console, 'part.stored') >= PARTS_BEFORE_CUT || isOver(console),
};
const COMPLETED: Moment = { what: 'the image was called COMPLETE', reached: isOver };

type Store = {
  readonly name: string;
  readonly to: string;
  /** Between the image and its manifest. */
  readonly unproven: Moment;
  /** Images with a manifest, after the power was cut; and whether the machine's file system could be read. */
  found(disk: string, folder: string): Promise<ImageFound[]>;
};

/** What is in the evidence directory of a disk without power: a copy of it, its journal replayed as a boot would. */
async function inDirectory(disk: string, folder: string): Promise<ImageFound[]> {
  const [copy, out] = [join(folder, 'copy.img'), join(folder, 'evidence')];
  await execa('cp', ['--sparse=always', disk, copy]);
  const { exitCode, stdout } = await execa('e2fsck', ['-f', '-y', copy], { reject: false, all: true });
  check('the machine\'s file system is whole after its journal was replayed', exitCode === 0 || (exitCode === 1 && !/\b(?:CLEARED|ERROR|FIXED)\b/.test(stdout)), stdout);
  await mkdir(out);
  await execa('debugfs', ['-R', `rdump ${EVIDENCE} ${out}`, copy]);
  const files = (await readdir(out, { recursive: true })).filter((file) => file.endsWith('.manifest.json'));
  const images = await Promise.all(files.map(async (file) => {
    const image = await readFile(join(out, file.replace('.manifest.json', '.image.dd'))).catch(() => Buffer.alloc(0));
    return imageOf(file, await readFile(join(out, file), 'utf8'), image);
  }));
  await rm(copy);
  await rm(out, { recursive: true });
  return images;
}

async function survive(site: Site, { platform, base, archive, folder: parent }: Parts, store: Store): Promise<void> {
  const folder = join(parent, store.name);
  const root = join(folder, 'root');
  const disk = join(folder, 'disk.img');
  const caseId = `cut-${store.name}`;
  await mkdir(root, { recursive: true });
  await makeGuest({
    platform, base, root, archive, address: GUEST, environment: ENVIRONMENT,
    settings: { ...SETTINGS, caseId, to: store.to, heartbeatSeconds: 10, once: true, volumeId: VOLUME, partSize: 5 * MiB, concurrency: 2 },
  });
  await makeDisk(root, disk);
  await rm(root, { recursive: true });
  const source = await makeRaw(join(folder, 'source.img'), SIZE);
  const sha256 = await sha256Of(source);
  const note = stopwatch();
  let machine: Machine | undefined;
  let promised = 0;
  let storedBefore = 0;
  const boot = async (): Promise<{ machine: Machine; cut: () => Promise<void> }> => {
    const own = await volatileDisk(disk, folder);
    const started = await startMachine({
      platform, ...(await bootFiles(base)), disk: { file: own.drive, cache: 'writeback' }, tap: TAP, monitor: join(folder, 'monitor'), timeoutMs: 2 * PATIENCE_MS,
      sources: [{ file: source, serial: VOLUME.replace('-', ''), bytesPerSecond: BYTES_PER_SECOND }],
    });
    machine = started;
    return {
      machine: started,
      async cut() {
        await own.cut(); // first the disk: nothing that the machine still does reaches it
        started.kill();
        await started.ended;
      },
    };
  };
  /** What a boot took over has to hold at least what was said to be stored before the cut. */
  const checkResumed = (console: string): void => {
    if (storedBefore === 0) return;
    const parts = Number(/"event":"acquisition\.resumed"[^\n]*?"parts":(\d+)/.exec(console)?.[1] ?? 0);
    check(`${store.name}: every part that was said to be stored was there after the cut, and was taken over`, parts >= storedBefore, `${parts} of ${storedBefore}`);
    storedBefore = 0;
  };
  try {
    for (const [index, { what, reached }] of [IMAGING, store.unproven, COMPLETED].entries()) {
      const { machine: running, cut } = await boot();
      note(`${store.name}: the machine starts`);
      site.holdManifests(reached === store.unproven.reached);
      await until(what, running, () => reached(running.console()) || undefined, 50);
      await cut();
      note(`${store.name}: ${what}; the power is cut`);
      const console = running.console();
      if (process.env['CLEANROOM_TEST_CONSOLE']) say(console);
      checkResumed(console);
      site.holdManifests(false);
      if (index === 0) storedBefore = count(console, 'part.stored');
      promised += claims(console);
      const images = await store.found(disk, folder);
      say(`      ${count(console, 'part.stored')} parts said to be stored, ${promised} images said to be COMPLETE, ${images.length} manifests there`);
      if (index === 0) check(`${store.name}: the first cut fell into the imaging`, promised === 0 && images.length === 0, console.slice(-4000));
      check(`${store.name}: what was called COMPLETE is there`, promised === 0 || images.length === 1, console.slice(-4000));
      check(`${store.name}: what has a manifest is COMPLETE and the disk's bytes`, images.every((image) => image.status === 'COMPLETE' && image.stored === sha256 && image.sha256 === sha256), JSON.stringify(images));
    }
    const { machine: running, cut } = await boot();
    note(`${store.name}: the machine starts`);
    const exit = await running.ended;
    await cut();
    note(`${store.name}: the machine is off`);
    const console = running.console();
    const last = (await site.records('readiness', caseId)).at(-1);
    const images = await store.found(disk, folder);
    check(`${store.name}: the machine powered itself off`, exit === 0 && /reboot: Power down/.test(console), console.slice(-4000));
    check(`${store.name}: it was called COMPLETE no more than once, and the disk was left alone after that`, promised <= 1 && claims(console) === 0 && console.includes('"reason":"collected"'), `${promised} times; ${console.slice(-4000)}`);
    check(`${store.name}: the last thing it said was that it stopped, done`, last?.event === 'collector.stopped' && last.reason === 'done' && last.exit === 0, JSON.stringify(last));
    check(`${store.name}: one image is there, COMPLETE, the disk's bytes`, images.length === 1 && images[0]!.status === 'COMPLETE' && images[0]!.stored === sha256, JSON.stringify(images));
    check(`${store.name}: the disk is unchanged`, createHash('sha256').update(await readFile(source)).digest('hex') === sha256);
  } finally {
    machine?.kill();
    await machine?.ended;
    await rm(folder, { recursive: true, force: true });
  }
}

const storesOf = (site: Site): readonly Store[] => [
  {
    name: 'directory', to: EVIDENCE, found: inDirectory,
    unproven: { what: 'the image is stored, and no manifest was spoken of', reached: (console) => count(console, 'image.stored') > 0 || isOver(console) },
  },
  {
    name: 's3', to: TO_BUCKET, found: () => site.images(),
    unproven: { what: 'the image is stored, and its manifest was sent and did not arrive', reached: () => site.holdsManifest() },
  },
];

/** @param only name of one store, `directory` or `s3`. @default both */
export async function powerCut(site: Site, parts: Parts, only?: string): Promise<void> {
  const stores = storesOf(site).filter(({ name }) => only === undefined || name === only);
  if (stores.length === 0) throw new Error(`got --store ${only}; allowed: directory, s3`);
  for (const store of stores) await survive(site, parts, store);
}
