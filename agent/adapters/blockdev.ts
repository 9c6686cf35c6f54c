import { execa } from 'execa';
import { descriptor } from './descriptor.ts';

/** What the kernel says about an open block device. */
export type Geometry = {
  readonly readOnly: boolean;
  /** Bytes. */
  readonly size: number;
  readonly logicalSectorSize: number;
  readonly physicalSectorSize: number;
};

/** An ioctl takes no time; a device that does not answer for this long is not going to. Milliseconds. */
const TIMEOUT_MS = 10_000;

/**
 * Runs util-linux's blockdev on an open descriptor: Node has no ioctl. The child gets the descriptor itself as its third,
 * so that no name is looked up again. Throws execa's error when blockdev fails, is missing or does not answer.
 */
async function blockdev(fd: number, args: readonly string[], signal?: AbortSignal): Promise<string[]> {
  const { stdout } = await execa('blockdev', [...args, '/proc/self/fd/3'], {
    stdio: ['ignore', 'pipe', 'pipe', descriptor(fd)],
    timeout: TIMEOUT_MS,
    env: { LC_ALL: 'C', PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` },
    ...(signal && { cancelSignal: signal }),
  });
  return stdout.split('\n');
}

export async function readGeometry(fd: number, signal?: AbortSignal): Promise<Geometry> {
  const [readOnly, size, logical, physical] = await blockdev(fd, ['--getro', '--getsize64', '--getss', '--getpbsz'], signal);
  return {
    readOnly: readOnly === '1',
    size: Number(size),
    logicalSectorSize: Number(logical),
    physicalSectorSize: Number(physical),
  };
}

/** Tells the kernel to refuse writes to the device (BLKROSET), by whatever name; it outlives the descriptor. */
export const setReadOnly = async (fd: number, signal?: AbortSignal): Promise<void> => {
  await blockdev(fd, ['--setro'], signal);
};
