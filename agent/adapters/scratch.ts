import { lstat, mkdir, mkdtemp, open, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { escapeHostile } from '../../modules/vocabulary/index.ts';
import { messageOf, StageError } from '../errors.ts';

/** Room that dc3dd's log needs at least; it is read back for what it proves, so that without it a whole pass is in vain. */
const LOG_ROOM = 256 * 1024;

const OTHERS_WRITE = 0o022;

/**
 * Why a directory that is there is no scratch directory: somebody else could swap dc3dd's log in it, which is read back as
 * the proof, or what is spooled for the log service. Undefined when nobody but this user and root could.
 */
export async function whyNotOwn(path: string): Promise<string | undefined> {
  const name = resolve(path); // without a slash at its end, which would follow a link
  const own = process.getuid?.();
  const [link, found] = [await lstat(name), await stat(name)];
  if (link.isSymbolicLink() && link.uid !== own && link.uid !== 0) return `${name} is a symbolic link of the user with ID ${link.uid}`;
  if (!found.isDirectory()) return `${name} is not a directory`;
  if (found.uid !== own) return `${name} belongs to the user with ID ${found.uid}, and this collector runs as the one with ID ${own}`;
  if ((found.mode & OTHERS_WRITE) !== 0) return `${name} has mode ${(found.mode & 0o7777).toString(8).padStart(4, '0')}: others may write to it`;
  return undefined;
}

/** What to do about {@link whyNotOwn}. */
export const OWN_SCRATCH = 'name a directory of your own with --scratch-dir (it is made when it is missing), or take the right to write from others (chmod go-w)';

/** As `mkdir -p`, mode 0700. Node's own recursive form never ends where a directory that is there answers ENOENT, as /proc does. */
async function makeDirectories(path: string): Promise<void> {
  const make = async (): Promise<string | undefined> => {
    try {
      await mkdir(path, { mode: 0o700 });
      return undefined;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST' || (code === 'ENOENT' && dirname(path) !== path)) return code;
      throw error;
    }
  };
  if ((await make()) !== 'ENOENT') return;
  await makeDirectories(dirname(path));
  if ((await make()) === 'ENOENT') throw new Error(`nothing can be made in ${dirname(path)}`);
}

/**
 * Makes the scratch directory where it is missing, mode 0700.
 * @throws StageError code SCRATCH_UNFIT, also where somebody else may write to it
 */
export async function ensureScratchDir(path: string): Promise<void> {
  let why: string | undefined;
  try {
    await makeDirectories(resolve(path));
    why = await whyNotOwn(path);
  } catch (error) {
    throw new StageError('acquire', 'SCRATCH_UNFIT', `the scratch directory cannot be used: ${messageOf(error)}`, {
      retryable: false,
      cause: error,
      advice: 'Name another directory with --scratch-dir; it is made when it is missing.',
    });
  }
  if (why === undefined) return;
  throw new StageError('acquire', 'SCRATCH_UNFIT', `the scratch directory is not this user's alone: ${escapeHostile(why)}`, {
    retryable: false,
    advice: `${OWN_SCRATCH.slice(0, 1).toUpperCase()}${OWN_SCRATCH.slice(1)}.`,
  });
}

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
