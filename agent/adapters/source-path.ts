import type { Stats } from 'node:fs';
import { lstat, realpath, stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { escapeHostile } from '../../modules/vocabulary/index.ts';
import { StageError } from '../errors.ts';
import { listDisks, type ListOptions } from './block-devices.ts';
import { devnoOf } from './open-descriptor.ts';
import type { AssessedDisk } from './disk.ts';
import { readIfThere, sysPath } from './sysfs.ts';

/** A regular file that is read as if it were a disk. */
export type ImageFile = {
  readonly kind: 'image-file';
  /** Absolute, as the user named it. */
  readonly path: string;
  /** Bytes, when it was looked at. */
  readonly size: number;
};

/** What a path given by a person leads to, with what they should be told about it. */
export type DescribedPath = {
  readonly source: ({ readonly kind: 'block-device' } & AssessedDisk) | ImageFile;
  /** What was taken instead of what was named, and why: a link's target, a partition's disk. */
  readonly notices: readonly string[];
};

const refuse = (code: string, message: string, advice: string, cause?: unknown): StageError =>
  new StageError('identify', code, message, { retryable: false, advice, cause });

const ADVICE = '`collector devices` lists the disks; a disk or an image file can be collected';

async function statOrExplain(path: string): Promise<Stats> {
  try {
    return await stat(path);
  } catch (cause) {
    const errno = (cause as NodeJS.ErrnoException).code;
    if (errno === 'EACCES') throw refuse('NO_PERMISSION', `${escapeHostile(path)} cannot be looked at (${errno})`, 'run as root', cause);
    const dangling = await lstat(path).then((link) => link.isSymbolicLink(), () => false);
    const what = dangling ? 'is a link to something that does not exist' : 'does not exist';
    throw refuse('NOT_FOUND', `${escapeHostile(path)} ${what} (${errno ?? 'unknown error'})`, ADVICE, cause);
  }
}

/** The whole disk that has or contains a device number, with the partition's kernel name if it was one. */
async function wholeDisk(options: ListOptions, devno: string): Promise<{ name: string; partition?: string } | undefined> {
  const directory = await realpath(sysPath(options, 'dev/block', devno)).catch(() => undefined);
  if (directory === undefined) return undefined;
  const isPartition = (await readIfThere(`${directory}/partition`)) !== undefined;
  return isPartition ? { name: basename(dirname(directory)), partition: basename(directory) } : { name: basename(directory) };
}

async function describeDevice(path: string, rdev: number, options: ListOptions): Promise<DescribedPath> {
  const devno = devnoOf(rdev);
  const whole = await wholeDisk(options, devno);
  const assessed = (await listDisks(options)).find(({ disk }) => disk.name === whole?.name);
  if (!whole || !assessed) {
    throw refuse('NO_SUCH_DISK', `${escapeHostile(path)} is block device ${devno}, which the kernel does not know (any more)`, ADVICE);
  }
  const notices: string[] = [];
  const target = await realpath(path).catch(() => path);
  if (target !== resolve(path)) notices.push(`${escapeHostile(path)} leads to ${escapeHostile(target)}`);
  if (whole.partition !== undefined) {
    notices.push(
      `${whole.partition} is a partition of ${assessed.disk.path}: the whole disk is imaged, with its partition table, other partitions and gaps`,
    );
  }
  return { source: { kind: 'block-device', ...assessed }, notices };
}

/**
 * What a user's argument stands for: a disk by any of its names, a partition (its whole disk), or an image file.
 * @throws StageError at stage `identify`: NOT_FOUND, NO_PERMISSION, IS_DIRECTORY, NOT_A_DISK, NO_SUCH_DISK
 */
export async function describePath(path: string, options: ListOptions = {}): Promise<DescribedPath> {
  const stats = await statOrExplain(path);
  if (stats.isBlockDevice()) return describeDevice(path, stats.rdev, options);
  if (stats.isFile()) return { source: { kind: 'image-file', path: resolve(path), size: stats.size }, notices: [] };
  if (stats.isDirectory()) throw refuse('IS_DIRECTORY', `${escapeHostile(path)} is a directory`, `name the disk that it is on, or an image file in it; ${ADVICE}`);
  const kind = stats.isCharacterDevice() ? 'a character device' : stats.isFIFO() ? 'a named pipe' : 'a socket';
  throw refuse('NOT_A_DISK', `${escapeHostile(path)} is ${kind}`, ADVICE);
}
