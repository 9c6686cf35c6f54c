import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspectDc3dd } from '../adapters/dc3dd-tool.ts';
import { hashSelfTest } from '../hash-self-test.ts';
import { fail, ok, warn, type Check, type Outcome } from './finding.ts';

export type HostCheckOptions = {
  /** Where /proc and /sys are. @default / */
  readonly root?: string;
  /** Where dc3dd is looked for. @default the environment's PATH */
  readonly path?: string;
  /** @default this Node's */
  readonly nodeVersion?: string;
};

/** The least Node release, as package.json's `engines` has it. */
const NODE_MAJOR = 24;
/** What dozens of connections, pipes and logs need, with a wide margin. */
const OPEN_FILES = { fail: 256, warn: 1024 };
/** A cold block of a volume made from a snapshot can take minutes; the driver's own default gives it 30 s. */
const NVME_TIMEOUT_SECONDS = 240;
const CAP_SYS_ADMIN = 21n;

const readOr = async (path: string, fallback: string): Promise<string> => readFile(path, 'utf8').catch(() => fallback);

async function dc3dd(path: string | undefined): Promise<Outcome> {
  const { path: binary, packageVersion, banner, binarySha256 } = await inspectDc3dd(path);
  const found = `${binary} ${packageVersion ?? `(${banner ?? 'no banner'})`}, SHA-256 ${binarySha256}`;
  return packageVersion === undefined
    ? warn(`${found}; no package owns it`, 'install dc3dd from a package, so that its version is on record; the manifest holds its digest either way')
    : ok(found);
}

async function hashes(): Promise<Outcome> {
  await hashSelfTest();
  return ok('node:crypto and hash-wasm give the known answers and agree on random bytes');
}

function node(version: string): Outcome {
  const major = Number(version.replace(/^v/, '').split('.')[0]);
  return major >= NODE_MAJOR ? ok(`Node.js ${version}`) : fail(`Node.js ${version}`, `install Node.js ${NODE_MAJOR} or newer`);
}

/** Whether this process may set a disk read-only. @param root where /proc is */
export async function isSysAdmin(root = '/'): Promise<boolean> {
  const status = await readOr(join(root, 'proc/self/status'), '');
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  return ((effective >> CAP_SYS_ADMIN) & 1n) === 1n;
}

async function privileges(root: string): Promise<Outcome> {
  const uid = process.geteuid?.() ?? 'unknown';
  if (await isSysAdmin(root)) return ok(`effective user ${uid} has CAP_SYS_ADMIN: disks can be opened and set read-only`);
  return fail(`effective user ${uid} has no CAP_SYS_ADMIN: a disk cannot be set read-only`, 'run as root; image files can be imaged without');
}

async function udev(root: string): Promise<Outcome> {
  const folders = (await readdir(join(root, 'proc'))).filter((name) => /^\d+$/.test(name));
  const names = await Promise.all(folders.map(async (pid) => readOr(join(root, 'proc', pid, 'comm'), '')));
  if (names.some((name) => /^(?:systemd-udevd|udevd|eudevd)$/.test(name.trim()))) return ok('udevd runs');
  return fail('no udevd runs: disks that are attached get no links in /dev/disk, and read-only rules are not applied', 'start systemd-udevd (systemctl start systemd-udevd)');
}

async function openFiles(root: string): Promise<Outcome> {
  const soft = /^Max open files\s+(\d+|unlimited)/m.exec(await readOr(join(root, 'proc/self/limits'), ''))?.[1];
  const advice = `raise the limit to ${OPEN_FILES.warn} or more (LimitNOFILE= of the unit, or ulimit -n)`;
  if (soft === undefined) return warn('the limit of open files cannot be read', advice);
  const found = `at most ${soft} open files`;
  if (soft === 'unlimited' || Number(soft) >= OPEN_FILES.warn) return ok(found);
  return Number(soft) < OPEN_FILES.fail ? fail(found, advice) : warn(found, advice);
}

async function nvmeTimeout(root: string): Promise<Outcome> {
  const text = await readOr(join(root, 'sys/module/nvme_core/parameters/io_timeout'), '');
  if (text === '') return ok('no NVMe driver is loaded');
  const seconds = Number(text.trim());
  if (seconds >= NVME_TIMEOUT_SECONDS) return ok(`nvme_core.io_timeout is ${seconds} s`);
  return warn(
    `nvme_core.io_timeout is ${seconds} s: a cold block that takes longer is read as bad and filled with zeroes`,
    'boot with nvme_core.io_timeout=4294967295 on the kernel command line',
  );
}

/** What the host itself must be and have. */
export const hostChecks = ({ root = '/', path, nodeVersion = process.version }: HostCheckOptions = {}): readonly Check[] => [
  { check: 'dc3dd', look: () => dc3dd(path) },
  { check: 'hash-self-test', look: hashes },
  { check: 'node', look: async () => node(nodeVersion) },
  { check: 'privileges', look: () => privileges(root) },
  { check: 'udev', look: () => udev(root) },
  { check: 'open-files', look: () => openFiles(root) },
  { check: 'nvme-timeout', look: () => nvmeTimeout(root) },
];
