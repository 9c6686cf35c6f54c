import { constants } from 'node:fs';
import { type FileHandle, link, lstat, mkdir, open, readdir, unlink } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import { StageError } from '../../errors.ts';
import { errnoOf } from '../errno.ts';
import { existsError, storeError, storing } from './directory-errors.ts';

/** What stands beside an image while it is being stored; none of it is ever listed as an object. */
export const SCRATCH = { data: '.partial', journal: '.partial.parts.jsonl', lock: '.partial.lock.' } as const;

/** Before the suffixes of an unfinished image that was set aside, so that it was begun anew. */
export const ASIDE = /\.left-[0-9a-f]{16}$/;

const SCRATCH_NAME = /\.(?:partial|partial\.parts\.jsonl|partial\.lock\.[0-9a-f]{16}|[0-9a-f]{16}\.tmp)$/;
const SEGMENT = /^[A-Za-z0-9._-]{1,255}$/;
const isSegment = (name: string): boolean => SEGMENT.test(name) && name !== '.' && name !== '..';

/** Deepest directory that is searched; the vocabulary's keys have three segments. */
const MAX_DEPTH = 8;

export const newNonce = (): string => randomBytes(8).toString('hex');

const unsafe = (message: string, advice: string): StageError =>
  new StageError('store', 'PATH_UNSAFE', message, { retryable: false, advice });

/** Segments of a key; refuses whatever a file system could read as more than names, and the store's own scratch names. */
function segmentsOf(key: string): string[] {
  const segments = key.split('/');
  if (!segments.every(isSegment) || SCRATCH_NAME.test(key)) {
    throw unsafe(
      `the key ${JSON.stringify(key)} is not safe as a path`,
      'A key has segments of letters, digits, ".", "_" and "-", joined by "/", and does not end like a partial file.',
    );
  }
  return segments;
}

/**
 * Path of a key below the root. Every directory on the way is looked at: a symbolic link is refused.
 * The last segment is not: open it with O_NOFOLLOW.
 */
export async function pathOf(root: string, key: string): Promise<string> {
  const segments = segmentsOf(key);
  let path = root;
  for (const segment of segments.slice(0, -1)) {
    path = join(path, segment);
    const stat = await statOf(path);
    if (!stat) break;
    if (!stat.isDirectory()) throw unsafe(`${path} is not a directory`, 'Remove the symbolic link or file that stands there.');
  }
  return join(root, ...segments);
}

/** lstat; undefined when there is nothing of that name. */
export async function statOf(path: string): Promise<Awaited<ReturnType<typeof lstat>> | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw storeError(`looking at ${path}`, error);
  }
}

/** Like {@link pathOf}, and makes the directories that are missing: mode 0700, each one synced into its parent. */
export async function makeWayTo(root: string, key: string): Promise<string> {
  const path = await pathOf(root, key);
  await storing(`making the directories of ${path}`, async () => {
    const missing: string[] = [];
    let directory = dirname(path);
    for (; !(await statOf(directory)) && directory !== dirname(directory); directory = dirname(directory)) missing.unshift(directory);
    for (const each of missing) {
      await mkdir(each, { mode: 0o700 }).catch((error: unknown) => {
        if (errnoOf(error) !== 'EEXIST') throw error; // another collector made it first
      });
      await syncDirectory(dirname(each));
    }
  });
  return pathOf(root, key);
}

/** Makes names in a directory durable. */
export async function syncDirectory(path: string): Promise<void> {
  await using handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  await handle.sync();
}

/** Opens a file without following a symbolic link; undefined when there is none. */
export async function openFile(path: string, flags: number, mode?: number): Promise<FileHandle | undefined> {
  try {
    return await open(path, flags | constants.O_NOFOLLOW, mode);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' && !(flags & constants.O_CREAT)) return undefined;
    throw storeError(`opening ${path}`, error);
  }
}

/** Removes a file; that it is gone already is fine. */
export async function remove(path: string): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    if (errnoOf(error) !== 'ENOENT') throw error;
  });
}

/** Gives a finished file its final name in one step that fails when the name is taken: link(2) never replaces. */
export async function publish(from: string, to: string, key: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') throw existsError(key, error);
    throw linkError(to, error);
  }
}

/** A failed link(2); a file system without hard links gets its own code. */
export const linkError = (path: string, error: unknown): StageError =>
  ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(errnoOf(error) ?? '')
    ? new StageError('store', 'STORE_UNFIT', `the file system of ${path} has no hard links, which publish a file without overwriting`, {
        retryable: false,
        cause: error,
        advice: 'Store on ext4, XFS, Btrfs or ZFS: FAT and exFAT cannot hold an evidence directory.',
      })
    : storeError(`naming ${path}`, error);

/**
 * Keys of the files below a prefix, in the order of their bytes. Skips symbolic links, special files and names that are
 * no key. @param scratch lists the journals of unfinished uploads instead of objects
 */
export async function* walk(root: string, prefix: string, scratch: boolean, signal: AbortSignal): AsyncGenerator<string> {
  const start = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  if (start !== '' && !start.slice(0, -1).split('/').every(isSegment)) return;
  if (start !== '') await pathOf(root, `${start}x`); // refuses symbolic links on the way
  yield* below(root, start, prefix, scratch, signal, 0);
}

async function* below(
  root: string, base: string, prefix: string, scratch: boolean, signal: AbortSignal, depth: number,
): AsyncGenerator<string> {
  signal.throwIfAborted();
  const directory = join(root, base);
  const entries = await readdir(directory, { withFileTypes: true }).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw storeError(`listing ${directory}`, error);
  });
  const names = entries
    .filter((entry) => isSegment(entry.name) && (entry.isDirectory() || entry.isFile()))
    .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
    .toSorted((a, b) => (a < b ? -1 : 1)); // with "/" at a directory's end this is the order of the whole keys
  for (const name of names) {
    const key = base + name;
    if (name.endsWith('/')) {
      if (depth < MAX_DEPTH && (key.startsWith(prefix) || prefix.startsWith(key))) {
        yield* below(root, key, prefix, scratch, signal, depth + 1);
      }
    } else if (key.startsWith(prefix) && (scratch ? name.endsWith(SCRATCH.journal) : !SCRATCH_NAME.test(name))) {
      yield key;
    }
  }
}
