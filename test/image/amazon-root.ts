/**
 * A root file system in which the distribution is Amazon Linux 2023 as far as our scripts can tell: its os-release, the real dnf
 * and rpm with a repository of packages under Amazon's names, boot entries, and none of Debian's package tools. Amazon's own
 * packages cannot be had everywhere, so what the packages hold is Debian's, and `grubby` and `aws` are stand-ins (amazon/).
 */
import { createHash } from 'node:crypto';
import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { overlayRoot } from '../helpers/overlay-root.ts';
import { tempDir } from '../helpers/temp-dir.ts';

/** Where Debian's dc3dd is put aside: Amazon Linux has none. */
export const DEBIAN_DC3DD = '/opt/debian-dc3dd';

type FileOf = { readonly text?: string; readonly from?: string; readonly mode?: number };

/** Packages of the repository by Amazon's name: the packages of Debian that their files come from, and what they require. */
const REPACKED: Readonly<Record<string, { readonly from: readonly string[]; readonly requires?: readonly string[] }>> = {
  nftables: { from: ['nftables'] },
  'util-linux': { from: ['util-linux'] },
  gcc: { from: ['gcc', 'gcc-12', 'cpp', 'cpp-12', 'libgcc-12-dev'], requires: ['binutils', 'glibc-devel'] },
  binutils: { from: ['binutils', 'binutils-x86-64-linux-gnu', 'binutils-common'] },
  'glibc-devel': { from: ['libc6-dev', 'linux-libc-dev'] },
  make: { from: ['make'] },
  bison: { from: ['bison'], requires: ['m4'] },
  m4: { from: ['m4'] },
  gperf: { from: ['gperf'] },
  help2man: { from: ['help2man'], requires: ['perl'] },
  patch: { from: ['patch'] },
  perl: { from: ['perl', 'perl-modules-5.36'] },
  tar: { from: ['tar'] },
  xz: { from: ['xz-utils'] },
  'openssh-server': { from: ['openssh-server'] },
  lvm2: { from: ['lvm2'] },
  mdadm: { from: ['mdadm'] },
  jq: { from: ['jq'] },
  file: { from: ['file'] },
};
/** Packages whose content is ours. */
const STAND_INS: Readonly<Record<string, Readonly<Record<string, FileOf>>>> = {
  grubby: { '/usr/sbin/grubby': { from: 'grubby', mode: 0o755 } },
  'awscli-2': { '/usr/bin/aws': { from: 'aws', mode: 0o755 } },
  'amazon-ssm-agent': { '/usr/lib/systemd/system/amazon-ssm-agent.service': { from: 'amazon-ssm-agent.service' } },
};

const KERNEL_OPTIONS = 'root=UUID=00000000-0000-4000-8000-000000000000 ro console=tty0 console=ttyS0,115200n8 nvme_core.io_timeout=4294967295 rd.emergency=poweroff rd.shell=0 selinux=1 security=selinux quiet';

/** What else tells this distribution from another. */
const OTHER_FILES: Readonly<Record<string, FileOf>> = {
  '/usr/lib/os-release': { from: 'os-release' },
  '/etc/system-release': { text: 'Amazon Linux release 2023 (Amazon Linux)\n' },
  '/etc/selinux/config': { text: 'SELINUX=permissive\nSELINUXTYPE=targeted\n' },
  '/etc/dnf/dnf.conf': { text: '[main]\ngpgcheck=True\ninstallonly_limit=3\nclean_requirements_on_remove=True\nbest=False\nskip_if_unavailable=True\n' },
  '/etc/yum.repos.d/amazonlinux.repo': { text: '[amazonlinux]\nname=Amazon Linux 2023 repository\nbaseurl=file:///opt/repository\ngpgcheck=0\n' },
  '/etc/cloud/cloud.cfg.d/05_logging.cfg': { text: 'output: {all: "| tee -a /var/log/cloud-init-output.log"}\n' },
  '/etc/rpm/macros.dbpath': { text: '%_dbpath /var/lib/rpm\n' },
  '/etc/default/grub': { text: `GRUB_CMDLINE_LINUX_DEFAULT=""\nGRUB_CMDLINE_LINUX="console=tty0"\nGRUB_ENABLE_BLSCFG="true"\n` },
  '/boot/loader/entries/00000000000000000000000000000000-6.1.141-155.222.amzn2023.x86_64.conf': {
    text: `title Amazon Linux (6.1.141-155.222.amzn2023.x86_64) 2023\nversion 6.1.141-155.222.amzn2023.x86_64\nlinux /boot/vmlinuz-6.1.141-155.222.amzn2023.x86_64\ninitrd /boot/initramfs-6.1.141-155.222.amzn2023.x86_64.img\noptions ${KERNEL_OPTIONS}\ngrub_users $grub_users\ngrub_arg --unrestricted\ngrub_class amzn\n`,
  },
};

/** What Amazon's image has from the start. */
const INSTALLED = ['util-linux', 'tar', 'xz', 'openssh-server', 'lvm2', 'grubby', 'awscli-2', 'amazon-ssm-agent'];
const REPOSITORY = '/opt/repository';

const subpackage = (name: string, requires: readonly string[]): string => `
%package -n ${name}
Summary: Stands for Amazon Linux's ${name}
AutoReqProv: no
${requires.map((other) => `Requires: ${other}\n`).join('')}%description -n ${name}
Made for a test.
%files -n ${name} -f /tmp/lists/${name}
`;

/** All packages in one go, without compression: they are read once. */
const SPEC = `Name: stand-in
Version: 2023
Release: 1.amzn2023
Summary: Packages under Amazon Linux's names
License: Various
%global debug_package %{nil}
%global __os_install_post %{nil}
%define _binary_payload w0.gzdio
%define _build_id_links none
%description
Made for a test.
%install
cp --archive /tmp/payload/. %{buildroot}
${Object.entries(REPACKED).map(([name, { requires = [] }]) => subpackage(name, requires)).join('')}${Object.keys(STAND_INS).map((name) => subpackage(name, [])).join('')}`;

/** Runs in a Debian with a network: packs the files, takes them away, and installs what Amazon's image has. */
const MAKE = `
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get --quiet update
apt-get --quiet install --yes --no-install-recommends dnf rpm createrepo-c ${Object.values(REPACKED).flatMap(({ from }) => from).join(' ')}
mv /usr/bin/dc3dd ${DEBIAN_DC3DD}
ln -sf gcc /usr/bin/cc
mkdir /tmp/lists /tmp/payload
# Documentation is left out; folders are shared, and nobody's. A path by its real name: /bin and the like are links.
real() { sed -e 's#^/\\(bin\\|sbin\\|lib\\|lib64\\)/#/usr/\\1/#' | grep -v '^/usr/share/\\(doc\\|man\\|info\\|locale\\|lintian\\)/' | while read -r path; do [ -d "$path" ] || printf '%s\\n' "$path"; done | sort -u; }
${Object.entries(REPACKED).map(([name, { from }]) => `dpkg-query --listfiles ${from.join(' ')} | grep '^/' | real >/tmp/lists/${name}`).join('\n')}
echo /usr/bin/cc >>/tmp/lists/gcc
cp --recursive /bundle/files/. /
${Object.entries(STAND_INS).map(([name, files]) => `printf '%s\\n' ${Object.keys(files).join(' ')} >/tmp/lists/${name}`).join('\n')}
sort -u -o /tmp/all /tmp/lists/*
tar --create --directory / --no-recursion --absolute-names --files-from=/tmp/all | tar --extract --directory /tmp/payload
rpmbuild --quiet -bb --define '_topdir /tmp/build' --define '_rpmdir ${REPOSITORY}' /bundle/stand-in.spec
createrepo_c --quiet ${REPOSITORY}
xargs rm -f </tmp/all
dnf --quiet --assumeyes install ${INSTALLED.join(' ')}
rm -f /etc/systemd/system/sshd.service /etc/systemd/system/*.wants/ssh.service
systemctl enable amazon-ssm-agent.service
rm -rf /tmp/* /var/cache/dnf /var/lib/dpkg /var/lib/apt /var/cache/apt /etc/apt /etc/dpkg /etc/debian_version /usr/bin/apt* /usr/bin/dpkg* /usr/sbin/dpkg*
`;

const exists = (path: string): Promise<boolean> => access(path).then(() => true, () => false);

/** The root, made once. @param base a Debian, see {@link baseRoot} @param cache folder that keeps it @returns `lower` of an overlay */
export async function amazonRoot(base: string, cache: string): Promise<string> {
  const data = join(import.meta.dirname, 'amazon');
  const files = { ...OTHER_FILES, ...Object.assign({}, ...Object.values(STAND_INS)) } as Readonly<Record<string, FileOf>>;
  const texts = await Promise.all(Object.entries(files).map(async ([path, { text, from, mode = 0o644 }]) => ({ path, mode, text: text ?? (await readFile(join(data, from!), 'utf8')) })));
  const key = createHash('sha256').update(JSON.stringify([basename(base), SPEC, MAKE, texts])).digest('hex').slice(0, 12);
  const folder = join(cache, `amazon-${key}`);
  if (await exists(folder)) return `${folder}:${base}`;
  const given = await tempDir();
  const root = await overlayRoot(given.path, base);
  try {
    await writeFile(join(given.path, 'stand-in.spec'), SPEC);
    for (const { path, text, mode } of texts) {
      const file = join(given.path, 'files', path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text, { mode });
    }
    const { code, output } = await root.run(MAKE, { network: true });
    if (code !== 0) throw new Error(`the root with Amazon Linux's names could not be made:\n${output.slice(-5000)}`);
    return await root.save(folder);
  } finally {
    await root.remove();
    await given.remove();
  }
}
