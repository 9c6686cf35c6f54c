import { hostileText, volumeIdFromSerial } from '../../modules/vocabulary/index.ts';
import type { AssessedDisk, Disk, Verdict } from './disk.ts';
import { readUses, type Use } from './mounts.ts';
import { type BlockEntry, readBlockEntries, readBootId, type SystemRoots } from './sysfs.ts';
import { isSettled, labelsOf, readLabelLinks } from './udev-names.ts';

export type ListOptions = SystemRoots & {
  /** Whether instance-store disks may be imaged. @default false */
  readonly includeInstanceStore?: boolean;
};

const EBS_MODEL = 'Amazon Elastic Block Store';
const INSTANCE_STORE_MODEL = 'Amazon EC2 NVMe Instance Storage';

/** Drivers whose devices are memory, another device's content, or a drive for removable media. */
const VIRTUAL = /^(?:ram\d|zram\d|dm-\d|md[\d_]|bcache\d|drbd\d|zd\d|sr\d|fd\d)/;
const isVirtual = ({ name, slaves }: BlockEntry): boolean => VIRTUAL.test(name) || slaves.length > 0;

/** The most holders that are named; a disk with hundreds of mounts says no more by the rest. */
const MAX_HOLDERS = 32;

type UsesByDisk = ReadonlyMap<string, readonly Use[]>;

/** Follows each use down through device-mapper, MD and partitions to the disks that bear it. */
function usesByDisk(entries: readonly BlockEntry[], uses: readonly Use[]): UsesByDisk {
  const owner = new Map<string, BlockEntry>();
  for (const entry of entries) {
    for (const { name, devno } of [entry, ...entry.partitions]) owner.set(name, entry).set(devno, entry);
  }
  const byDisk = new Map<string, Use[]>();
  for (const use of uses) {
    const reached = new Set<BlockEntry>();
    const descend = (device: string): void => {
      const entry = owner.get(device);
      if (!entry || reached.has(entry)) return;
      reached.add(entry);
      byDisk.set(entry.name, [...(byDisk.get(entry.name) ?? []), use]);
      entry.slaves.forEach(descend);
    };
    descend(use.device);
  }
  return byDisk;
}

function holdersOf(entry: BlockEntry, uses: readonly Use[]): string[] {
  const held = [entry, ...entry.partitions].flatMap(({ name, holders }) => holders.map((holder) => `${name} held by ${holder}`));
  const all = [...new Set([...held, ...uses.map(({ text }) => text)])];
  return all.length > MAX_HOLDERS ? [...all.slice(0, MAX_HOLDERS), `and ${all.length - MAX_HOLDERS} more`] : all;
}

type Reason = Exclude<Verdict, { eligible: true }>['reason'];
const leftAlone = (reason: Reason, because: string): Verdict => ({ eligible: false, reason, because });

function assess(entry: BlockEntry, uses: readonly Use[], holders: readonly string[], includeInstanceStore: boolean): Verdict {
  const model = entry.model?.toString('latin1');
  const used = new Set(uses.map(({ kind }) => kind));
  const how = holders.join(', ');
  if (isVirtual(entry)) return leftAlone('virtual', 'it is not a disk of its own, but memory, removable media or made of other disks');
  if (used.has('root')) return leftAlone('root-disk', `the running system is on it (${how})`);
  if (entry.size === 0) return leftAlone('no-medium', 'it has no medium: its size is 0 bytes');
  if (used.has('swap')) return leftAlone('swap', `the running system swaps to it (${how})`);
  if (used.has('mounted')) return leftAlone('mounted', `a file system on it is in use (${how})`);
  if (holders.length > 0) return leftAlone('held', `another device is built on it (${how})`);
  if (model === INSTANCE_STORE_MODEL && !includeInstanceStore) {
    return leftAlone('instance-store', "it is this instance's own instance store, which is imaged only when asked for");
  }
  return { eligible: true };
}

/** Only Amazon's EBS driver says whose serial it is; a serial that merely looks like a volume ID names nothing. */
const volumeIdOf = ({ model, serial }: BlockEntry): string | undefined =>
  model?.toString('latin1') === EBS_MODEL ? volumeIdFromSerial(serial?.toString('latin1') ?? '') : undefined;

function describe(entry: BlockEntry, bootId: string, labels: Disk['labels'], holders: readonly string[]): Disk {
  const { name, diskseq, model, serial, backingFile } = entry;
  const volumeId = volumeIdOf(entry);
  return {
    identity: volumeId ?? `disk-${bootId.replaceAll('-', '').slice(0, 8)}-${diskseq}`,
    ...(volumeId !== undefined && { volumeId }),
    diskseq,
    bootId,
    name,
    path: `/dev/${name.replaceAll('!', '/')}`, // sysfs writes `!` for the `/` of names like cciss/c0d0
    devno: entry.devno,
    size: entry.size,
    logicalSectorSize: entry.logicalSectorSize,
    physicalSectorSize: entry.physicalSectorSize,
    readOnly: entry.readOnly,
    ...(model && { model: hostileText(model) }),
    ...(serial && { serial: hostileText(serial) }),
    labels,
    partitions: entry.partitions.map((partition) => partition.name),
    holders,
    ...(backingFile && { backingFile: hostileText(backingFile) }),
  };
}

async function judge(options: ListOptions, entries: readonly BlockEntry[]): Promise<AssessedDisk[]> {
  const [bootId, uses, links] = await Promise.all([readBootId(options), readUses(options), readLabelLinks(options)]);
  const usesOf = usesByDisk(entries, uses);
  return Promise.all(
    entries.map(async (entry) => {
      const own = usesOf.get(entry.name) ?? [];
      const holders = holdersOf(entry, own);
      const disk = describe(entry, bootId, await labelsOf(options, entry, links), holders);
      return { disk, verdict: assess(entry, own, holders, options.includeInstanceStore ?? false) };
    }),
  );
}

/**
 * Every block device that is not a partition, in order of name, each with the verdict whether it may be imaged and, if
 * not, why. A disk that goes away while it is read is left out.
 * @throws StageError NO_DISKSEQ on a kernel older than 5.15; the file system's error where /sys or /proc is unreadable
 */
export const listDisks = async (options: ListOptions = {}): Promise<AssessedDisk[]> => judge(options, await readBlockEntries(options));

/** A disk with its verdict, and whether udev had finished with it before anything about it was read. */
export type SurveyedDisk = AssessedDisk & { readonly settled: boolean };

/** What {@link listDisks} lists, for who must tell a disk that the kernel or udev is still at work on. */
export async function surveyDisks(options: ListOptions): Promise<SurveyedDisk[]> {
  const done = new Set<string>();
  await Promise.all(
    (await readBlockEntries(options)).map(async (entry) => {
      if (await isSettled(options, entry)) done.add(entry.diskseq);
    }),
  );
  // Read again: what was read before udev had finished may be half of the disk, such as its size before it had content.
  const assessed = await judge(options, await readBlockEntries(options));
  return assessed.map(({ disk, verdict }) => ({ disk, verdict, settled: done.has(disk.diskseq) }));
}
