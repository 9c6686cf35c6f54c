import { resolve } from 'node:path';
import { execa } from 'execa';
import type { Lab } from './lab.ts';

const HOST = resolve(import.meta.dirname, '../../agent/host');

/** Programs and units by which a host assembles, unlocks, mounts or swaps onto a disk. */
const ASSEMBLES = /\b(?:lvm|vgchange|pvscan|mdadm|cryptsetup|dmsetup|btrfs|swapon|mount|systemd-run|udisksctl)\b/;

/** What udev's rules would do with a disk: programs they would run, and the properties that units and services go by. */
export type UdevVerdict = { readonly runs: readonly string[]; readonly properties: ReadonlyMap<string, string> };

/** Everything that udev writes to is this script's own: its rules and records, LVM's records, and the disk's node. */
const SCRIPT = `set -e
own=$1 disk=$2 action=$3 host=$4
mount -t tmpfs none "$own"
cp -a /dev/null "/dev/$disk" "$own/"
for path in /run/udev/rules.d /run/udev/data /run/lvm; do mkdir -p "$path"; mount -t tmpfs none "$path"; done
if [ -n "$host" ]; then
  grep -v '^KERNEL=="loop' "$host/udev/00-cleanroom.rules" >/run/udev/rules.d/00-cleanroom.rules
  mkdir "$own/guard"
  cp "$host/libexec/disk-guard" "$own/guard/"
  sed -i "s|/usr/lib/cleanroom/|/dev/guard/|" /run/udev/rules.d/00-cleanroom.rules
fi
mount --move "$own" /dev
exec udevadm test "--action=$action" "/sys/class/block/$disk"`;

/**
 * Asks udev what it would do with a disk by this machine's own rules and, where asked for, the collector image's before them.
 * Programs that the rules only ask are run, in a mount namespace of their own; those that they would start are listed. The
 * image's rules leave loop devices alone, which are a machine's own; here they are its disks, so that line is left out.
 * @param action what the kernel says of the disk; of a loop device, LVM's rules believe only `change`
 */
export async function udevVerdict(lab: Lab, device: string, { action, guarded }: { readonly action: 'add' | 'change'; readonly guarded: boolean }): Promise<UdevVerdict> {
  const own = await lab.folder('udev');
  const args = ['--mount', 'sh', '-c', SCRIPT, 'sh', own, device.replace('/dev/', ''), action, guarded ? HOST : ''];
  const { stdout } = await execa('unshare', args, { env: { LC_ALL: 'C' } });
  const lines = stdout.split('\n');
  return {
    runs: lines.flatMap((line) => /^run: '(.*)'$/.exec(line)?.[1] ?? /^\s+RUN\{program\} : (.*)$/.exec(line)?.[1] ?? []), // before and since systemd 257
    properties: new Map(lines.flatMap((line) => {
      const [, name, value = ''] = /^\s*([A-Z][A-Z0-9_]*)=(.*)$/.exec(line) ?? [];
      return name === undefined ? [] : [[name, value] as const];
    })),
  };
}

/** What this machine's own rules would assemble a disk with; undefined when they would leave it alone. */
export async function wouldAssemble(lab: Lab, device: string): Promise<string | undefined> {
  const { runs } = await udevVerdict(lab, device, { action: 'change', guarded: false });
  return runs.find((command) => ASSEMBLES.test(command));
}

/** Why the collector image would not leave a disk as it is, when it appears and when it changes; undefined when it would. */
export async function wouldTouch(lab: Lab, device: string): Promise<string | undefined> {
  for (const action of ['add', 'change'] as const) {
    const { runs, properties } = await udevVerdict(lab, device, { action, guarded: true });
    const run = runs.find((command) => ASSEMBLES.test(command));
    if (run !== undefined) return `udev would run ${run}`;
    const wants = properties.get('SYSTEMD_WANTS');
    if (wants !== undefined) return `systemd would start ${wants}`;
    if (properties.get('SYSTEMD_READY') !== '0') return 'systemd would take it for ready';
    if (properties.get('UDISKS_IGNORE') !== '1') return 'udisks would manage it';
  }
  return undefined;
}
