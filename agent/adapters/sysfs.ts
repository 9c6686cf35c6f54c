import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StageError } from '../errors.ts';

/** Where the kernel's and udev's trees are; each defaults to `/`. Other roots serve to read a laid-out copy of a machine. */
export type SystemRoots = {
  /** Holds `sys/`. */
  readonly sysRoot?: string;
  /** Holds `proc/`. */
  readonly procRoot?: string;
  /** Holds `dev/`. */
  readonly devRoot?: string;
  /** Holds `run/udev/`. */
  readonly runRoot?: string;
};

export const sysPath = (roots: SystemRoots, ...parts: string[]): string => join(roots.sysRoot ?? '/', 'sys', ...parts);
export const procPath = (roots: SystemRoots, ...parts: string[]): string => join(roots.procRoot ?? '/', 'proc', ...parts);
export const devPath = (roots: SystemRoots, ...parts: string[]): string => join(roots.devRoot ?? '/', 'dev', ...parts);
export const runPath = (roots: SystemRoots, ...parts: string[]): string => join(roots.runRoot ?? '/', 'run', ...parts);

/** One entry of `/sys/block` as it was read, with nothing concluded from it. */
export type BlockEntry = {
  readonly name: string;
  readonly devno: string;
  readonly diskseq: string;
  /** Bytes. */
  readonly size: number;
  readonly readOnly: boolean;
  readonly logicalSectorSize: number;
  readonly physicalSectorSize: number;
  readonly model?: Buffer;
  readonly serial?: Buffer;
  readonly backingFile?: Buffer;
  readonly partitions: readonly { readonly name: string; readonly devno: string; readonly holders: readonly string[] }[];
  /** Devices built on the whole disk: device-mapper, MD, bcache. */
  readonly holders: readonly string[];
  /** Devices that this one is built on; a disk of its own has none. */
  readonly slaves: readonly string[];
};

/** Failures of this process, which say nothing about the disk: taken for its absence, they would make disks vanish. */
const OURS = new Set(['EMFILE', 'ENFILE', 'ENOMEM']);
const isOurs = (error: unknown): boolean => OURS.has((error as NodeJS.ErrnoException).code ?? '');

/** A file's bytes; undefined when it is missing, or its device gone or broken. Throws when this process lacks resources. */
export async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (isOurs(error)) throw error;
    return undefined;
  }
}

/** A directory's names in order; none when it is missing. Throws as {@link readIfThere} does. */
export async function listIfThere(path: string): Promise<string[]> {
  try {
    return (await readdir(path)).toSorted();
  } catch (error) {
    if (isOurs(error)) throw error;
    return [];
  }
}

const text = async (path: string): Promise<string | undefined> => (await readIfThere(path))?.toString('latin1').trim();

/** A sysfs attribute's bytes without the padding that NVMe and SCSI put behind; undefined when nothing is left. */
async function attribute(path: string): Promise<Buffer | undefined> {
  const bytes = await readIfThere(path);
  let end = bytes?.length ?? 0;
  while (end > 0 && [0x00, 0x0a, 0x20].includes(bytes?.[end - 1] ?? -1)) end--;
  return end === 0 ? undefined : bytes?.subarray(0, end);
}

async function readPartitions(directory: string): Promise<BlockEntry['partitions']> {
  const found = await Promise.all(
    (await listIfThere(directory)).map(async (name) => {
      if ((await readIfThere(join(directory, name, 'partition'))) === undefined) return undefined;
      const devno = await text(join(directory, name, 'dev'));
      return devno === undefined ? undefined : { name, devno, holders: await listIfThere(join(directory, name, 'holders')) };
    }),
  );
  return found.filter((partition) => partition !== undefined);
}

/** A diskseq names disks in identities, keys and paths: what is no number is none. */
const asDiskseq = (said: string | undefined): string | undefined => (said !== undefined && /^\d{1,20}$/.test(said) ? said : undefined);

/** One entry of `/sys/block`; undefined when it is hidden (a path of an NVMe multipath disk) or goes away meanwhile. */
async function readEntry(roots: SystemRoots, name: string): Promise<BlockEntry | undefined> {
  const at = (...parts: string[]): string => sysPath(roots, 'block', name, ...parts);
  if ((await text(at('hidden'))) === '1') return undefined;
  const devno = await text(at('dev'));
  if (devno === undefined) return undefined;
  const diskseq = asDiskseq(await text(at('diskseq')));
  if (diskseq === undefined) {
    if ((await text(at('dev'))) === undefined) return undefined;
    throw new StageError('identify', 'NO_DISKSEQ', `${at('diskseq')} is missing or no number: this kernel does not number its disks`, {
      retryable: false,
      advice: 'use Linux 5.15 or newer; without the number a disk that is swapped under its name cannot be told apart',
    });
  }
  const sectors = await text(at('size'));
  const [model, serial, backingFile] = await Promise.all([
    attribute(at('device', 'model')),
    attribute(at('device', 'serial')).then((bytes) => bytes ?? attribute(at('serial'))),
    attribute(at('loop', 'backing_file')),
  ]);
  const entry: BlockEntry = {
    name,
    devno,
    diskseq,
    size: Number(sectors) * 512, // sysfs counts in 512 bytes whatever the sector size
    readOnly: (await text(at('ro'))) === '1',
    logicalSectorSize: Number((await text(at('queue', 'logical_block_size'))) ?? 512),
    physicalSectorSize: Number((await text(at('queue', 'physical_block_size'))) ?? 512),
    ...(model && { model }),
    ...(serial && { serial }),
    ...(backingFile && { backingFile }),
    partitions: await readPartitions(at()),
    holders: await listIfThere(at('holders')),
    slaves: await listIfThere(at('slaves')),
  };
  // Read last what was read first: an entry that changed hands meanwhile is half of two disks.
  const unchanged = (await text(at('diskseq'))) === diskseq;
  return unchanged && Number.isSafeInteger(entry.size) ? entry : undefined;
}

/** Every block device of `/sys/block`, in order of name. */
export async function readBlockEntries(roots: SystemRoots): Promise<BlockEntry[]> {
  const names = await readdir(sysPath(roots, 'block'));
  const entries = await Promise.all(names.toSorted().map((name) => readEntry(roots, name)));
  return entries.filter((entry) => entry !== undefined);
}

/** This boot's number, as the kernel gives it. */
export const readBootId = async (roots: SystemRoots): Promise<string> =>
  (await readFile(procPath(roots, 'sys/kernel/random/boot_id'), 'latin1')).trim();

/** diskseq of the whole disk that now has this number (`major:minor`); undefined when there is none. */
export const readDiskseq = async (roots: SystemRoots, devno: string): Promise<string | undefined> =>
  asDiskseq(await text(sysPath(roots, 'dev/block', devno, 'diskseq')));
