import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LOG_GROUPS, type LogGroup } from '../../../modules/vocabulary/index.ts';

/**
 * Names of spool files. `<group>.<ULID>.<owner>.jsonl` belongs to the process that its owner part describes, and only that
 * process writes to it; `free` in its place means that its process let go of it. Beside it, `<group>.<ULID>.pos` holds the
 * offset up to which the service has taken it.
 */
export type SpoolFileName = { readonly group: LogGroup; readonly id: string; readonly owner: string; readonly temporary: boolean };

export const FREE = 'free';

export const spoolFileName = (group: LogGroup, id: string, owner: string): string => `${group}.${id}.${owner}.jsonl`;

/** Where a segment and the note of how much of it was delivered lie. */
export const segmentPaths = (dir: string, group: LogGroup, id: string, owner: string): { path: string; positionPath: string } => ({
  path: join(dir, spoolFileName(group, id, owner)),
  positionPath: join(dir, `${group}.${id}.pos`),
});

const NAME = /^([a-z]+)\.([0-9A-HJKMNP-TV-Z]{26})\.(free|\d+-\d+-[0-9a-z]+)\.jsonl(\.tmp)?$/;

/** The inverse of {@link spoolFileName}; undefined for any other file. */
export function parseSpoolFileName(name: string): SpoolFileName | undefined {
  const [, group = '', id = '', owner = '', tmp] = NAME.exec(name) ?? [];
  return Object.hasOwn(LOG_GROUPS, group) ? { group: group as LogGroup, id, owner, temporary: tmp !== undefined } : undefined;
}

/** When a process started, in clock ticks since boot; undefined when there is none (or no /proc). */
async function startOf(pid: number | 'self'): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]; // field 22; the name before it may hold anything
  } catch {
    return undefined;
  }
}

async function bootId(): Promise<string> {
  try {
    return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).replaceAll(/[^0-9a-f]/g, '').slice(0, 12);
  } catch {
    return 'noboot';
  }
}

/** What names this process for good: its pid, its start and the boot, since a pid alone comes back. */
export const thisOwner = async (): Promise<string> => `${process.pid}-${(await startOf('self')) ?? 0}-${await bootId()}`;

/** Whether the process that an owner part describes still runs, within this PID namespace. */
export async function ownerIsAlive(owner: string): Promise<boolean> {
  const [pid = '', start, boot] = owner.split('-');
  if (owner === FREE || boot !== (await bootId())) return false;
  return (await startOf(Number(pid))) === start;
}
