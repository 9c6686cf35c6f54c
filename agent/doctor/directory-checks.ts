import { constants } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { GiB, MiB } from '../../modules/vocabulary/index.ts';
import { OWN_SCRATCH, whyNotOwn } from '../adapters/scratch.ts';
import { messageOf } from '../errors.ts';
import { humanBytes } from '../human.ts';
import { fail, ok, warn, type Check, type Outcome } from './finding.ts';

type Folder = { readonly path: string; readonly exists: boolean; readonly free: number };

/** `f_type` of statfs(2): in these the kernel shows itself, and nothing can be kept, also where the modes allow it. */
const KERNELS_OWN: ReadonlySet<number> = new Set([0x9fa0 /* proc */, 0x62656572 /* sysfs */, 0x27e0eb /* cgroup */, 0x63677270 /* cgroup2 */]);

/**
 * The directory, or the nearest one above it that is there, in which it would be made; with what this user may use of it.
 * Writes nothing. A failed outcome where nothing could be stored; how much room there is decides nothing here.
 */
export async function inspectFolder(path: string): Promise<Folder | Outcome> {
  const wanted = resolve(path);
  for (let folder = wanted; ; folder = dirname(folder)) {
    try {
      if (!(await stat(folder)).isDirectory()) return fail(`${folder} is not a directory`, 'name another directory');
      await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
      const { bavail, bsize, type } = await statfs(folder);
      if (KERNELS_OWN.has(type)) return fail(`${folder} cannot be written: it is the kernel's own, and keeps no files`, 'name another directory');
      return { path: folder, exists: folder === wanted, free: bavail * bsize };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT' && folder !== dirname(folder)) continue;
      return fail(`${folder} cannot be written: ${messageOf(error)}`, 'give this user the right to write there, or name another directory');
    }
  }
}

const describe = (wanted: string, { exists, path, free }: Folder): string =>
  `${resolve(wanted)} is writable${exists ? '' : ` (will be made in ${path})`}, ${humanBytes(free)} free`;

/** Enough for the spool's bound, dc3dd's log and what else waits there. */
const SCRATCH = { warn: 512 * MiB, fail: 32 * MiB };

async function scratch(path: string): Promise<Outcome> {
  const folder = await inspectFolder(path);
  if ('level' in folder) return folder;
  const why = folder.exists ? await whyNotOwn(path) : undefined;
  if (why !== undefined) return fail(why, OWN_SCRATCH);
  const advice = `free ${humanBytes(SCRATCH.warn)}, or name another with --scratch-dir: logs wait there while their service is away`;
  if (folder.free < SCRATCH.fail) return fail(describe(path, folder), advice);
  return folder.free < SCRATCH.warn ? warn(describe(path, folder), advice) : ok(describe(path, folder));
}

async function destination(path: string, largestDisk: () => Promise<number>): Promise<Outcome> {
  const folder = await inspectFolder(path);
  if ('level' in folder) return folder;
  const found = describe(path, folder);
  const largest = await largestDisk();
  if (folder.free < SCRATCH.fail) return fail(found, 'free some room or name another destination with --to');
  if (folder.free < largest) {
    return fail(`${found}; the largest eligible disk has ${humanBytes(largest)}`, 'free some room or name another destination with --to');
  }
  return folder.free < GiB ? warn(found, 'see that the disks to come fit in') : ok(found);
}

/** Room for what waits: logs, dc3dd's log. */
export const scratchCheck = (path: string): Check => ({ check: 'scratch', look: () => scratch(path) });

/** The directory that evidence goes to. @param largestDisk bytes of the largest eligible disk, 0 without any */
export const directoryCheck = (path: string, largestDisk: () => Promise<number>): Check => ({
  check: 'destination',
  look: () => destination(path, largestDisk),
});
