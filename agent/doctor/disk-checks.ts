import { open } from 'node:fs/promises';
import type { AssessedDisk } from '../adapters/disk.ts';
import { messageOf } from '../errors.ts';
import { fail, ok, warn, type Check, type Outcome } from './finding.ts';

const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

/** Opens a disk for reading and closes it again; the reason when that fails. */
async function whyUnreadable(path: string): Promise<string | undefined> {
  try {
    await (await open(path, 'r')).close();
    return undefined;
  } catch (error) {
    return `${path}: ${messageOf(error)}`;
  }
}

async function readable(disks: readonly AssessedDisk[]): Promise<Outcome> {
  const eligible = disks.filter(({ verdict }) => verdict.eligible);
  const leftAlone = disks.length - eligible.length;
  const reasons = (await Promise.all(eligible.map(({ disk }) => whyUnreadable(disk.path)))).filter((reason) => reason !== undefined);
  const found = `${plural(eligible.length, 'eligible disk')}, ${leftAlone} left alone`;
  if (reasons.length === 0) return ok(found);
  return fail(`${found}; cannot be opened: ${reasons.slice(0, 5).join('; ')}`, 'run as root, and see that the container, if any, is given the devices');
}

function readOnly(disks: readonly AssessedDisk[], mayChange: boolean): Outcome {
  const eligible = disks.filter(({ verdict }) => verdict.eligible).map(({ disk }) => disk);
  const writable = eligible.filter((disk) => !disk.readOnly);
  if (writable.length === 0) return ok(`${plural(eligible.length, 'eligible disk')}, none of them writable`);
  const names = writable.slice(0, 5).map(({ path }) => path).join(', ');
  const found = `${writable.length} of ${plural(eligible.length, 'eligible disk')} writable (${names})`;
  if (!mayChange) return fail(`${found}, and not to be set read-only by this user`, 'run as root, or set them read-only first (blockdev --setro)');
  return warn(
    `${found}; the collector sets a disk read-only before it reads`,
    'set disks read-only as they appear, by a udev rule: until the collector opens them the system could write to them',
  );
}

/** What the disks are like that are attached now. @param mayChange whether this user may set a disk read-only */
export const diskChecks = (listDisks: () => Promise<readonly AssessedDisk[]>, mayChange: () => Promise<boolean>): readonly Check[] => [
  { check: 'disks', look: async () => readable(await listDisks()) },
  { check: 'read-only', look: async () => readOnly(await listDisks(), await mayChange()) },
];
