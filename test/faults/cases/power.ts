/** The power goes: what the operating system had not yet given to the disk of the evidence is lost, and not only the process. */
import { mkdir } from 'node:fs/promises';
import { execa } from 'execa';
import { makeExt4 } from '../../../scripts/lab/disks.ts';
import { attachLoop } from '../../../scripts/lab/loop.ts';
import { MiB } from '../../../modules/vocabulary/index.ts';
import { attachBadDisk } from '../../helpers/bad-disk.ts';
import { PART, type Lab } from '../lab.ts';
import type { Place } from '../place.ts';
import { exhibitsOf, wholeness } from '../promises.ts';
import type { FaultRow } from '../row.ts';
import { SPLIT, stoppedAt } from './moments.ts';

type Cut = {
  readonly when: string;
  /** The event in whose moment it goes: a name of the log, with `#2` for the second of that name. */
  readonly event: string;
  /** Whether the image was called COMPLETE by then, so that it must be there. */
  readonly isDone?: true;
};

/** Mounts a disk for evidence; `--lazy` at the end, since a disk without power cannot be asked to finish. */
async function mounted(lab: Lab, device: string, name: string): Promise<string> {
  const path = lab.file(name);
  await mkdir(path);
  await execa('mount', ['-t', 'ext4', device, path]);
  lab.onEnd(() => execa('umount', ['--lazy', path], { reject: false }));
  return path;
}

/**
 * Images onto a disk whose power goes the moment the collector says something and stands still: from then on the disk takes no write, and
 * the collector is killed. What the disk has by then, a journal replay included, is all that the next one finds.
 */
async function powerGoes(lab: Lab, { when, event: moment, isDone }: Cut): Promise<string> {
  const file = await makeExt4(lab.file('evidence.img'), { label: 'EVIDENCE', size: 160 * MiB });
  const before = await attachBadDisk(file, [], { writable: true });
  lab.onEnd(() => before.remove());
  const path = await mounted(lab, before.path, 'before');
  const source = await lab.source(12 * PART + 12_800);
  const running = lab.start(source, { to: `${path}/evidence`, args: [], env: {} }, SPLIT, { env: stoppedAt(moment, 'SIGSTOP') });
  const [name, count = '1'] = moment.split('#');
  await running.until(when, ({ event }, index, all) => event === name && all.slice(0, index + 1).filter((line) => line.event === name).length === Number(count));
  await before.pull();
  running.kill('SIGKILL');
  const { lines } = await running.ended;
  await execa('umount', ['--lazy', path]);
  await lab.released(source);

  const loop = await attachLoop(file);
  lab.onEnd(() => loop.detach());
  const place: Place = lab.directory(`${await mounted(lab, loop.path, 'after')}/evidence`);
  if (isDone) return `told COMPLETE, and ${(await exhibitsOf(place))[0]?.ok ? 'it verifies' : 'it does not verify'}`;
  const told = lines.filter(({ event }) => event === 'part.stored').length;
  const { outcome, lines: again } = await lab.collect(source, place, SPLIT);
  const taken = Number(again.findLast(({ event }) => event === 'acquisition.ended')?.['takenOver']);
  return `${outcome}, ${taken >= told ? 'every part that was told of taken over' : `${taken} of ${told} parts taken over`}${await wholeness(place)}`;
}

const RESUMED = 'COMPLETE, every part that was told of taken over';

const row = (cut: Cut, long?: true): FaultRow => ({
  area: 'resume', fault: `the power goes when ${cut.when}, directory`, expected: cut.isDone ? 'told COMPLETE, and it verifies' : RESUMED,
  run: (lab) => powerGoes(lab, cut), ...(long ? { long } : {}),
});

export const POWER: readonly FaultRow[] = [
  row({ when: 'the third part is stored', event: 'part.stored#3' }),
  row({ when: 'an object is completed', event: 'image.stored' }, true),
  row({ when: 'all was read back', event: 'image.reread' }, true),
  row({ when: 'COMPLETE was told', event: 'acquisition.ended', isDone: true }),
];
