import { readFile, realpath } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { escapeHostile } from '../../modules/vocabulary/index.ts';
import { devPath, listIfThere, procPath, readIfThere, type SystemRoots, sysPath } from './sysfs.ts';

/** One way in which the running system uses a block device. */
export type Use = {
  readonly kind: 'root' | 'mounted' | 'swap';
  /** `major:minor`, or the kernel name where only that is known. */
  readonly device: string;
  /** For people; inert. */
  readonly text: string;
};

/** Undoes the kernel's octal escapes (`\040`) of paths in /proc, then makes the path inert. */
const inertPath = (escaped: string): string =>
  escapeHostile(
    Buffer.from(
      escaped.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
      'latin1',
    ),
  );

/** Kernel name behind a device path of /proc: `/dev/mapper/x` is a link to `/dev/dm-0`. */
async function kernelName(roots: SystemRoots, source: string): Promise<string | undefined> {
  if (!source.startsWith('/dev/')) return undefined;
  const path = devPath(roots, source.slice('/dev/'.length));
  return basename(await realpath(path).catch(() => path));
}

/** Devices of each mounted btrfs; its mounts carry a number of its own, not a disk's, and it may span disks. */
async function btrfsMembers(roots: SystemRoots): Promise<string[][]> {
  const directory = sysPath(roots, 'fs/btrfs');
  const members = await Promise.all((await listIfThere(directory)).map((id) => listIfThere(join(directory, id, 'devices'))));
  return members.filter((names) => names.length > 0);
}

/** The mounts that this process and, where it may look, the first process see. */
async function readMounts(roots: SystemRoots): Promise<Use[]> {
  const own = await readFile(procPath(roots, 'self/mountinfo'), 'latin1'); // without it no disk may be called free
  const first = (await readIfThere(procPath(roots, '1/mountinfo')))?.toString('latin1') ?? '';
  const lines = new Set([...own.split('\n'), ...first.split('\n')]);
  const btrfs = await btrfsMembers(roots);
  const mountedBtrfs = btrfs.flat().map((device): Use => ({ kind: 'mounted', device, text: 'part of a mounted btrfs' }));
  const uses = await Promise.all(
    [...lines].map(async (line): Promise<Use[]> => {
      // 36 35 98:0 /root /mount/point rw,noatime master:1 - ext4 /dev/source rw
      const [before = '', after = ''] = line.split(' - ', 2);
      const [, , devno, , mountPoint] = before.split(' ');
      const source = after.split(' ')[1];
      if (devno === undefined || mountPoint === undefined || source === undefined) return [];
      const kind = mountPoint === '/' ? 'root' : 'mounted';
      const text = `mounted at ${inertPath(mountPoint)}`;
      const name = await kernelName(roots, source);
      const members = btrfs.find((names) => name !== undefined && names.includes(name)) ?? (name === undefined ? [] : [name]);
      return devno.startsWith('0:') ? members.map((device) => ({ kind, device, text })) : [{ kind, device: devno, text }];
    }),
  );
  return [...uses.flat(), ...mountedBtrfs];
}

/** Swap on block devices; a swap file keeps its file system mounted anyway. */
async function readSwaps(roots: SystemRoots): Promise<Use[]> {
  const table = (await readIfThere(procPath(roots, 'swaps')))?.toString('latin1') ?? '';
  const uses = await Promise.all(
    table.split('\n').map(async (line): Promise<Use[]> => {
      const [path = '', type] = line.split(/\s+/);
      const device = type === 'partition' ? await kernelName(roots, path) : undefined;
      return device === undefined ? [] : [{ kind: 'swap', device, text: 'swap' }];
    }),
  );
  return uses.flat();
}

/** Everything mounted, and all swap. */
export const readUses = async (roots: SystemRoots): Promise<Use[]> =>
  (await Promise.all([readMounts(roots), readSwaps(roots)])).flat();
