import { truncate, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
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
      await sleep(1000); // the kernel lets go of the disk
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
        await execa('blockdev', ['--flushbufs', source.path]); // or the page cache would still know what was there
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
