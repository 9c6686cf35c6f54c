import { mkdir, open } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { attachLoop } from '../../scripts/lab/loop.ts';
import { ensureUdev } from '../../scripts/lab/udev.ts';
import { startProcess } from './server-process.ts';
import { tempDir } from './temp-dir.ts';

/** A disk whose reads go wrong in some places: a loop device over a FUSE file. */
export type BadDisk = {
  /** For example `/dev/loop3`. */
  readonly path: string;
  /** The FUSE file itself, which fails in the same places. */
  readonly file: string;
  /** Detaches it without waiting for whoever reads it, as a force-detach does: what is read from then on fails. */
  pull(): Promise<void>;
  /** Detaches, unmounts, and ends the FUSE program. */
  remove(): Promise<void>;
};

export type BadDiskOptions = {
  /** A file for the trace of writes and waits. @default none */
  readonly trace?: string;
  /** The disk can be written to, as an attached EBS volume can. @default false */
  readonly writable?: boolean;
  /** Bytes of a logical sector. @default 512 */
  readonly sectorSize?: number;
};

/** Debian's own, since its python3-fusepy is not visible to another. */
const PYTHON = '/usr/bin/python3';
const PROGRAM = resolve(import.meta.dirname, '../fixtures/bad-disk.py');

/**
 * Attaches an image as a disk whose given sectors are bad, slow or not what they were.
 * @param rules ranges of 512-byte sectors, `7` or `100-110`, 0-based, last included, with what happens there: `7:delay=3`;
 *   see test/fixtures/bad-disk.py
 */
export async function attachBadDisk(image: string, rules: readonly string[], options: BadDiskOptions = {}): Promise<BadDisk> {
  await ensureUdev();
  const { trace, writable = false, sectorSize } = options;
  const { path: folder, remove: removeFolder } = await tempDir();
  const mount = join(folder, 'mount');
  await mkdir(mount);
  const file = join(mount, 'disk');
  const flags = [...(trace === undefined ? [] : [`--trace=${trace}`]), ...(writable ? ['--writable'] : [])];
  const fuse = startProcess(PYTHON, [PROGRAM, ...flags, image, mount, ...rules]);
  const undo: (() => Promise<unknown>)[] = [removeFolder, () => execa('umount', ['--lazy', mount], { reject: false })];
  const remove = async (): Promise<void> => {
    await fuse.stop(2000); // first: a read that never ends would keep the loop device, the mount and udev busy
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    await fuse.until('mounted', async () => (await open(file, 'r').then((handle) => handle.close().then(() => true), () => undefined)), 20_000);
    const loop = await attachLoop(file, { readOnly: !writable, ...(sectorSize === undefined ? {} : { sectorSize }) });
    undo.push(() => loop.detach());
    return { path: loop.path, file, remove, pull: () => fuse.stop(0) };
  } catch (error) {
    await remove();
    throw error;
  }
}
