import { existsSync } from 'node:fs';
import { execa } from 'execa';
import { settleUdev } from './udev.ts';

export type LoopOptions = {
  /** @default false */
  readonly readOnly?: boolean;
  /** Bytes of a logical sector: 512 to 4096. @default 512 */
  readonly sectorSize?: number;
  /**
   * Make devices of the partitions. The table is read by partx, since a kernel may have been built without the code for
   * it. @default false
   */
  readonly partitions?: boolean;
  /** Attach to this device, which must be free. @default any free one */
  readonly device?: string;
};

export type LoopDevice = {
  /** For example `/dev/loop3`. */
  readonly path: string;
  /** Detaches it and waits for udev; harmless the second time. */
  detach(): Promise<void>;
};

const run = (command: string, ...args: string[]) => execa(command, args, { timeout: 30_000 });

/** Why this machine cannot attach loop devices; undefined when it can. */
export function loopProblem(): string | undefined {
  if (process.getuid?.() !== 0) return 'loop devices need root';
  if (!existsSync('/dev/loop-control')) return 'there is no /dev/loop-control (the kernel has no loop driver, or a container hides it)';
  return undefined;
}

/**
 * Attaches a file as a disk and waits until udev has handled it. Callers run `ensureUdev` first.
 * @throws execa's error, with losetup's own message
 */
export async function attachLoop(file: string, options: LoopOptions = {}): Promise<LoopDevice> {
  const { stdout: path } = await run(
    'losetup',
    ...(options.readOnly ? ['--read-only'] : []),
    ...(options.sectorSize === undefined ? [] : ['--sector-size', String(options.sectorSize)]),
    ...(options.partitions ? ['--partscan'] : []),
    '--show',
    options.device ?? '--find',
    file,
  );
  let attached = true;
  const detach = async (): Promise<void> => {
    if (!attached) return;
    attached = false;
    await clearReadOnlyMark(path);
    await run('losetup', '--detach', path);
    await settleUdev();
  };
  try {
    if (!options.readOnly) await clearReadOnlyMark(path); // whoever had it before may not have
    if (options.partitions) await addPartitions(path);
    await settleUdev();
  } catch (error) {
    await detach();
    throw error;
  }
  return { path, detach };
}

/** A loop device keeps the read-only mark of one disk for the next that takes its place. */
const clearReadOnlyMark = (path: string) => execa('blockdev', ['--setrw', path], { reject: false });

/** Adds the partitions that the kernel did not find by itself. */
async function addPartitions(path: string): Promise<void> {
  if (!existsSync(`${path}p1`)) await execa('partx', ['--add', path], { reject: false });
  if (!existsSync(`${path}p1`)) throw new Error(`${path} has no partitions: neither the kernel nor partx found any`);
}
