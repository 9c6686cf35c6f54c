import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

const readOr = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');

/** A process and all that descend from it. */
async function family(pid: number): Promise<number[]> {
  const children = (await readOr(`/proc/${pid}/task/${pid}/children`)).split(' ').filter(Boolean).map(Number);
  return [pid, ...(await Promise.all(children.map(family))).flat()];
}

/**
 * The most memory that a process and its descendants of one name had resident, each at its own peak (VmHWM), in bytes.
 * Others, which live for milliseconds, are left out: a child that is not yet another program shows its parent's memory.
 */
export async function peakMemory(pid: number, child: string, ended: Promise<unknown>): Promise<number> {
  const peaks = new Map<number, number>();
  const over = ended.then(() => true as const);
  while (!(await Promise.race([over, sleep(50)]))) {
    for (const member of await family(pid)) {
      const status = await readOr(`/proc/${member}/status`);
      const kib = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
      const counts = member === pid || status.startsWith(`Name:\t${child}\n`);
      if (counts && kib !== undefined) peaks.set(member, Number(kib) * 1024);
    }
  }
  return [...peaks.values()].reduce((sum, peak) => sum + peak, 0);
}
