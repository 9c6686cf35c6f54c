import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

export type Shell = { readonly code: number; readonly output: string };

/** A root file system to be changed at will: what is written stays in a folder of its own. */
export type OverlayRoot = {
  /** Runs a shell script in it, in name spaces of its own. @param options.network whether it reaches what this machine reaches */
  run(script: string, options?: { readonly network?: boolean }): Promise<Shell>;
  /** Another one, as this one is now. */
  copy(): Promise<OverlayRoot>;
  remove(): Promise<void>;
};

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * An overlay on a root file system, chrooted into. The mounts live in the name space of each run and end with it; what was
 * written lasts from run to run.
 * @param bundle folder that is seen as `/bundle`, read-only
 * @param lower the root file system; this machine's own unless told otherwise
 */
export async function overlayRoot(bundle: string, lower = '/'): Promise<OverlayRoot> {
  const folder = await mkdtemp(join(tmpdir(), 'cleanroom-root-'));
  for (const name of ['upper', 'work', 'merged']) await mkdir(join(folder, name));
  return rootIn(folder, bundle, lower);
}

function rootIn(folder: string, bundle: string, lower: string): OverlayRoot {
  const enter = `
set -eu
mount -t overlay overlay -o lowerdir=${lower},upperdir=${folder}/upper,workdir=${folder}/work ${folder}/merged
mkdir -p ${folder}/merged/bundle
mount --bind -o ro ${bundle} ${folder}/merged/bundle
mount -t proc proc ${folder}/merged/proc
for name in sys dev; do mount --rbind /$name ${folder}/merged/$name; done
mount -t tmpfs tmpfs ${folder}/merged/run
exec chroot ${folder}/merged /bin/sh /work-script
`;
  return {
    async run(script, { network = false } = {}) {
      await writeFile(join(folder, 'upper/work-script'), script);
      if (network && lower !== '/') {
        await mkdir(join(folder, 'upper/etc'), { recursive: true });
        await copyFile('/etc/resolv.conf', join(folder, 'upper/etc/resolv.conf'));
      }
      // A process name space of its own: what a script leaves behind ends with it.
      const spaces = ['--mount', '--pid', '--fork', '--kill-child', '--propagation', 'private', ...(network ? [] : ['--net'])];
      const { exitCode, all } = await execa('unshare', [...spaces, '/bin/sh', '-c', enter], {
        reject: false, all: true, stdin: 'ignore', env: { PATH, LC_ALL: 'C' }, extendEnv: false,
      });
      return { code: exitCode ?? -1, output: all };
    },
    async copy() {
      const other = await mkdtemp(join(tmpdir(), 'cleanroom-root-'));
      await execa('cp', ['--archive', `${folder}/.`, other]);
      await rm(join(other, 'work'), { recursive: true });
      await mkdir(join(other, 'work'));
      return rootIn(other, bundle, lower);
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
