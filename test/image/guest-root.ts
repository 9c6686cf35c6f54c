/** The root file system of the test's machine: Debian by debootstrap, once, and a copy of it with the bundle installed. */
import { createHash } from 'node:crypto';
import { access, chmod, cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { withPrograms } from './foreign-programs.ts';
import type { Platform } from './platform.ts';

const SUITE = 'bookworm';
/** What Debian gives beside a kernel: systemd, and what the collector's installation asks for. */
const PACKAGES = ['systemd', 'systemd-sysv', 'udev', 'dbus', 'dc3dd', 'nftables', 'kmod', 'procps', 'initramfs-tools'];

const exists = (path: string): Promise<boolean> => access(path).then(() => true, () => false);

/** A minimal Debian, made by debootstrap when it is not there yet. @param cache folder that keeps it */
export async function baseRoot(cache: string, platform: Platform): Promise<string> {
  const options = ['--variant=minbase', `--arch=${platform.debian}`, `--include=${[...PACKAGES, platform.kernel].join(',')}`];
  const key = createHash('sha256').update(JSON.stringify([SUITE, options])).digest('hex').slice(0, 12);
  const folder = join(cache, `debian-${key}`);
  if (await exists(folder)) return folder;
  const temporary = `${folder}.${process.pid}`;
  await rm(temporary, { recursive: true, force: true });
  await mkdir(cache, { recursive: true });
  await withPrograms(platform, () => execa('debootstrap', [...options, SUITE, temporary], { stdout: 2, stderr: 2 }));
  await rm(join(temporary, 'var/cache/apt/archives'), { recursive: true, force: true });
  await rename(temporary, folder);
  return folder;
}

export type GuestOptions = {
  readonly platform: Platform;
  readonly base: string;
  /** Folder that is filled with the copy. */
  readonly root: string;
  /** The collector's archive. */
  readonly archive: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly environment: Readonly<Record<string, string>>;
  /** Address of the guest with its prefix length; it gets no route. */
  readonly address: string;
  /** Arguments of the attack. @default the sandbox is not attacked */
  readonly attack?: readonly string[];
};

/** The service's own sandbox with another program in it. */
const attackUnit = (service: string, args: readonly string[]): string =>
  service
    .replaceAll(/^(?:ExecStartPre|Restart.*|WatchdogSec|SuccessExitStatus|WantedBy|RuntimeDirectory.*|NotifyAccess)=.*\n/gm, '')
    .replace('Type=notify', 'Type=oneshot')
    .replace(/^ExecStart=.*$/m, `ExecStart=/usr/bin/perl /usr/local/lib/attack.pl ${args.join(' ')}`)
    .concat('WantedBy=multi-user.target\n');

/** Stands for Session Manager's agent, which Amazon Linux has: what matters is whether its unit is started. */
const AGENT_UNIT = `[Unit]
Description=Stands for Session Manager's agent
[Service]
ExecStart=/bin/sh -c 'echo AGENT was started; exec sleep infinity'
StandardOutput=journal+console
[Install]
WantedBy=multi-user.target
`;

/** Says on the console what became of the agent, once the collector is there. */
const AGENT_REPORT_UNIT = `[Unit]
After=collector.service cleanroom-start.service
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'until systemctl --quiet is-active collector.service; do sleep 1; done; echo AGENT is $(systemctl show --property=LoadState,ActiveState --value amazon-ssm-agent.service)'
StandardOutput=journal+console
[Install]
WantedBy=multi-user.target
`;

/** Copies the base, installs the bundle with its own script and without a network, and puts in what is the test's own. */
export async function makeGuest({ platform, base, root, archive, settings, environment, address, attack }: GuestOptions): Promise<void> {
  await execa('cp', ['--archive', '--reflink=auto', `${base}/.`, root]);
  await mkdir(join(root, 'opt/bundle'));
  await execa('tar', ['--extract', '--file', archive, '--strip-components=1', '--directory', join(root, 'opt/bundle')]);
  await withPrograms(platform, () => execa('unshare', ['--net', 'chroot', root, '/opt/bundle/install.sh', '--unattended'], { stdout: 2, stderr: 2 }));
  await rm(join(root, 'opt/bundle'), { recursive: true });
  const write = async (path: string, text: string, mode = 0o644): Promise<void> => {
    const file = join(root, path);
    await mkdir(join(file, '..'), { recursive: true });
    await writeFile(file, text);
    await chmod(file, mode);
  };
  await write('etc/cleanroom/collector.json', JSON.stringify(settings));
  const variables = Object.entries(environment).map(([name, value]) => `Environment=${name}=${value}\n`);
  await write('etc/systemd/system/collector.service.d/test.conf', `[Service]\n${variables.join('')}`);
  await write('etc/systemd/network/10-test.network', `[Match]\nType=ether\n[Network]\nAddress=${address}\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n`);
  await execa('systemctl', ['--root', root, 'enable', 'systemd-networkd.service', 'systemd-networkd-wait-online.service']);
  if (attack === undefined) return;
  const service = await readFile(join(root, 'usr/lib/systemd/system/collector.service'), 'utf8');
  await write('etc/systemd/system/attack.service', attackUnit(service, attack));
  await write('usr/lib/systemd/system/amazon-ssm-agent.service', AGENT_UNIT);
  await write('etc/systemd/system/agent-report.service', AGENT_REPORT_UNIT);
  await cp(join(import.meta.dirname, 'guest/attack.pl'), join(root, 'usr/local/lib/attack.pl'));
  await write('home/investigator/notes', 'nobody else may read this\n');
  await write('var/log/secret', 'nobody else may read this\n');
  await write('etc/tmpfiles.d/test.conf', 'f /tmp/secret 0644 root root - secret\n');
  await execa('systemctl', ['--root', root, 'enable', 'amazon-ssm-agent.service', 'agent-report.service', 'attack.service']);
}

/** An ext4 image of a folder; no mount, so no loop device. */
export async function makeDisk(root: string, file: string): Promise<void> {
  await execa('mkfs.ext4', ['-q', '-d', root, '-L', 'cleanroom-root', file, '1400M']);
}

/** Kernel and initial RAM disk of the base. */
export async function bootFiles(base: string): Promise<{ kernel: string; initrd: string }> {
  const names = await readdir(join(base, 'boot'));
  const find = (start: string): string => {
    const name = names.find((file) => file.startsWith(start));
    if (name === undefined) throw new Error(`${base}/boot has no ${start}*; remove the folder and run this again`);
    return join(base, 'boot', name);
  };
  return { kernel: find('vmlinuz-'), initrd: find('initrd.img-') };
}
