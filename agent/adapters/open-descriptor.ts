import { type BigIntStats, close as closeCallback, fstat as fstatCallback, open as openCallback, type Stats } from 'node:fs';
import { promisify } from 'node:util';
import { escapeHostile } from '../../modules/vocabulary/index.ts';
import { StageError } from '../errors.ts';
import { errnoOf } from './errno.ts';

// Plain descriptors: a FileHandle closes itself when it is collected, and a child may still be reading.
const open = promisify(openCallback);
export const fstat = promisify(fstatCallback) as (fd: number) => Promise<Stats>;
/** With times in nanoseconds. */
export const fstatExactly = (fd: number): Promise<BigIntStats> => (promisify(fstatCallback) as (fd: number, options: object) => Promise<BigIntStats>)(fd, { bigint: true });
export const close = promisify(closeCallback);

const GONE = { code: 'GONE', retryable: false, advice: 'attach it again; it is then imaged as a new attachment' };
const FORBIDDEN = { code: 'NO_PERMISSION', retryable: false, advice: 'run as root, or as a user who may read it' };
const OPEN_FAILURES: Readonly<Record<string, { code: string; retryable: boolean; advice: string }>> = {
  EBUSY: { code: 'HELD', retryable: true, advice: 'unmount it or end what holds it; `collector devices` names the holders it knows' },
  ENOENT: GONE,
  ENXIO: GONE,
  ENODEV: GONE,
  ENOMEDIUM: GONE,
  EACCES: FORBIDDEN,
  EPERM: FORBIDDEN,
};

/** open(2), whose failure is a StageError: HELD, GONE, NO_PERMISSION or CANNOT_OPEN. */
export async function openOrExplain(path: string, flags: number): Promise<number> {
  try {
    return await open(path, flags);
  } catch (cause) {
    const errno = errnoOf(cause) ?? 'unknown error';
    const { code, ...options } = OPEN_FAILURES[errno] ?? {
      code: 'CANNOT_OPEN',
      retryable: false,
      advice: 'look at the kernel log (dmesg) for the device',
    };
    const what = code === 'HELD' ? `${escapeHostile(path)} is in use: the kernel refused to open it exclusively` : `cannot open ${escapeHostile(path)}`;
    throw new StageError('open', code, `${what} (${errno})`, { ...options, cause });
  }
}

const majorOf = (device: bigint): bigint => ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn);
const minorOf = (device: bigint): bigint => (device & 0xffn) | ((device >> 12n) & ~0xffn & 0xffffffffn);

/** A device number of stat(2) as `major:minor`. */
export const devnoOf = (rdev: number): string => `${majorOf(BigInt(rdev))}:${minorOf(BigInt(rdev))}`;
