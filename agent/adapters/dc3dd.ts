import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { messageOf, StageError } from '../errors.ts';
import { descriptor } from './descriptor.ts';
import { parseDc3ddLog, type Dc3ddReport } from './dc3dd-log.ts';

/** dc3dd keeps about 64 buffers of this size: 256 KiB each make 16 MiB; its documented 30 MB would make 2 GB. */
const BUFFER_SIZE = '256K';

/** Time that dc3dd has to end after SIGTERM before it is killed, and then before it is left to the kernel. */
const KILL_AFTER_MS = 3000;
const GIVE_UP_AFTER_MS = 6000;

/** What to do where a signal ended dc3dd that was not ours: that says nothing of the source. */
export const ENDED_ADVICE = 'Find out what ended dc3dd (where memory ran out, the kernel log says so: dmesg), then start the same command again: what was stored is taken over.';

const LOG_NAME = 'dc3dd.log';

/** Bytes of a log that are read: a disk that is bad all over fills gigabytes, and without its footer it is FAILED anyway. */
const MAX_LOG = 16 * 1024 * 1024;

/** dc3dd's log of an acquisition, as far as it was written; empty when there is none. */
export async function readDc3ddLog(scratch: string): Promise<string> {
  try {
    await using file = await open(join(scratch, LOG_NAME));
    const { bytesRead, buffer } = await file.read(Buffer.alloc(Math.min((await file.stat()).size, MAX_LOG)), 0);
    return buffer.toString('latin1', 0, bytesRead);
  } catch {
    return '';
  }
}

export type Dc3ddRun = {
  readonly argv: readonly string[];
  readonly startedAt: Date;
  readonly endedAt: Date;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly log: string;
  readonly report: Dc3ddReport;
};

export type Dc3ddOptions = {
  /** The program's path, as it was inspected at start. */
  readonly binary: string;
  /** Descriptor of the source: the one that was checked, so that no name is resolved again. */
  readonly sourceFd: number;
  /** Descriptor of the pipe's write end. */
  readonly sinkFd: number;
  /** An empty folder of this acquisition: `log=` appends to a file that is there. */
  readonly scratch: string;
  /** Also lets dc3dd compute a SHA-256 of what it reads; slower. */
  readonly secondHash: boolean;
};

/**
 * Runs dc3dd over the whole source into the pipe. Its ending is reported, not judged: exit 0 is not success.
 * `ssz` is never set (it zeroes good sectors on 4Kn disks), nor `rec=off` (it loses the rest of the buffer).
 * @throws StageError code DC3DD_MISSING when it cannot be started; DC3DD_STUCK when it does not end though it was killed,
 *   because the kernel waits for the disk
 */
export function startDc3dd(options: Dc3ddOptions, signal: AbortSignal): Promise<Dc3ddRun> {
  const logPath = join(options.scratch, LOG_NAME);
  const argv = ['if=/proc/self/fd/3', `bufsz=${BUFFER_SIZE}`, `log=${logPath}`, ...(options.secondHash ? ['hash=sha256'] : [])];
  const startedAt = new Date();
  const child = execa(options.binary, argv, {
    stdio: ['ignore', descriptor(options.sinkFd), 'ignore', descriptor(options.sourceFd)],
    buffer: false,
    reject: false,
    cancelSignal: signal,
    forceKillAfterDelay: KILL_AFTER_MS,
    env: { LC_ALL: 'C', TZ: 'UTC' }, // the log's words and times are parsed
  });
  const stuck = Promise.withResolvers<never>();
  stuck.promise.catch(() => undefined);
  const giveUp = (): void => {
    const timer = setTimeout(() => {
      child.nodeChildProcess.unref(); // so that the collector can end without it
      stuck.reject(new StageError('acquire', 'DC3DD_STUCK', `dc3dd (process ${child.pid}) was killed and does not end: the kernel waits for the disk`, {
        retryable: true,
        advice: 'Look at the kernel log (dmesg) for the disk, and detach it; then start the same command again.',
      }));
    }, GIVE_UP_AFTER_MS);
    void child.then(() => clearTimeout(timer));
  };
  signal.addEventListener('abort', giveUp, { once: true });
  const ended = child.then(async (result) => {
    signal.removeEventListener('abort', giveUp);
    if (result.exitCode === undefined && result.signal === undefined) {
      const message = `dc3dd could not be started: ${messageOf(result.cause ?? result)}`;
      throw new StageError('acquire', 'DC3DD_MISSING', message, {
        retryable: false,
        cause: result.cause,
        advice: 'Install dc3dd (Debian: apt-get install dc3dd) and see that this user may run it.',
      });
    }
    const log = await readDc3ddLog(options.scratch);
    return {
      argv: [options.binary, ...argv],
      startedAt,
      endedAt: new Date(),
      exitCode: result.exitCode ?? null,
      signal: result.signal ?? null,
      log,
      report: parseDc3ddLog(log),
    };
  });
  return Promise.race([ended, stuck.promise]);
}
