import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { escapeHostile } from '../../modules/vocabulary/index.ts';
import { StageError } from '../errors.ts';
import { fstat } from './open-descriptor.ts';
import type { InspectedSource, Recheck } from './source-disk.ts';
import type { ImageFile } from './source-path.ts';

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

/** Checks an image file on its descriptor. Who else has it open for writing cannot be known, so its mode decides. */
export async function inspectImageFile(fd: number, { path }: ImageFile, allowWritable: boolean): Promise<InspectedSource> {
  const stats = await fstat(fd);
  if (!stats.isFile()) {
    throw new StageError('open', 'NOT_A_FILE', `${escapeHostile(path)} is no longer a regular file`, {
      retryable: false,
      advice: 'nothing was read; name a disk or an image file',
    });
  }
  const writable = await isWritable(fd, stats.mode);
  if (writable && !allowWritable) {
    const mode = (stats.mode & 0o7777).toString(8).padStart(4, '0');
    throw new StageError('open', 'WRITABLE_SOURCE', `the image file ${escapeHostile(path)} has mode ${mode}, and this user could write to it`, {
      retryable: false,
      advice: 'run `chmod a-w` on it, or pass --allow-writable-source and answer for its not changing',
    });
  }
  const recheck = async (): Promise<Recheck> => {
    const now = await fstat(fd);
    return { size: now.size, readOnly: !(await isWritable(fd, now.mode)), present: now.nlink > 0 };
  };
  return {
    kind: 'image-file',
    path,
    size: stats.size,
    logicalSectorSize: FILE_SECTOR_SIZE,
    readOnlyBefore: !writable,
    readOnlyAfter: !writable,
    recheck,
  };
}
