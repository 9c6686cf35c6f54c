import { mkdir, open } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { attachLoop } from '../../scripts/lab/loop.ts';
import { ensureUdev } from '../../scripts/lab/udev.ts';
import { startProcess } from './server-process.ts';
import { tempDir } from './temp-dir.ts';

/** A disk of which some sectors cannot be read: a loop device over a FUSE file that answers EIO. */
export type BadDisk = {
  /** For example `/dev/loop3`. */
  readonly path: string;
  /** The FUSE file itself, which fails in the same places. */
  readonly file: string;
  /** Detaches, unmounts, and ends the FUSE program. */
  remove(): Promise<void>;
};

/** Debian's own, since its python3-fusepy is not visible to another. */
const PYTHON = '/usr/bin/python3';
const PROGRAM = resolve(import.meta.dirname, '../fixtures/bad-disk.py');

/**
 * Attaches an image as a disk whose given sectors are bad.
 * @param bad ranges of 512-byte sectors, `7` or `100-110`, 0-based, last included
 */
export async function attachBadDisk(image: string, bad: readonly string[]): Promise<BadDisk> {
  await ensureUdev();
  const { path: folder, remove: removeFolder } = await tempDir();
  const mount = join(folder, 'mount');
  await mkdir(mount);
  const file = join(mount, 'disk');
  const fuse = startProcess(PYTHON, [PROGRAM, image, mount, ...bad]);
  const undo: (() => Promise<unknown>)[] = [removeFolder, () => fuse.stop(), () => execa('umount', [mount], { reject: false })];
  const remove = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    await fuse.until('mounted', async () => (await open(file, 'r').then((handle) => handle.close().then(() => true), () => undefined)), 20_000);
    const loop = await attachLoop(file, { readOnly: true });
    undo.push(() => loop.detach());
    return { path: loop.path, file, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}
