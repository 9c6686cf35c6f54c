/** Programs of another architecture, run by QEMU's user-mode emulation through the kernel's binfmt_misc. */
import { access, mkdtemp, readFile, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Platform } from './platform.ts';

const USUAL = '/proc/sys/fs/binfmt_misc';

const exists = (path: string): Promise<boolean> => access(path).then(() => true, () => false);

async function registered<T>(folder: string, name: string, work: () => Promise<T>): Promise<T> {
  const entry = join(folder, name);
  if (await exists(entry)) return work(); // by the system, when the package was installed
  // The package's own description. Its flag F has the kernel open the interpreter now: a root need not hold it.
  await writeFile(join(folder, 'register'), (await readFile(`/usr/lib/binfmt.d/${name}.conf`, 'utf8')).trim());
  try {
    return await work();
  } finally {
    await writeFile(entry, '-1');
  }
}

/** Does work during which the kernel runs programs of the platform, and leaves the kernel as it was. */
export async function withPrograms<T>({ architecture, machine }: Platform, work: () => Promise<T>): Promise<T> {
  if (architecture === process.arch) return work();
  const name = `qemu-${machine}`;
  if (await exists(join(USUAL, 'register'))) return registered(USUAL, name, work);
  const folder = await mkdtemp(join(tmpdir(), 'cleanroom-binfmt-'));
  await execa('mount', ['-t', 'binfmt_misc', 'binfmt_misc', folder]);
  try {
    return await registered(folder, name, work);
  } finally {
    await execa('umount', [folder]);
    await rmdir(folder);
  }
}
