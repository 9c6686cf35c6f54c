import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { startProcess } from './server-process.ts';

/** A FUSE directory over another one, that fails once so many bytes were written to it. */
export type FailingDirectory = {
  readonly path: string;
  /** From now on, whatever was written, these operations wait until it recovers, for example `fsync`. */
  readonly hang: (...operations: readonly string[]) => void;
  /** From now on it is sound. */
  readonly recover: () => void;
  /** Unmounts it and ends its program. */
  remove(): Promise<void>;
};

/** @param how the name of an errno, or `HANG`: it answers nothing until it recovers; see test/fixtures/failing-directory.py */
export async function mountFailingDirectory(dir: string, how: string, room: number): Promise<FailingDirectory> {
  const [below, path, fails] = ['below', 'failing', 'fails'].map((name) => join(dir, name)) as [string, string, string];
  for (const folder of [below, path]) await mkdir(folder);
  await writeFile(fails, '');
  const fuse = startProcess('/usr/bin/python3', [resolve(import.meta.dirname, '../fixtures/failing-directory.py'), below, path, how, String(room), fails]);
  await fuse.until('mounted', () => /ready/.exec(fuse.output()) ?? undefined, 60_000);
  return {
    path,
    hang: (...operations) => {
      writeFileSync(`${fails}.new`, operations.join(' '));
      renameSync(`${fails}.new`, fails); // in one step: what waits already goes on waiting
    },
    recover: () => rmSync(fails, { force: true }), // no thread is asked: all may wait for the directory
    remove: async () => {
      await execa('umount', ['--lazy', path]);
      await fuse.stop();
    },
  };
}
