import { link, readFile, readdir, readlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { escapeHostile } from '../../../modules/vocabulary/index.ts';
import { StageError } from '../../errors.ts';
import { storing } from './directory-errors.ts';
import { SCRATCH, linkError, newNonce, remove } from './directory-paths.ts';

/** Who holds an upload: a process, told from a later one with the same number by its start, its boot and its machine. */
const Holder = z.strictObject({
  pid: z.int().min(1),
  /** Clock ticks after boot, from /proc/<pid>/stat. */
  startTime: z.string(),
  bootId: z.string(),
  pidNamespace: z.string(),
  host: z.string(),
});
type Holder = z.infer<typeof Holder>;

/** A held lock; `release` may be called again. */
export type DirectoryLock = { release(): Promise<void> };

/** Two that try in the same moment both step back; this often, each after a wait of its own. */
const TRIES = 4;

/**
 * Takes the lock of one upload. Every contender first puts up a file of its own and then looks for others': of two, at
 * least one sees the other, so never do both hold it. A file is judged by the process it names, which once dead stays
 * dead, so whoever finds a dead holder's file may remove it, without a moment in which a living one's could be hit.
 * @throws StageError code BUSY when a living collector holds it, or one whose life cannot be seen from here
 */
export async function takeLock(path: string): Promise<DirectoryLock> {
  const self = await holderOf(process.pid);
  for (let attempt = 1; ; attempt++) {
    const mine = await putUp(path, self);
    const other = await firstLiving(path, mine, self).catch(async (error: unknown) => {
      await remove(mine);
      throw error;
    });
    if (!other) return { release: () => storing(`letting go of ${mine}`, () => remove(mine)) };
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

type Other = { readonly file: string; readonly holder: Holder; readonly here: boolean };

async function firstLiving(path: string, mine: string, self: Holder): Promise<Other | undefined> {
  const prefix = basename(path) + SCRATCH.lock;
  for (const name of await storing(`locking ${path}`, () => readdir(dirname(path)))) {
    const file = join(dirname(path), name);
    if (!name.startsWith(prefix) || file === mine) continue;
    const text = await readFile(file, 'utf8').catch(() => undefined);
    if (text === undefined) continue; // let go of in this moment
    const holder = parseHolder(text);
    if (holder) {
      const here = holder.host === self.host && holder.pidNamespace === self.pidNamespace;
      const sameBoot = holder.bootId === self.bootId;
      if (holder.host !== self.host || (sameBoot && (!here || (await isAlive(holder))))) return { file, holder, here };
    }
    // Its process is gone; or it is not readable, which only a crash of the whole machine leaves.
    await remove(file);
  }
  return undefined;
}

function parseHolder(text: string): Holder | undefined {
  try {
    return Holder.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

const isAlive = async (holder: Holder): Promise<boolean> => (await startTimeOf(holder.pid)) === holder.startTime;

/** Field 22 of /proc/<pid>/stat; the name before it may hold blanks and brackets. Undefined when there is no such process. */
async function startTimeOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}

async function holderOf(pid: number): Promise<Holder> {
  const [startTime, bootId, pidNamespace] = await Promise.all([
    startTimeOf(pid),
    readFile('/proc/sys/kernel/random/boot_id', 'latin1'),
    readlink('/proc/self/ns/pid'),
  ]);
  return { pid, startTime: startTime ?? '', bootId: bootId.trim(), pidNamespace, host: hostname() };
}

function busy(path: string, { file, holder, here }: Other): StageError {
  const host = escapeHostile(holder.host);
  return new StageError('store', 'BUSY', `${path} is being stored by another collector: process ${holder.pid} on ${host}`, {
    retryable: true,
    advice: here
      ? 'Wait until it has ended, or stop it: what it stored is taken over.'
      : `It cannot be seen from here: make sure that it has ended, then remove ${file}.`,
  });
}
