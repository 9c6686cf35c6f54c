import { existsSync } from 'node:fs';
import { readdir, readlink } from 'node:fs/promises';
import { basename } from 'node:path';
import { escapeHostile, hostileText, type HostileText } from '../../modules/vocabulary/index.ts';
import type { Disk } from './disk.ts';
import { type BlockEntry, devPath, readIfThere, runPath, type SystemRoots, sysPath } from './sysfs.ts';

/** udev's file names, one character a byte, so that nothing a label holds is lost or changed. */
const BYTES = 'latin1';

/** Undoes udev's escapes: `\xNN` is one byte, everything else stands for itself. */
export function decodeUdevName(name: Uint8Array): Buffer {
  const escaped = Buffer.from(name).toString(BYTES);
  return Buffer.from(
    escaped.replaceAll(/\\x([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    BYTES,
  );
}

/** Kernel name that a link of `/dev/disk/…` leads to; undefined when it is gone or no link. */
export async function linkTarget(path: string | Buffer): Promise<string | undefined> {
  try {
    return basename(await readlink(path));
  } catch {
    return undefined;
  }
}

/** Labels by the kernel name of the disk or partition that carries them. */
export type LabelsByName = ReadonlyMap<string, readonly Buffer[]>;

/** Reads `/dev/disk/by-label`. One link names one device: of two disks with the same label, the newer. */
export async function readLabelLinks(roots: SystemRoots): Promise<LabelsByName> {
  const directory = devPath(roots, 'disk/by-label');
  const names = await readdir(directory, { encoding: 'buffer' }).catch(() => []); // not there until a disk has a label
  const labels = new Map<string, Buffer[]>();
  await Promise.all(
    names.map(async (name) => {
      const target = await linkTarget(Buffer.concat([Buffer.from(`${directory}/`), name]));
      if (target === undefined) return;
      labels.set(target, [...(labels.get(target) ?? []), decodeUdevName(name)]);
    }),
  );
  return labels;
}

/** What udev recorded about one device. */
type UdevRecord = { readonly label?: Buffer; readonly diskseq?: string };

async function readUdevRecord(roots: SystemRoots, devno: string): Promise<UdevRecord | undefined> {
  const data = (await readIfThere(runPath(roots, 'udev/data', `b${devno}`)))?.toString(BYTES);
  if (data === undefined) return undefined;
  const label = /^E:ID_FS_LABEL_ENC=(.*)$/m.exec(data)?.[1];
  const diskseq = /^S:disk\/by-diskseq\/(\d+)$/m.exec(data)?.[1];
  return {
    ...(label !== undefined && { label: decodeUdevName(Buffer.from(label, BYTES)) }),
    ...(diskseq !== undefined && { diskseq }),
  };
}

/** Whether a record is about an earlier disk under the same number, as loop devices have them. */
const isStale = (record: UdevRecord, diskseq: string): boolean => record.diskseq !== undefined && record.diskseq !== diskseq;

/**
 * Labels of a disk and of its partitions: from udev's links, and from udev's own records, which still know the label
 * of a disk whose link another disk with the same label has taken.
 */
export async function labelsOf(roots: SystemRoots, entry: BlockEntry, links: LabelsByName): Promise<HostileText[]> {
  const whole = await readUdevRecord(roots, entry.devno);
  const stale = whole !== undefined && isStale(whole, entry.diskseq);
  const parts = await Promise.all(entry.partitions.map(({ devno }) => readUdevRecord(roots, devno)));
  const recorded = stale ? [] : [whole, ...parts].map((record) => record?.label).filter((label) => label !== undefined);
  const linked = [entry.name, ...entry.partitions.map(({ name }) => name)].flatMap((name) => links.get(name) ?? []);
  const unique = new Map([...linked, ...recorded].map((label) => [escapeHostile(label), label]));
  return [...unique].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, label]) => hostileText(label));
}

/**
 * Whether udev has finished with a disk and its partitions, so that its links and labels can be believed. Always true
 * where udev has never run.
 */
export async function isSettled(roots: SystemRoots, disk: Pick<Disk, 'name' | 'devno' | 'diskseq' | 'partitions'>): Promise<boolean> {
  if (!existsSync(runPath(roots, 'udev/control'))) return true;
  const whole = await readUdevRecord(roots, disk.devno);
  if (whole === undefined) return false;
  // From systemd 250 a record names the diskseq it is about; one without it is then about the time before the disk came.
  if (whole.diskseq === undefined ? existsSync(devPath(roots, 'disk/by-diskseq')) : isStale(whole, disk.diskseq)) return false;
  const parts = await Promise.all(
    disk.partitions.map(async (name) => {
      const devno = (await readIfThere(sysPath(roots, 'block', disk.name, name, 'dev')))?.toString(BYTES).trim();
      return devno === undefined || (await readUdevRecord(roots, devno)) !== undefined;
    }),
  );
  return parts.every(Boolean);
}
