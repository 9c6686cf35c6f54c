/** A disk with a write cache that does not outlast the power. */
import { spawn } from 'node:child_process';
import { access, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export type VolatileDisk = {
  /** For QEMU, as a drive's file. */
  readonly drive: string;
  /** The power is cut: what the machine wrote and did not flush never was. */
  cut(): Promise<void>;
};

/**
 * nbdkit's cache filter keeps every write to itself until the machine asks for a flush, and only then writes to the file; its
 * cache is an unlinked file that ends with it. @param folder for its socket and its cache
 */
export async function volatileDisk(file: string, folder: string): Promise<VolatileDisk> {
  const socket = join(folder, 'disk.sock');
  await rm(socket, { force: true });
  const child = spawn('nbdkit', ['--foreground', '--exit-with-parent', '--unix', socket, '--filter=cache', 'file', file, 'cache=writeback'], {
    stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, TMPDIR: folder },
  });
  let problem: string | undefined;
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => resolve(void (problem = error.message)));
    child.once('exit', (code, signal) => resolve(void (problem = `it ended with ${signal ?? `exit ${code}`}`)));
  });
  while (!(await access(socket).then(() => true, () => false))) {
    if (problem !== undefined) throw new Error(`nbdkit serves no disk: ${problem}; is Debian's package nbdkit installed?`);
    await sleep(50);
  }
  return {
    drive: `nbd:unix:${socket}`,
    async cut() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
