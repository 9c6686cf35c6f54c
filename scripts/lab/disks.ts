import { randomFillSync } from 'node:crypto';
import { mkdtemp, open, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

const MiB = 1024 ** 2;

/** A folder for disk images that is removed with all that is in it. */
export type Workspace = {
  readonly path: string;
  /** A path in the workspace. */
  file(name: string): string;
  remove(): Promise<void>;
};

/** Makes a workspace below the system's temporary folder. */
export async function makeWorkspace(): Promise<Workspace> {
  const path = await mkdtemp(join(tmpdir(), 'cleanroom-disks-'));
  return { path, file: (name) => join(path, name), remove: () => rm(path, { recursive: true, force: true }) };
}

const run = (command: string, ...args: string[]) => execa(command, args, { timeout: 60_000 });

/** A sparse file of so many bytes; 0 makes an empty disk. */
export async function makeSparse(file: string, bytes: number): Promise<string> {
  await (await open(file, 'w')).close();
  await truncate(file, bytes);
  return file;
}

/** A disk of random bytes without any structure. */
export async function makeRaw(file: string, bytes: number): Promise<string> {
  const handle = await open(file, 'w');
  try {
    const block = Buffer.alloc(Math.min(bytes, 4 * MiB));
    for (let left = bytes; left > 0; left -= block.length) {
      randomFillSync(block);
      await handle.write(block, 0, Math.min(left, block.length));
    }
  } finally {
    await handle.close();
  }
  return file;
}

export type FilesystemOptions = {
  /** @default none */
  readonly label?: string;
  /** Bytes. @default the least that is reasonable: 16 MiB for ext4, 300 MiB (sparse) for XFS */
  readonly size?: number;
  /** A folder whose files are put into the file system; ext4 only. @default none */
  readonly content?: string;
};

/** A disk that is one ext4 file system, without a partition table. */
export async function makeExt4(file: string, options: FilesystemOptions = {}): Promise<string> {
  await makeSparse(file, options.size ?? 16 * MiB);
  const label = options.label === undefined ? [] : ['-L', options.label];
  await run('mkfs.ext4', '-q', '-F', ...label, ...(options.content === undefined ? [] : ['-d', options.content]), file);
  return file;
}

/** A disk that is one XFS file system, without a partition table. */
export async function makeXfs(file: string, options: FilesystemOptions = {}): Promise<string> {
  await makeSparse(file, options.size ?? 300 * MiB);
  await run('mkfs.xfs', '-q', '-f', ...(options.label === undefined ? [] : ['-L', options.label]), file);
  return file;
}

/**
 * A GPT disk with an ext4 partition for each label (`''` is none), 8 MiB each, with gaps before, between and behind.
 */
export async function makeGptDisk(file: string, labels: readonly string[]): Promise<string> {
  const slot = 10 * MiB;
  await makeSparse(file, (labels.length + 1) * slot);
  const starts = labels.map((_, index) => MiB + index * slot);
  const parts = starts.map((start, index) => `--new=${index + 1}:${start / 512}:${(start + 8 * MiB) / 512 - 1}`);
  await run('sgdisk', ...parts, file);
  for (const [index, label] of labels.entries()) {
    const flags = label === '' ? [] : ['-L', label];
    await run('mkfs.ext4', '-q', '-F', ...flags, '-E', `offset=${starts[index]}`, file, `${8 * 1024}k`);
  }
  return file;
}
