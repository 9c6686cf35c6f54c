import { mkdtemp, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, StageError } from '../errors.ts';

/** Room that dc3dd's log needs at least; it is read back for what it proves, so that without it a whole pass is in vain. */
const LOG_ROOM = 256 * 1024;

export type ScratchFolder = { readonly path: string; remove(): Promise<void> };

/**
 * Makes an empty folder for one acquisition, in which dc3dd can write its log.
 * @throws StageError code SCRATCH_UNFIT
 */
export async function makeScratch(scratchDir: string): Promise<ScratchFolder> {
  let path: string | undefined;
  try {
    path = await mkdtemp(join(scratchDir, 'acquisition-'));
    const probe = join(path, 'probe');
    await using file = await open(probe, 'wx', 0o600);
    await file.writeFile(Buffer.alloc(LOG_ROOM));
    await file.sync();
    await rm(probe);
  } catch (error) {
    if (path !== undefined) await rm(path, { recursive: true, force: true }).catch(() => undefined);
    throw new StageError('acquire', 'SCRATCH_UNFIT', `dc3dd's log cannot be written below ${scratchDir}: ${messageOf(error)}`, {
      retryable: false,
      cause: error,
      advice: 'Make room there, or name another directory with --scratch-dir, and start the same command again.',
    });
  }
  const folder = path;
  return { path: folder, remove: () => rm(folder, { recursive: true, force: true }) };
}
