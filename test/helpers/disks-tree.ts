import { mkdir, mkdtemp, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export type TreeDevice = {
  /** `major:minor`. */
  readonly dev: string;
  readonly diskseq?: string;
  /** 512-byte units. @default 2048 */
  readonly sectors?: number;
  readonly hidden?: boolean;
  readonly model?: string;
  readonly serial?: string;
  readonly holders?: readonly string[];
  readonly slaves?: readonly string[];
  /** Partition name to its number and holders. */
  readonly partitions?: Readonly<Record<string, { readonly dev: string; readonly holders?: readonly string[] }>>;
};

/** A machine on paper: kinds of disks that the machine at hand does not have. */
export type Tree = {
  readonly devices: Readonly<Record<string, TreeDevice>>;
  /** Lines of mountinfo: `[major:minor, mount point, type, source]`. */
  readonly mounts?: readonly (readonly [string, string, string, string])[];
  /** Swap partitions. */
  readonly swaps?: readonly string[];
  /** Names in `/dev/disk/by-label`, to the device each leads to. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Links below `/dev`, such as `mapper/root`, to where they lead. */
  readonly links?: Readonly<Record<string, string>>;
  /** Members of each mounted btrfs. */
  readonly btrfs?: Readonly<Record<string, readonly string[]>>;
  /** udev's records by device number. Present means that udev has run. */
  readonly udev?: Readonly<Record<string, string>>;
};

export const TREE_BOOT_ID = 'c0ffee00-1234-4abc-8def-0123456789ab';

async function put(root: string, path: string, content: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), content);
}

const putAll = (root: string, directory: string, names: readonly string[] = []): Promise<unknown> =>
  Promise.all([mkdir(join(root, directory), { recursive: true }), ...names.map((name) => put(root, join(directory, name), ''))]);

async function putDevice(root: string, name: string, device: TreeDevice): Promise<void> {
  const at = `sys/block/${name}`;
  await put(root, `dev/${name}`, '');
  await put(root, `${at}/dev`, `${device.dev}\n`);
  if (device.diskseq !== undefined) await put(root, `${at}/diskseq`, `${device.diskseq}\n`);
  await put(root, `${at}/size`, `${device.sectors ?? 2048}\n`);
  await put(root, `${at}/ro`, '0\n');
  await put(root, `${at}/queue/logical_block_size`, '512\n');
  await put(root, `${at}/queue/physical_block_size`, '4096\n');
  if (device.hidden) await put(root, `${at}/hidden`, '1\n');
  if (device.model !== undefined) await put(root, `${at}/device/model`, `${device.model.padEnd(40)}\n`); // as NVMe pads it
  if (device.serial !== undefined) await put(root, `${at}/device/serial`, `${device.serial}\n`);
  await putAll(root, `${at}/holders`, device.holders);
  await putAll(root, `${at}/slaves`, device.slaves);
  for (const [partition, { dev, holders }] of Object.entries(device.partitions ?? {})) {
    await put(root, `${at}/${partition}/partition`, '1\n');
    await put(root, `${at}/${partition}/dev`, `${dev}\n`);
    await putAll(root, `${at}/${partition}/holders`, holders);
  }
}

/** Lays a machine out in a new temporary folder and gives its path, which serves as every root. The caller removes it. */
export async function layTree(tree: Tree): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'cleanroom-tree-'));
  await mkdir(join(root, 'sys/block'), { recursive: true });
  for (const [name, device] of Object.entries(tree.devices)) await putDevice(root, name, device);
  const mounts = (tree.mounts ?? []).map(([dev, point, type, source], index) => `${index} 1 ${dev} / ${point} rw shared:1 - ${type} ${source} rw\n`);
  await put(root, 'proc/self/mountinfo', mounts.join(''));
  const swaps = (tree.swaps ?? []).map((path) => `${path}\tpartition\t1048572\t0\t-2\n`);
  await put(root, 'proc/swaps', `Filename\tType\tSize\tUsed\tPriority\n${swaps.join('')}`);
  await put(root, 'proc/sys/kernel/random/boot_id', `${TREE_BOOT_ID}\n`);
  for (const [id, members] of Object.entries(tree.btrfs ?? {})) await putAll(root, `sys/fs/btrfs/${id}/devices`, members);
  const byLabel = Object.entries(tree.labels ?? {}).map(([name, device]) => [`disk/by-label/${name}`, `../../${device}`] as const);
  for (const [name, target] of [...byLabel, ...Object.entries(tree.links ?? {})]) {
    const path = join(root, 'dev', name);
    await mkdir(dirname(path), { recursive: true });
    await symlink(target, path);
  }
  if (tree.udev) {
    await put(root, 'run/udev/control', '');
    await mkdir(join(root, 'dev/disk/by-diskseq'), { recursive: true });
    for (const [dev, record] of Object.entries(tree.udev)) await put(root, `run/udev/data/b${dev}`, record);
  }
  return root;
}
