import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

export type Shell = { readonly code: number; readonly output: string };

/** A root file system to be changed at will: what is written stays in a folder of its own. */
export type OverlayRoot = {
  /**
   * Runs a shell script in it, in name spaces of its own.
   * @param options.network whether it reaches what this machine reaches
   * @param options.booted whether its systemd is started first, and the script is its last unit
   */
  run(script: string, options?: RunOptions): Promise<Shell>;
  /** Another one, as this one is now. This one has to stay as it is until the other is removed. */
  copy(): Promise<OverlayRoot>;
  /** Moves what was written into a folder that is not there yet, and ends this one. @returns what {@link overlayRoot} takes as `lower` */
  save(into: string): Promise<string>;
  remove(): Promise<void>;
};

export type RunOptions = { readonly network?: boolean; readonly booted?: boolean };

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * An overlay on a root file system, chrooted into. The mounts live in the name space of each run and end with it; what was
 * written lasts from run to run.
 * @param bundle folder that is seen as `/bundle`, read-only
 * @param lower the root file system, or several with colons between them, the topmost first; this machine's own unless told otherwise
 */
export async function overlayRoot(bundle: string, lower = '/'): Promise<OverlayRoot> {
  const folder = await mkdtemp(join(tmpdir(), 'cleanroom-root-'));
  for (const name of ['upper', 'work', 'merged']) await mkdir(join(folder, name));
  return rootIn(folder, bundle, lower);
}

/** Mounts everything, and goes in. */
const entering = (folder: string, bundle: string, lower: string, inside: string): string => `
set -eu
mount -t overlay overlay -o lowerdir=${lower},upperdir=${folder}/upper,workdir=${folder}/work ${folder}/merged
cd ${folder}/merged
mkdir -p bundle
mount --bind -o ro ${bundle} bundle
mount -t proc proc proc
mount -t tmpfs tmpfs run
${inside}
`;

const CHROOT = `
for name in sys dev; do mount --rbind /$name $name; done
exec chroot . /bin/sh /work-script
`;

/** What a systemd needs that is process 1 of a container: devices and a control group of its own, and not this machine's kernel settings. */
const BOOT = `
mount --bind proc/sys proc/sys
mount -o remount,ro,bind proc/sys
mount -t sysfs -o ro sysfs sys
mount -t tmpfs tmpfs dev
for name in null zero full random urandom tty; do : >dev/$name; mount --bind /dev/$name dev/$name; done
mkdir dev/pts dev/shm
mount -t devpts devpts dev/pts
mount -t tmpfs tmpfs dev/shm
mount -t cgroup2 cgroup2 sys/fs/cgroup
exec env container=other chroot . /lib/systemd/systemd --unit=work.target
`;

/** The script as the last unit of a boot: with its end the machine ends, with its status. */
const WORK_UNIT = `[Unit]
After=multi-user.target
SuccessAction=exit-force
FailureAction=exit-force
SuccessActionExitStatus=0
FailureActionExitStatus=1
[Service]
Type=oneshot
ExecStart=/bin/sh /work-script
StandardOutput=file:/work-output
StandardError=file:/work-output
`;
const WORK_TARGET = '[Unit]\nRequires=multi-user.target\nWants=work.service\n';

/** A control group of its own for what `command` starts, taken away afterwards. */
async function inControlGroup<T>(work: (enter: string) => Promise<T>): Promise<T> {
  const { stdout } = await execa('findmnt', ['--noheadings', '--output', 'TARGET', '--types', 'cgroup2', '--first-only']);
  const group = await mkdtemp(`${stdout.trim()}/cleanroom-root-`);
  try {
    return await work(`echo $$ >${group}/cgroup.procs`);
  } finally {
    const below = (await readdir(group, { recursive: true, withFileTypes: true })).filter((entry) => entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
    for (const path of [...below.toSorted((a, b) => b.length - a.length), group]) await rmdir(path);
  }
}

function rootIn(folder: string, bundle: string, lower: string): OverlayRoot {
  const shell = async (inside: string, spaces: readonly string[], before = ''): Promise<Shell> => {
    // A process name space of its own: what a script leaves behind ends with it.
    const common = ['--mount', '--pid', '--fork', '--kill-child', '--propagation', 'private'];
    const { exitCode, all } = await execa('/bin/sh', ['-c', `${before}\nexec unshare "$@"`, 'sh', ...common, ...spaces, '/bin/sh', '-c', entering(folder, bundle, lower, inside)], {
      reject: false, all: true, stdin: 'ignore', env: { PATH, LC_ALL: 'C' }, extendEnv: false,
    });
    return { code: exitCode ?? -1, output: all };
  };
  const boot = async (): Promise<Shell> => {
    await mkdir(join(folder, 'upper/etc/systemd/system'), { recursive: true });
    await writeFile(join(folder, 'upper/etc/systemd/system/work.service'), WORK_UNIT);
    await writeFile(join(folder, 'upper/etc/systemd/system/work.target'), WORK_TARGET);
    await rm(join(folder, 'upper/work-output'), { force: true });
    const { code, output } = await inControlGroup((enter) => shell(BOOT, ['--net', '--uts', '--ipc', '--cgroup'], enter));
    return { code, output: `${output}${await readFile(join(folder, 'upper/work-output'), 'utf8').catch(() => 'the script was not reached')}` };
  };
  return {
    async run(script, { network = false, booted = false } = {}) {
      await writeFile(join(folder, 'upper/work-script'), script);
      if (network && lower !== '/') {
        await mkdir(join(folder, 'upper/etc'), { recursive: true });
        await copyFile('/etc/resolv.conf', join(folder, 'upper/etc/resolv.conf'));
      }
      return booted ? boot() : shell(CHROOT, network ? [] : ['--net']);
    },
    async copy() {
      const other = await mkdtemp(join(tmpdir(), 'cleanroom-root-'));
      for (const name of ['upper', 'work', 'merged']) await mkdir(join(other, name));
      return rootIn(other, bundle, `${folder}/upper:${lower}`); // on top of this one: nothing is copied
    },
    async save(into) {
      await rm(join(folder, 'upper/work-script'), { force: true });
      await execa('mv', ['--no-target-directory', join(folder, 'upper'), into]);
      await rm(folder, { recursive: true });
      return `${into}:${lower}`;
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
