import { constants, promises as fs } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { escapeHostile } from '../../modules/vocabulary/index.ts';
import { messageOf, StageError } from '../errors.ts';
import { descriptor } from './descriptor.ts';

/** Both ends of an anonymous kernel pipe. Each end is closed by whoever owns it. */
export type Pipe = { readonly readEnd: fs.FileHandle; readonly writeEnd: fs.FileHandle };

/** F_SETPIPE_SZ of Linux's fcntl.h. */
const WIDEN = 'fcntl(STDIN, 1031, 1048576) or exit 1';

/**
 * Makes a real pipe. `spawn` would give a socket pair, which copies more and cannot be widened. Node has no `pipe(2)`, so
 * a FIFO is made, opened at both ends and unlinked at once; nobody else can find it.
 * @throws StageError code SCRATCH_UNFIT
 */
export async function openPipe(): Promise<Pipe> {
  const folder = await mkdtemp(join(tmpdir(), 'cleanroom-')).catch((cause: unknown) => {
    throw new StageError('acquire', 'SCRATCH_UNFIT', `no pipe to dc3dd can be made in ${escapeHostile(tmpdir())}: ${messageOf(cause)}`, {
      retryable: false,
      cause,
      advice: 'Make room there, or name another directory in TMPDIR, and start the same command again.',
    });
  });
  try {
    const path = join(folder, 'pipe');
    await execa('mkfifo', ['-m', '600', path]);
    // Opening one end waits for the other; opened for both, a FIFO waits for nobody.
    const both = await fs.open(path, constants.O_RDWR);
    const readEnd = await fs.open(path, constants.O_RDONLY);
    const writeEnd = await fs.open(path, constants.O_WRONLY);
    await both.close();
    await widen(readEnd.fd);
    return { readEnd, writeEnd };
  } finally {
    await fs.rm(folder, { recursive: true, force: true });
  }
}

/** 1 MiB instead of 64 KiB halves the context switches. Without Perl the pipe stays narrow and everything still works. */
async function widen(fd: number): Promise<void> {
  await execa('perl', ['-e', WIDEN], { stdio: [descriptor(fd), 'ignore', 'ignore'], reject: false, timeout: 5000 });
}
