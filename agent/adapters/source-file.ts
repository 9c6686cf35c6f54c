import { type BigIntStats, constants, read as readCallback } from 'node:fs';
import { access } from 'node:fs/promises';
import { promisify } from 'node:util';
import { escapeHostile } from '../../modules/vocabulary/index.ts';
import { messageOf, StageError } from '../errors.ts';
import { errnoOf } from './errno.ts';
import { fstatExactly } from './open-descriptor.ts';
import type { InspectedSource, Recheck } from './source-disk.ts';
import type { ImageFile } from './source-path.ts';

const read = promisify(readCallback);

/** A file has no sectors; images are counted in the size that dc3dd uses for files. Bytes. */
const FILE_SECTOR_SIZE = 512;

const ANY_WRITE_BIT = 0o222;

/**
 * Whether this user could write to the open file. Root may write whatever the mode says, so a mode without any write bit
 * counts as the owner's word that nobody does; a read-only file system or an immutable file counts too.
 */
async function isWritable(fd: number, mode: number): Promise<boolean> {
  if ((mode & ANY_WRITE_BIT) === 0) return false;
  return access(`/proc/self/fd/${fd}`, constants.W_OK).then(
    () => true,
    () => false,
  );
}

const utc = (nanoseconds: bigint): string => `${new Date(Number(nanoseconds / 1_000_000n)).toISOString().slice(0, -1)}${String(nanoseconds % 1_000_000n).padStart(6, '0')}Z`;

/**
 * What the file's times tell of a change since it was opened. Whoever writes can set the mtime back, but not the ctime, which
 * a new mode, owner or link changes too; reading changes neither.
 */
function changeOf(before: BigIntStats, now: BigIntStats): string | undefined {
  const changed = (['mtime', 'ctime'] as const).filter((time) => before[`${time}Ns`] !== now[`${time}Ns`]);
  if (changed.length === 0) return undefined;
  return changed.map((time) => `its ${time} was ${utc(before[`${time}Ns`])} and is ${utc(now[`${time}Ns`])}`).join(', ');
}

/**
 * What keeps a file from ending where it says; undefined when it does. Files of /proc and of some FUSE file systems say 0 bytes,
 * or fewer than they hold: dc3dd reads as far as they say, and the image would be called whole.
 */
async function behindItsEnd(fd: number, size: number): Promise<string | undefined> {
  try {
    const { bytesRead } = await read(fd, Buffer.alloc(1), 0, 1, size);
    return bytesRead === 0 ? undefined : 'it goes on there';
  } catch (error) {
    return `reading there fails (${errnoOf(error) ?? messageOf(error)})`;
  }
}

/** Checks an image file on its descriptor. Who else has it open for writing cannot be known, so its mode decides. */
export async function inspectImageFile(fd: number, { path }: ImageFile, allowWritable: boolean): Promise<InspectedSource> {
  const stats = await fstatExactly(fd);
  if (!stats.isFile()) {
    throw new StageError('open', 'NOT_A_FILE', `${escapeHostile(path)} is no longer a regular file`, {
      retryable: false,
      advice: 'nothing was read; name a disk or an image file',
    });
  }
  const behind = await behindItsEnd(fd, Number(stats.size));
  if (behind !== undefined) {
    throw new StageError('open', 'SIZE_UNKNOWN', `${escapeHostile(path)} says that it ends after ${stats.size} bytes, and ${behind}`, {
      retryable: false,
      advice: 'nothing was read; copy it into a regular file, whose end is known, and image that',
    });
  }
  const writable = await isWritable(fd, Number(stats.mode));
  if (writable && !allowWritable) {
    const mode = (Number(stats.mode) & 0o7777).toString(8).padStart(4, '0');
    throw new StageError('open', 'WRITABLE_SOURCE', `the image file ${escapeHostile(path)} has mode ${mode}, and this user could write to it`, {
      retryable: false,
      advice: 'run `chmod a-w` on it, or pass --allow-writable-source and answer for its not changing',
    });
  }
  const recheck = async (): Promise<Recheck> => {
    const now = await fstatExactly(fd);
    const changed = changeOf(stats, now);
    return { size: Number(now.size), readOnly: !(await isWritable(fd, Number(now.mode))), present: now.nlink > 0, ...(changed !== undefined && { changed }) };
  };
  return {
    kind: 'image-file',
    path,
    size: Number(stats.size),
    logicalSectorSize: FILE_SECTOR_SIZE,
    readOnlyBefore: !writable,
    readOnlyAfter: !writable,
    recheck,
  };
}
