import { existsSync } from 'node:fs';
import { open, symlink, truncate, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { execa } from 'execa';
import { DISK_SIZE, PART, type Lab } from '../lab.ts';
import type { FaultRow } from '../row.ts';
import { manifestOf } from '../stored.ts';

/** Images a disk that stops before the given sector until `meanwhile` is done. */
async function whileReading(lab: Lab, meanwhile: (source: Awaited<ReturnType<Lab['disk']>>) => Promise<unknown>, more: readonly string[] = []): Promise<string> {
  const source = await lab.disk([`25000:wait=${lab.file('gate')},times=1`]);
  const running = lab.start(source, lab.directory(), more);
  const gate = await lab.gate(source, 'gate');
  await meanwhile(source);
  await gate.open();
  return (await running.ended).outcome;
}

/** A loop device that no other row is given: the lowest free one is taken by whoever comes. */
async function ownLoop(lab: Lab): Promise<string> {
  const number = 300 + Math.floor(lab.random() * 4000);
  await execa('python3', ['-c', `import fcntl; fcntl.ioctl(open('/dev/loop-control'), 0x4C80, ${number})`]);
  lab.onEnd(() => execa('python3', ['-c', `import fcntl; fcntl.ioctl(open('/dev/loop-control'), 0x4C81, ${number})`], { reject: false }));
  return `/dev/loop${number}`;
}

/** Shell: detaches a loop device, and waits until it is. */
const detached = (path: string): string => `losetup --detach ${path}; for i in $(seq 100); do losetup ${path} >/dev/null 2>&1 || break; sleep 0.1; done`;

/** Images what a path names while a command runs just before the disk behind it is opened; the image must have the hash. */
async function swapped(lab: Lab, path: string, opened: string, command: string, sha256?: string): Promise<string> {
  const env = { NODE_OPTIONS: `--import=${SWAPPED_ON_OPEN}`, CLEANROOM_TEST_SWAP: opened, CLEANROOM_TEST_SWAP_BY: `${command}; touch ${lab.file('swapped')}` };
  const place = lab.directory();
  const { outcome } = await lab.collect({ path }, place, [], { env });
  if (!existsSync(lab.file('swapped'))) return `${outcome}, and nothing was swapped`;
  if (outcome !== 'COMPLETE') return outcome;
  const { integrity } = await manifestOf(place);
  return integrity.sha256 === sha256 ? outcome : `${outcome} of another disk`;
}

const SWAPPED_ON_OPEN = resolve(import.meta.dirname, '../../fixtures/swapped-on-open.ts');

export const SOURCE: readonly FaultRow[] = [
  {
    area: 'source', fault: 'none: a disk as it should be', expected: 'COMPLETE',
    run: (lab) => whileReading(lab, () => Promise.resolve()),
  },
  {
    area: 'source', fault: 'the disk shrinks while it is read', expected: ['FAILED SOURCE_SHRANK', 'FAILED NOT_PROVEN', 'FAILED DC3DD_FAILED'],
    run: (lab) =>
      whileReading(lab, async (source) => {
        source.changes = true;
        await truncate(source.file, 3 * PART);
        await execa('losetup', ['--set-capacity', source.path]);
      }),
  },
  {
    area: 'source', fault: 'the disk vanishes while it is read: it has 0 bytes', expected: ['FAILED SOURCE_SHRANK', 'FAILED NOT_PROVEN', 'FAILED DC3DD_FAILED'],
    run: (lab) =>
      whileReading(lab, async (source) => {
        source.changes = true;
        await truncate(source.file, 0);
        await execa('losetup', ['--set-capacity', source.path]);
      }),
  },
  {
    area: 'source', fault: 'the disk grows while it is read', expected: 'FAILED NOT_PROVEN',
    run: (lab) =>
      whileReading(lab, async (source) => {
        source.changes = true;
        await truncate(source.file, DISK_SIZE + 2 * PART);
        await execa('losetup', ['--set-capacity', source.path]);
      }),
  },
  {
    area: 'source', fault: 'the disk never answers', expected: 'FAILED SOURCE_STALLED, then COMPLETE',
    async run(lab) {
      const source = await lab.disk([`25000:wait=${lab.file('never')},times=1`]);
      const place = lab.directory();
      const first = await lab.collect(source, place, ['--stall-seconds', '5']);
      await writeFile(lab.file('never'), '');
      await lab.released(source);
      return `${first.outcome}, then ${(await lab.collect(source, place)).outcome}`;
    },
  },
  {
    area: 'source', fault: 'the disk never answers, and the collector is told to stop', expected: 'INTERRUPTED',
    async run(lab) {
      const source = await lab.disk([`25000:wait=${lab.file('never')},times=1`]);
      const running = lab.start(source, lab.directory());
      await lab.gate(source, 'never');
      await running.until('it reads', ({ event }) => event === 'acquisition.started');
      running.kill('SIGTERM');
      return (await running.ended).outcome;
    },
  },
  {
    area: 'source', fault: 'the disk fails for good while it is read', expected: 'PARTIAL',
    async run(lab) {
      const source = await lab.disk([`25000:wait=${lab.file('gate')},times=1`]);
      const running = lab.start(source, lab.directory());
      const gate = await lab.gate(source, 'gate');
      await source.disk.pull();
      await gate.open();
      return (await running.ended).outcome;
    },
  },
  {
    area: 'source', fault: 'the disk changes between a part and its repetition', expected: 'FAILED SOURCE_CHANGED',
    async run(lab) {
      const source = await lab.disk(['25000:flip,after=1']);
      const bucket = await lab.bucket(({ operation, partNumber, attempt }) =>
        operation === 'UploadPart' && partNumber === 3 && attempt === 1 ? { kind: 'delay', ms: 1 } : undefined,
      );
      bucket.faults = async ({ operation, partNumber, attempt }) => {
        if (operation !== 'UploadPart' || partNumber !== 3 || attempt !== 1) return undefined;
        await lab.forget(source); // or the page cache would still know what was there
        return { kind: 'status', status: 500 };
      };
      return (await lab.collect(source, bucket)).outcome;
    },
  },
  {
    area: 'source', fault: 'an image file is cut off while it is read', expected: ['FAILED SOURCE_SHRANK', 'FAILED DC3DD_FAILED'],
    async run(lab) {
      const source = await lab.image(12 * PART);
      source.changes = true;
      const bucket = await lab.bucket();
      bucket.faults = async ({ operation, partNumber }) => {
        if (operation === 'UploadPart' && partNumber === 1) await truncate(source.file, 10 * PART);
        return undefined;
      };
      return (await lab.collect(source, bucket, ['--ring-size', '4MiB', '--concurrency', '1'])).outcome;
    },
  },
  {
    area: 'source', fault: 'an image file grows while it is read', expected: 'FAILED NOT_PROVEN',
    async run(lab) {
      const source = await lab.image(12 * PART);
      source.changes = true;
      const bucket = await lab.bucket();
      bucket.faults = async ({ operation, partNumber }) => {
        if (operation === 'UploadPart' && partNumber === 1) await truncate(source.file, 13 * PART);
        return undefined;
      };
      return (await lab.collect(source, bucket, ['--ring-size', '4MiB', '--concurrency', '1'])).outcome;
    },
  },
  {
    area: 'source', fault: 'an image file is written to behind the reader', expected: 'FAILED NOT_PROVEN',
    async run(lab) {
      const source = await lab.image(12 * PART);
      source.changes = true;
      const bucket = await lab.bucket();
      bucket.faults = async ({ operation, partNumber, attempt }) => {
        if (operation !== 'UploadPart' || partNumber !== 3 || attempt !== 1) return undefined;
        await using file = await open(source.file, 'r+');
        await file.write(Buffer.from('changed'), 0, 7, 1000);
        return undefined;
      };
      return (await lab.collect(source, bucket, ['--ring-size', '4MiB', '--concurrency', '1'])).outcome;
    },
  },
  {
    area: 'source', fault: 'reads come back short', expected: 'COMPLETE',
    async run(lab) {
      const source = await lab.disk(['0-100000:short=1536']);
      return (await lab.collect({ path: source.disk.file }, lab.directory(), ['--allow-writable-source'])).outcome;
    },
  },
  {
    area: 'source', fault: 'reads below the disk come back short', expected: 'COMPLETE', long: true,
    async run(lab) {
      const source = await lab.disk(['0-100000:short=1536']);
      return (await lab.collect(source, lab.directory())).outcome;
    },
  },
  {
    area: 'source', fault: 'a disk of 4 KiB sectors whose last one is not whole', expected: 'FAILED SOURCE_SHRANK', // the kernel does not read what is no whole sector
    run: async (lab) => (await lab.collect(await lab.disk([], { sectorSize: 4096, size: 4 * PART + 3 * 512 }), lab.directory())).outcome,
  },
  {
    area: 'source', fault: 'the sector size changes while it is read', expected: ['COMPLETE', 'FAILED NOT_PROVEN'], long: true,
    run: (lab) => whileReading(lab, (source) => execa('losetup', ['--sector-size', '4096', source.path], { reject: false })),
  },
  {
    area: 'source', fault: 'another disk takes its name between being found and being opened', expected: 'FAILED SWAPPED',
    async run(lab) {
      const source = await lab.disk([], { device: await ownLoop(lab) });
      source.disk.letGo();
      lab.onEnd(() => execa('losetup', ['--detach', source.path]));
      const attach = `for i in $(seq 100); do losetup ${source.path} ${await lab.bytes('other')} 2>/dev/null && break; sleep 0.1; done`;
      return swapped(lab, source.path, source.path, `${detached(source.path)}; ${attach}`);
    },
  },
  {
    area: 'source', fault: 'it is detached between being found and being opened', expected: ['FAILED GONE', 'FAILED SWAPPED'], long: true,
    async run(lab) {
      const source = await lab.disk([], { device: await ownLoop(lab) });
      source.disk.letGo();
      return swapped(lab, source.path, source.path, detached(source.path));
    },
  },
  {
    area: 'source', fault: 'a link to it is swapped for another between being found and being opened', expected: 'COMPLETE',
    async run(lab) {
      const [source, other] = [await lab.disk(), await lab.disk()];
      const link = lab.file('by-label');
      await symlink(source.path, link);
      other.changes = true; // it must not be an image: only the disk that was found may be
      return swapped(lab, link, source.path, `ln -sfn ${other.path} ${link}`, source.sha256);
    },
  },
  {
    area: 'source', fault: 'a disk of 4 KiB sectors with one of them bad', expected: 'PARTIAL',
    async run(lab) {
      const source = await lab.disk(['8000'], { sectorSize: 4096, size: 4 * PART });
      const place = lab.directory();
      const { outcome } = await lab.collect(source, place);
      if (outcome !== 'PARTIAL') return outcome;
      const { process } = await manifestOf(place);
      const ranges = process.badRanges.map(({ offset, length }) => `${offset}+${length}`).join();
      return process.sectorSize === 4096 && ranges === `${8000 * 512}+4096` ? 'PARTIAL' : `PARTIAL, ${process.sectorSize}: ${ranges}`;
    },
  },
];
