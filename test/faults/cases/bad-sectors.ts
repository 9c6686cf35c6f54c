import { readFile, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { DISK_SIZE, type Lab, type Source } from '../lab.ts';
import { EXHIBIT, type Place } from '../place.ts';
import { manifestOf, storedImage } from '../stored.ts';
import type { FaultRow } from '../row.ts';

const SECTORS = DISK_SIZE / 512;

/** Images a disk with bad ranges, and compares map and image with what they must be to the byte. */
async function mapsExactly(lab: Lab, bad: readonly (readonly [first: number, last: number])[], more: readonly string[] = [], where?: Place): Promise<string> {
  const source = await lab.disk(bad.map(([first, last]) => `${first}-${last}`));
  const place = where ?? lab.directory();
  const { outcome } = await lab.collect(source, place, more);
  if (outcome !== 'PARTIAL') return outcome;
  return (await differences(source, place, bad)) ?? 'PARTIAL, map and image exact';
}

async function differences(source: Source, place: Place, bad: readonly (readonly [number, number])[]): Promise<string | undefined> {
  const { process } = await manifestOf(place);
  const expected = bad.map(([first, last]) => `${first * 512}+${(last - first + 1) * 512} EIO`).join(', ');
  const found = process.badRanges.map(({ offset, length, errno }) => `${offset}+${length} ${errno}`).join(', ');
  if (found !== expected) return `PARTIAL, map is ${found}`;
  if (process.badRanges.some(({ tries }) => tries < 2 || tries > 10)) return `PARTIAL, tries are ${process.badRanges.map(({ tries }) => tries).join(', ')}`;
  const image = await readFile(source.file);
  for (const [first, last] of bad) image.fill(0, first * 512, (last + 1) * 512);
  return image.equals(await storedImage(place)) ? undefined : `PARTIAL, the image of ${EXHIBIT} is not the source with zeroes`;
}

/** Stops the collector in its first look back at a bad sector, and starts it again. */
async function stoppedWhileMapping(lab: Lab): Promise<string> {
  const answers = lab.file('answers');
  await writeFile(answers, '');
  const source = await lab.disk([`1000:wait=${answers}`, '1000', `35000:wait=${lab.file('gate')},times=1`]);
  const place = lab.directory();
  const running = lab.start(source, place, [], { limitSeconds: 120 }); // before the fixture answers by itself
  const gate = await lab.gate(source, 'gate'); // the bad sector is behind dc3dd, and will not answer any more
  const waits = async (): Promise<number> => (await readFile(source.trace, 'utf8')).split(`wait ${answers}\n`).length;
  const before = await waits();
  await rm(answers);
  await gate.open();
  for (const deadline = Date.now() + 120_000; (await waits()) === before; await sleep(20)) {
    if (Date.now() > deadline) throw new Error('the bad sector was never tried again');
  }
  running.kill('SIGTERM');
  const told = await running.until('it says that it was told to stop', ({ event }) => event === 'error');
  await writeFile(answers, '');
  await running.ended; // by itself, or by force where the disk's answer came too late for that
  const second = await lab.collect(source, place);
  const taken = Number(second.lines.find(({ event }) => event === 'acquisition.ended')?.['takenOver']);
  const exact = second.outcome === 'PARTIAL' ? ((await differences(source, place, [[1000, 1000]])) ?? EXACT) : second.outcome;
  return `${String(told['code'])}, then ${exact}, with ${taken > 0 ? '' : 'no '}parts taken over`;
}

const EXACT = 'PARTIAL, map and image exact';

export const BAD_SECTORS: readonly FaultRow[] = [
  { area: 'bad sectors', fault: 'one bad sector', expected: EXACT, run: (lab) => mapsExactly(lab, [[1234, 1234]]) },
  {
    area: 'bad sectors', fault: 'runs at the start, across parts, alone in their page, and at the end', expected: EXACT,
    run: (lab) => mapsExactly(lab, [[0, 2], [10_237, 10_243], [20_001, 20_001], [20_003, 20_003], [SECTORS - 9, SECTORS - 1]]),
  },
  { area: 'bad sectors', fault: 'only the last sector', expected: EXACT, run: (lab) => mapsExactly(lab, [[SECTORS - 1, SECTORS - 1]]) },
  {
    area: 'bad sectors', fault: 'a part with bad sectors has to be sent again', expected: EXACT,
    async run(lab) {
      const bucket = await lab.bucket(({ operation, partNumber, attempt }) =>
        operation === 'UploadPart' && partNumber === 2 && attempt < 3 ? { kind: 'status', status: 500 } : undefined,
      );
      return mapsExactly(lab, [[10_301, 10_301], [15_555, 15_557]], [], bucket);
    },
  },
  {
    area: 'bad sectors', fault: 'every sector is bad', expected: 'FAILED NOT_PROVEN',
    async run(lab) {
      const source = await lab.disk(['0-1023'], { size: 1024 * 512 });
      return (await lab.collect(source, lab.directory())).outcome;
    },
  },
  {
    area: 'bad sectors', fault: 'a read that fails once and is well later', expected: ['PARTIAL', 'COMPLETE'],
    async run(lab) {
      const source = await lab.disk(['5000:eio,times=1']);
      return (await lab.collect(source, lab.directory())).outcome;
    },
  },
  {
    area: 'bad sectors', fault: 'told to stop while a bad sector is tried again, which does not answer', expected: `INTERRUPTED, then ${EXACT}, with parts taken over`,
    run: stoppedWhileMapping,
  },
  {
    area: 'bad sectors', fault: 'reads that take 2 s each', expected: 'COMPLETE', long: true,
    async run(lab) {
      const source = await lab.disk(['5000:delay=2', '30000:delay=2']);
      return (await lab.collect(source, lab.directory())).outcome;
    },
  },
  {
    area: 'bad sectors', fault: 'a read that takes 35 s', expected: 'COMPLETE', long: true,
    async run(lab) {
      const source = await lab.disk(['30000:delay=35,times=1']);
      return (await lab.collect(source, lab.directory(), [], { limitSeconds: 300 })).outcome;
    },
  },
];
