import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

export type Shell = { readonly code: number; readonly output: string };

/** This machine's root file system, to be changed at will: what is written stays in a folder of its own. */
export type OverlayRoot = {
  /** Runs a shell script in it, in name spaces of its own, with `/bundle` as given. */
  run(script: string): Promise<Shell>;
  remove(): Promise<void>;
};

/**
 * An overlay on `/`, chrooted into. The mounts live in the name space of each run and end with it; what was written lasts
 * from run to run. @param bundle folder that is seen as `/bundle`, read-only
 */
export async function overlayRoot(bundle: string): Promise<OverlayRoot> {
  const folder = await mkdtemp(join(tmpdir(), 'cleanroom-root-'));
  // An overlay's upper folder may not lie on another overlay; a tmpfs would be gone with each name space.
  for (const name of ['upper', 'work', 'root']) await mkdir(join(folder, name));
  const enter = `
set -eu
mount -t overlay overlay -o lowerdir=/,upperdir=${folder}/upper,workdir=${folder}/work ${folder}/root
mkdir -p ${folder}/root/bundle
mount --bind -o ro ${bundle} ${folder}/root/bundle
for name in proc sys dev; do mount --rbind /$name ${folder}/root/$name; done
mount -t tmpfs tmpfs ${folder}/root/run
exec chroot ${folder}/root /bin/sh /work-script
`;
  return {
    async run(script) {
      await writeFile(join(folder, 'upper/work-script'), script);
      const { exitCode, all } = await execa('unshare', ['--mount', '--propagation', 'private', '/bin/sh', '-c', enter], {
        reject: false, all: true, stdin: 'ignore', env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
        extendEnv: false,
      });
      return { code: exitCode ?? -1, output: all };
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
