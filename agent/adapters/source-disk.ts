import { constants } from 'node:fs';
import { StageError } from '../errors.ts';
import { type Geometry, readGeometry, setReadOnly } from './blockdev.ts';
import { close, devnoOf, fstat, openOrExplain } from './open-descriptor.ts';
import type { Disk } from './disk.ts';
import { inspectImageFile } from './source-file.ts';
import type { ImageFile } from './source-path.ts';
import { readDiskseq, type SystemRoots } from './sysfs.ts';

/** What the source looks like after it was read. */
export type Recheck = {
  /** Bytes; 0 when the disk is gone. */
  readonly size: number;
  readonly diskseq?: string;
  readonly readOnly: boolean;
  /** Whether the disk is still attached, or the file still has a name. */
  readonly present: boolean;
  /** Of a file that was changed since it was opened: which of its times say so. */
  readonly changed?: string;
};

/** A source that was opened once and checked on its descriptor; everything that reads it reads this descriptor. */
export type SourceHandle = {
  readonly fd: number;
  readonly kind: 'block-device' | 'image-file';
  /** Only for a block device. */
  readonly disk?: Disk;
  /** For people; may name something else by now. */
  readonly path: string;
  /** Bytes, as the descriptor gives them. */
  readonly size: number;
  readonly logicalSectorSize: number;
  readonly physicalSectorSize?: number;
  readonly readOnlyBefore: boolean;
  readonly readOnlyAfter: boolean;
  /** Asks the kernel again; never throws for a disk that went away. */
  recheck(): Promise<Recheck>;
  /** Closes the descriptor, once. A disk stays read-only. */
  close(): Promise<void>;
};

export type OpenSourceOptions = SystemRoots & {
  /** Read an image file that this user could write to. Never applies to a disk. @default false */
  readonly allowWritableSource?: boolean;
};

/** A handle without its descriptor. */
export type InspectedSource = Omit<SourceHandle, 'fd' | 'close'>;

const swapped = (disk: Disk, found: string): StageError =>
  new StageError('open', 'SWAPPED', `${disk.path} is no longer the disk that was found: ${found}`, {
    retryable: false,
    advice: 'nothing was read; the disk that is there now is found and judged on its own',
  });

/** Makes the disk read-only where it is not, and believes only what the kernel says afterwards. */
async function ensureReadOnly(fd: number, disk: Disk, signal: AbortSignal): Promise<{ before: Geometry; after: Geometry }> {
  const before = await readGeometry(fd, signal);
  if (before.readOnly) return { before, after: before };
  let cause: unknown;
  try {
    await setReadOnly(fd, signal);
  } catch (error) {
    signal.throwIfAborted();
    cause = error;
  }
  const after = await readGeometry(fd, signal);
  if (after.readOnly) return { before, after };
  throw new StageError('open', 'NOT_READ_ONLY', `${disk.path} could be written to, and the kernel did not make it read-only`, {
    retryable: false,
    cause,
    advice: `run as root and try \`blockdev --setro ${disk.path}\`; a disk that can be written to is never read`,
  });
}

async function inspectDisk(fd: number, disk: Disk, roots: SystemRoots, signal: AbortSignal): Promise<InspectedSource> {
  const stats = await fstat(fd);
  if (!stats.isBlockDevice()) throw swapped(disk, 'the path now leads to something that is not a block device');
  const devno = devnoOf(stats.rdev);
  if (devno !== disk.devno) throw swapped(disk, `its number is ${devno}, expected ${disk.devno}`);
  // While the descriptor is open the kernel gives neither the number nor, behind it, the disk to another.
  const diskseq = await readDiskseq(roots, devno);
  if (diskseq !== disk.diskseq) throw swapped(disk, `its diskseq is ${diskseq ?? 'gone'}, expected ${disk.diskseq}`);
  const { before, after } = await ensureReadOnly(fd, disk, signal);
  if (after.size === 0) {
    throw new StageError('open', 'NO_MEDIUM', `${disk.path} has 0 bytes`, {
      retryable: false,
      advice: 'a disk without content cannot be told from one that was just detached; attach it again',
    });
  }
  const recheck = async (): Promise<Recheck> => {
    const now = await readDiskseq(roots, devno).catch(() => undefined);
    const geometry = await readGeometry(fd).catch(() => undefined);
    return {
      size: geometry?.size ?? 0,
      ...(now !== undefined && { diskseq: now }),
      readOnly: geometry?.readOnly ?? false,
      present: now === disk.diskseq && (geometry?.size ?? 0) > 0,
    };
  };
  return {
    kind: 'block-device',
    disk,
    path: disk.path,
    size: after.size,
    logicalSectorSize: after.logicalSectorSize,
    physicalSectorSize: after.physicalSectorSize,
    readOnlyBefore: before.readOnly,
    readOnlyAfter: after.readOnly,
    recheck,
  };
}

/**
 * Opens a source once and proves on the descriptor what it is.
 *
 * A disk is opened read-only and exclusively, must still have the diskseq it was found with, and is set read-only when it
 * is not. An image file may be reached through links, since the analyst names it and the checked descriptor is what is
 * read; it must not be writable by this user unless that is allowed.
 * @throws StageError at stage `open`: HELD, GONE, NO_PERMISSION, CANNOT_OPEN, SWAPPED, NOT_READ_ONLY, NO_MEDIUM,
 *   NOT_A_FILE, SIZE_UNKNOWN, WRITABLE_SOURCE; the signal's reason when it is aborted
 */
export async function openSource(source: Disk | ImageFile, options: OpenSourceOptions, signal: AbortSignal): Promise<SourceHandle> {
  signal.throwIfAborted();
  const isDisk = 'diskseq' in source;
  // O_NONBLOCK on a file only: a named pipe in its place would wait for a writer for ever.
  const flags = isDisk ? constants.O_EXCL | constants.O_NOFOLLOW : constants.O_NONBLOCK;
  const fd = await openOrExplain(source.path, constants.O_RDONLY | flags);
  try {
    const inspected = isDisk
      ? await inspectDisk(fd, source, options, signal)
      : await inspectImageFile(fd, source, options.allowWritableSource ?? false);
    signal.throwIfAborted();
    let closing: Promise<void> | undefined;
    return { ...inspected, fd, close: () => (closing ??= close(fd)) };
  } catch (error) {
    await close(fd);
    signal.throwIfAborted();
    throw error;
  }
}
