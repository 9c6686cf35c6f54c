import { existsSync } from 'node:fs';
import { readdir, readlink } from 'node:fs/promises';
import { basename } from 'node:path';
import { escapeHostile, hostileText, type HostileText } from '../../modules/vocabulary/index.ts';
import type { Disk } from './disk.ts';
import { type BlockEntry, devPath, readIfThere, runPath, type SystemRoots } from './sysfs.ts';

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

/** Labels by the kernel name of the disk or partition that carries them. */
export type LabelsByName = ReadonlyMap<string, readonly Buffer[]>;

/** The links of one directory of `/dev/disk`, in order of name, with the kernel names that they lead to. */
async function readLinks(roots: SystemRoots, kind: LinkKind): Promise<{ name: Buffer; target: string }[]> {
  const directory = devPath(roots, 'disk', kind);
  const names = await readdir(directory, { encoding: 'buffer' }).catch(() => []); // made with its first link
  const links = names.toSorted((a, b) => Buffer.compare(a, b)).map(async (name) => {
    const target = await readlink(Buffer.concat([Buffer.from(`${directory}/`), name])).catch(() => undefined);
    return target === undefined ? [] : [{ name, target: basename(target) }];
  });
  return (await Promise.all(links)).flat();
}

/** Labels as `/dev/disk/by-label` has them. One link names one device: of two disks with the same label, the newer. */
export async function readLabelLinks(roots: SystemRoots): Promise<LabelsByName> {
  const byTarget = Map.groupBy(await readLinks(roots, 'by-label'), ({ target }) => target);
  return new Map([...byTarget].map(([target, links]) => [target, links.map(({ name }) => decodeUdevName(name))]));
}

/** The directories of `/dev/disk` that are watched, the most telling first. */
export const LINK_KINDS = ['by-label', 'by-id', 'by-diskseq'] as const;
export type LinkKind = (typeof LINK_KINDS)[number];

/** The most telling link that leads to a disk or to one of its partitions; its name is as udev escaped it. */
export async function tellingLink(roots: SystemRoots, disk: Disk): Promise<{ kind: LinkKind; name: HostileText } | undefined> {
  const devices = new Set([disk.name, ...disk.partitions]);
  for (const kind of LINK_KINDS) {
    const links = await readLinks(roots, kind);
    const link = links.find(({ target }) => devices.has(target));
    if (link) return { kind, name: hostileText(link.name) };
  }
  return undefined;
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
export async function isSettled(roots: SystemRoots, entry: BlockEntry): Promise<boolean> {
  if (!existsSync(runPath(roots, 'udev/control'))) return true;
  // There while udev has events to handle. A disk may come with several: a loop device's first finds no content yet.
  if (existsSync(runPath(roots, 'udev/queue'))) return false;
  const whole = await readUdevRecord(roots, entry.devno);
  if (whole === undefined) return false;
  // From systemd 250 a record names the diskseq it is about; one without it is then about the time before the disk came.
  if (whole.diskseq === undefined ? existsSync(devPath(roots, 'disk/by-diskseq')) : isStale(whole, entry.diskseq)) return false;
  const parts = await Promise.all(entry.partitions.map(({ devno }) => readUdevRecord(roots, devno)));
  return parts.every((part) => part !== undefined);
}
