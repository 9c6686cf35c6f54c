import { constants } from 'node:fs';
import { link, open, readdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { escapeHostile } from '../../../modules/vocabulary/index.ts';
import { messageOf, StageError } from '../../errors.ts';
import { errnoOf } from '../errno.ts';
import { storing } from './directory-errors.ts';
import { SCRATCH, linkError, newNonce, remove, statOf } from './directory-paths.ts';
import { Holder, holderOfThis, lifeOf } from './lock-holder.ts';

/** A held lock. */
export type DirectoryLock = {
  /** Whether nobody removed it. */
  isHeld(): Promise<boolean>;
  /** May be called again. */
  release(): Promise<void>;
};

/** Two that try in the same moment both step back; this often, each after a wait of its own. */
const TRIES = 4;

/**
 * Takes the lock of one upload. Every contender first puts up a file of its own and then looks for others': of two, at
 * least one sees the other, so never do both hold it. A file is judged by the process it names, which once dead stays
 * dead, so whoever finds a dead holder's file may remove it, without a moment in which a living one's could be hit. Of a
 * file that cannot be read nothing is known: it stays, and counts as held.
 * @throws StageError code BUSY when a living collector holds it, or one whose life cannot be seen from here
 */
export async function takeLock(path: string): Promise<DirectoryLock> {
  const self = await holderOfThis();
  for (let attempt = 1; ; attempt++) {
    const mine = await putUp(path, self);
    const other = await firstLiving(path, mine, self).catch(async (error: unknown) => {
      await remove(mine);
      throw error;
    });
    if (!other) return { isHeld: async () => (await statOf(mine)) !== undefined, release: () => storing(`letting go of ${mine}`, () => remove(mine)) };
    await remove(mine);
    if (attempt === TRIES) throw busy(path, other);
    await sleep(10 + Math.random() * 40 * attempt);
  }
}

async function putUp(path: string, self: Holder): Promise<string> {
  const mine = `${path}${SCRATCH.lock}${newNonce()}`;
  const draft = `${path}.${newNonce()}.tmp`;
  await storing(`locking ${path}`, async () => {
    try {
      await writeFile(draft, JSON.stringify(self), { flag: 'wx', mode: 0o600 });
      // Linked, so that nobody reads it half written.
      await link(draft, mine).catch((error: unknown) => {
        throw linkError(path, error);
      });
    } finally {
      await remove(draft);
    }
  });
  return mine;
}

/** Another's lock: whose, and whether that process can be seen from here; or why that is not known. */
type Other = { readonly file: string } & ({ readonly holder: Holder; readonly seen: boolean } | { readonly unknown: string });

async function firstLiving(path: string, mine: string, self: Holder): Promise<Other | undefined> {
  const prefix = basename(path) + SCRATCH.lock;
  for (const name of await storing(`locking ${path}`, () => readdir(dirname(path)))) {
    const file = join(dirname(path), name);
    if (!name.startsWith(prefix) || file === mine) continue;
    const found = await readLock(file);
    if (found === 'let go of') continue;
    if (found !== 'torn') {
      if ('unknown' in found) return { file, ...found };
      const life = await lifeOf(found, self);
      if (life !== 'gone') return { file, holder: found, seen: life === 'living' };
    }
    await storing(`removing the lock of a collector that is gone, ${file}`, () => remove(file));
  }
  return undefined;
}

/** Largest lock that is read; one has about 300 bytes. */
const MAX_LOCK = 65_536;

/** Who a lock file names; `torn` when it has no JSON, which only a crash of the whole machine leaves. */
async function readLock(file: string): Promise<Holder | 'let go of' | 'torn' | { readonly unknown: string }> {
  let content: unknown;
  try {
    await using handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK); // a FIFO would be waited for
    const stat = await handle.stat();
    if (!stat.isFile() || stat.size > MAX_LOCK) return { unknown: 'it is no file that a collector writes' };
    content = JSON.parse(await handle.readFile('utf8'));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return 'let go of';
    return error instanceof SyntaxError ? 'torn' : { unknown: messageOf(error) };
  }
  const holder = Holder.safeParse(content);
  return holder.success ? holder.data : { unknown: 'it names no process that this version knows of' };
}

function busy(path: string, other: Other): StageError {
  const { file } = other;
  const refuse = (message: string, advice: string): StageError => new StageError('store', 'BUSY', message, { retryable: true, advice });
  if ('unknown' in other) {
    return refuse(
      `${path} may be being stored by another collector, whose lock ${file} cannot be read: ${other.unknown}`,
      `Start this one as the user who owns ${file}; or make sure that no collector stores this image, then remove the file.`,
    );
  }
  const { holder: { pid, host }, seen } = other;
  return refuse(
    `${path} is being stored by another collector: process ${pid} on ${escapeHostile(host)}`,
    seen ? 'Wait until it has ended, or stop it: what it stored is taken over.' : `It cannot be seen from here: make sure that it has ended, then remove ${file}.`,
  );
}
