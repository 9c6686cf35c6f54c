import { createHmac } from 'node:crypto';
import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { z } from 'zod';
import { errnoOf } from '../errno.ts';

/**
 * Who holds an upload: a process, told from a later one with the same number by its start, its boot and its machine.
 * What a later version adds is passed over.
 */
export const Holder = z.object({
  pid: z.int().min(1),
  /** Clock ticks after boot, from /proc/<pid>/stat. */
  startTime: z.string(),
  bootId: z.string(),
  pidNamespace: z.string(),
  host: z.string(),
  /** Made from /etc/machine-id, null where there is none; earlier versions did not write it. */
  machine: z.string().nullable().optional(),
});
export type Holder = z.infer<typeof Holder>;

export async function holderOfThis(): Promise<Holder> {
  const [startTime, bootId, pidNamespace, machine] = await Promise.all([
    startTimeOf(process.pid),
    readFile('/proc/sys/kernel/random/boot_id', 'latin1'),
    readlink('/proc/self/ns/pid'),
    machineOfThis(),
  ]);
  return { pid: process.pid, startTime: startTime ?? '', bootId: bootId.trim(), pidNamespace, host: hostname(), machine };
}

/** Whether a holder lives; `unseen` where that cannot be known from here. Once `gone` it stays gone. */
export async function lifeOf(holder: Holder, self: Holder): Promise<'living' | 'gone' | 'unseen'> {
  if (holder.host !== self.host) return 'unseen';
  if (holder.bootId !== self.bootId) return isSameMachine(holder, self) ? 'gone' : 'unseen';
  if (holder.pidNamespace !== self.pidNamespace) return 'unseen';
  try {
    const startTime = await startTimeOf(holder.pid);
    if (startTime !== undefined) return startTime === holder.startTime ? 'living' : 'gone';
    return isHidden(holder.pid) ? 'unseen' : 'gone';
  } catch {
    return 'unseen';
  }
}

/** By its name alone where an earlier version wrote the file. */
const isSameMachine = (holder: Holder, self: Holder): boolean => holder.machine === undefined || holder.machine === self.machine;

/** Field 22 of /proc/<pid>/stat; the name before it may hold blanks and brackets. Undefined when no such process is shown. */
async function startTimeOf(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}

/** Whether there is a process that /proc does not show: mounted with `hidepid`, it keeps other users' to itself. */
function isHidden(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return errnoOf(error) !== 'ESRCH';
  }
}

/** machine-id(5): the ID itself is not to leave the machine, a keyed hash of it may. Null where it is not set. */
async function machineOfThis(): Promise<string | null> {
  const id = await readFile('/etc/machine-id', 'latin1').catch(() => '');
  return /^[0-9a-f]{32}$/.test(id.trim()) ? createHmac('sha256', id.trim()).update('cleanroom directory lock').digest('hex') : null;
}
