import { mkdir } from 'node:fs/promises';
import { execa } from 'execa';
import { makeWorkspace, type Workspace } from '../../scripts/lab/disks.ts';
import { attachLoop, type LoopDevice, type LoopOptions } from '../../scripts/lab/loop.ts';
import { ensureUdev, settleUdev } from '../../scripts/lab/udev.ts';
import type { Disk } from '../../agent/adapters/disk.ts';

export type Disks = {
  /** A path for an image in this suite's workspace. */
  file(name: string): string;
  /** Attaches an image under real udev; detached after the test at the latest. */
  attach(file: string, options?: LoopOptions): Promise<LoopDevice>;
  /** Mounts a device read-only; the function unmounts it, at the latest after the test. */
  mount(device: string, ...options: string[]): Promise<() => Promise<void>>;
  /** Whether a disk is one of this suite's: others may come and go on the same machine. */
  isOurs(disk: Disk): boolean;
};

/** Disks for a suite: real loop devices under a real udev, all put away after each test. */
export function useDisks(): Disks {
  let workspace: Workspace;
  const attached: LoopDevice[] = [];
  const mounted: (() => Promise<void>)[] = [];
  before(async () => {
    await ensureUdev();
    workspace = await makeWorkspace();
  });
  afterEach(async () => {
    for (const unmount of mounted.splice(0)) await unmount();
    for (const loop of attached.splice(0)) await loop.detach();
  });
  after(() => workspace.remove());
  return {
    file: (name) => workspace.file(name),
    async attach(file, options) {
      await ensureUdev();
      const loop = await attachLoop(file, options);
      attached.push(loop);
      return loop;
    },
    async mount(device, ...options) {
      const point = workspace.file(`mnt ${mounted.length}`);
      await mkdir(point, { recursive: true });
      await execa('mount', ['-o', ['ro', ...options].join(','), device, point]);
      let done = false;
      const unmount = async (): Promise<void> => {
        if (done) return;
        done = true;
        await execa('umount', [point]);
        await settleUdev();
      };
      mounted.push(unmount);
      return unmount;
    },
    isOurs: (disk) => disk.backingFile?.escaped.startsWith(`${workspace.path}/`) ?? false,
  };
}
