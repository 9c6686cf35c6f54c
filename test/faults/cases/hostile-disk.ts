import { isDeepStrictEqual } from 'node:util';
import { copyFile, open, readFile, writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { hostileText, MiB } from '../../../modules/vocabulary/index.ts';
import { makeExt4, makeGptDisk, makeSparse } from '../../../scripts/lab/disks.ts';
import { attachLoop } from '../../../scripts/lab/loop.ts';
import type { Lab } from '../lab.ts';
import type { FaultRow } from '../row.ts';
import { manifestOf } from '../stored.ts';
import { wouldAssemble, wouldTouch } from '../udev-verdict.ts';

/** Bytes that may not reach a terminal or a log line as they are: controls, bidi marks and what is no UTF-8. */
const RAW = /(?!\n)[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffd]/u;

/** Writes bytes into a disk's image. */
async function put(file: string, at: number, bytes: Uint8Array): Promise<void> {
  await using handle = await open(file, 'r+');
  await handle.write(bytes, 0, bytes.length, at);
}

/** An ext4 disk whose label is these bytes, whatever mkfs thinks of them. */
async function labelled(lab: Lab, label: Buffer): Promise<string> {
  const file = await makeSparse(lab.file('labelled'), 16 * MiB);
  await execa('mkfs.ext4', ['-q', '-F', '-O', '^metadata_csum', file]); // a checksum would have to be made anew
  await put(file, 1024 + 120, Buffer.concat([label, Buffer.alloc(16)]).subarray(0, 16));
  return file;
}

const contentOf = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');

/** What is mapped, assembled and swapped on. */
async function state(): Promise<string> {
  const { stdout: mapped } = await execa('ls', ['/dev/mapper'], { reject: false });
  return [mapped, await contentOf('/proc/mdstat'), await contentOf('/proc/swaps')].join('|');
}

/** Whether a disk or a partition of it is mounted; other rows mount disks of their own. */
const isMounted = async (disk: string): Promise<boolean> => (await contentOf('/proc/self/mounts')).split('\n').some((line) => new RegExp(`^${disk}(?:p\\d+)? `).test(line));

type Inert = {
  /** Make devices of its partitions. @default false */
  readonly partitions?: boolean;
  /** The label's bytes, which the manifest must have as they are, and escaped. @default none */
  readonly label?: Buffer;
  /** What udev must take it for: a case that it does not see proves nothing. @default not looked at */
  readonly type?: string;
  /** Whether a host likes to assemble it, so that udev's rules are asked too. @default false */
  readonly assembled?: boolean;
};

/** Images a disk, in JSON and for a person, and looks that nothing of it came to life or reached an output raw. */
async function inert(lab: Lab, from: string, { partitions = false, label, type, assembled = false }: Inert = {}): Promise<string> {
  const before = await state();
  const source = await lab.disk([], { from });
  if (partitions) await execa('partx', ['--add', source.path], { reject: false });
  try {
    const { stdout: found } = await execa('udevadm', ['info', '--query=property', '--property=ID_FS_TYPE', '--value', source.path]);
    if (type !== undefined && found !== type) return `udev takes it for ${found || 'nothing'}`;
    const touch = assembled ? await wouldTouch(lab, source.path) : undefined;
    if (touch !== undefined) return `the collector image's rules do not hold: ${touch}`;
    const place = lab.directory();
    const { outcome, stdout, stderr } = await lab.collect(source, place);
    if (outcome !== 'COMPLETE') return `${outcome}: ${stderr}`;
    const text = await lab.command(['devices'], { ...place, args: [] });
    if (RAW.test(stdout) || RAW.test(stderr) || RAW.test(text.stdout)) return 'COMPLETE, and raw bytes of the disk in an output';
    const { source: seen } = await manifestOf(place);
    if (seen.holders.length > 0) return `COMPLETE, and held by ${seen.holders.map(({ escaped }) => escaped).join()}`;
    if (label && !seen.labels.some((each) => isDeepStrictEqual(each, hostileText(label)))) return `COMPLETE, and the labels are ${JSON.stringify(seen.labels)}`;
    if (seen.labels.some(({ escaped }) => !/^[\x20-\x7e]*$/.test(escaped))) return 'COMPLETE, and a label that is not escaped';
    return (await state()) === before && !(await isMounted(source.path)) ? 'COMPLETE, inert' : 'COMPLETE, and something was assembled, mounted or swapped on';
  } finally {
    if (partitions) await execa('partx', ['--delete', source.path], { reject: false });
  }
}

const LABELS: Readonly<Record<string, Buffer>> = {
  'a newline': Buffer.from('a\nb {"event":"x"'),
  'a command': Buffer.from('$(touch /tmp/X)'),
  'printf directives': Buffer.from('%n%s%x%p%d%i'),
  'ANSI escapes': Buffer.from('\x1b[2J\x1b[31mred'),
  'bidi marks': Buffer.from('a\u202egpj.exe'),
  'a path': Buffer.from('../../../etc/pw'),
  'no UTF-8': Buffer.from([0xff, 0xfe, 0xc3, 0x28, 0x41, 0x80]),
  'its full length': Buffer.alloc(16, 'L'),
  'quotes': Buffer.from(`';rm -rf "~"\`id\``),
};

/** A volume group on the disk itself; a logical volume would need a kernel that can assemble it. */
async function volumeGroup(file: string): Promise<void> {
  const loop = await attachLoop(file);
  try {
    const config = `devices{use_devicesfile=0 filter=["a|^${loop.path}$|","r|.*|"]} activation{udev_sync=0 udev_rules=0 monitoring=0} backup{backup=0 archive=0}`;
    await execa('lvm', ['pvcreate', '--config', config, '-ff', '-y', loop.path]);
    await execa('lvm', ['vgcreate', '--config', config, '-y', `hostile${process.pid}`, loop.path]);
  } finally {
    await loop.detach();
  }
}

/** The superblock of a RAID 1 of two disks, version 1.2, as mdadm would write it: mdadm itself needs the kernel's driver for it. */
function raidMember(): Buffer {
  const block = Buffer.alloc(256 + 4);
  block.writeUInt32LE(0xa92b4efc, 0);
  block.writeUInt32LE(1, 4); // major version
  Buffer.from('0123456789abcdef').copy(block, 16); // the array's UUID
  Buffer.from('host:hostile').copy(block, 32);
  block.writeUInt32LE(1, 72); // level
  block.writeBigUInt64LE(8192n, 80); // sectors used of each disk
  block.writeUInt32LE(2, 92); // disks
  block.writeBigUInt64LE(2048n, 128); // where the data begins
  block.writeBigUInt64LE(8192n, 136);
  block.writeBigUInt64LE(8n, 144); // where this very block stands
  block.writeUInt32LE(2, 220); // places for disks, two bytes each, which follow
  block.writeUInt16LE(1, 258);
  let sum = 0n;
  for (let at = 0; at < block.length; at += 4) sum += BigInt(block.readUInt32LE(at));
  block.writeUInt32LE(Number(((sum & 0xffffffffn) + (sum >> 32n)) & 0xffffffffn), 216);
  return block;
}

type Assembled = { readonly type: string; readonly make: (file: string) => Promise<unknown> };

const luks = (version: 1 | 2): Assembled => ({
  type: 'crypto_LUKS',
  make: (file) => execa('cryptsetup', ['luksFormat', '--batch-mode', '--type', `luks${version}`, '--pbkdf', 'pbkdf2', '--pbkdf-force-iterations', '1000', file, '-'], { input: 'secret' }),
});

/** What a host likes to assemble. */
const ASSEMBLED: Readonly<Record<string, Assembled>> = {
  'a LUKS 1 disk': luks(1),
  'a LUKS 2 disk': luks(2),
  'an LVM disk': { type: 'LVM2_member', make: volumeGroup },
  'a RAID disk': { type: 'linux_raid_member', make: (file) => put(file, 4096, raidMember()) },
  'a swap disk': { type: 'swap', make: (file) => execa('mkswap', [file]) },
};

/** A Btrfs super block with a label of up to 255 bytes: the longest label that any of udev's file systems has. */
async function longLabel(lab: Lab, label: Buffer): Promise<string> {
  const file = await makeSparse(lab.file('long'), 16 * MiB);
  const block = Buffer.alloc(4096);
  block.writeBigUInt64LE(0x10000n, 0x30);
  block.write('_BHRfS_M', 0x40);
  block.writeBigUInt64LE(BigInt(16 * MiB), 0x70);
  block.writeBigUInt64LE(1n, 0x88); // devices
  block.writeUInt32LE(4096, 0x90);
  block.writeUInt32LE(16_384, 0x94);
  label.copy(block, 0x12b);
  block.writeUInt32LE(crc32c(block.subarray(0x20)), 0);
  await put(file, 0x10000, block);
  return file;
}

function crc32c(bytes: Uint8Array): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}

const row = (fault: string, run: FaultRow['run'], long = false): FaultRow => ({ area: 'hostile disk', fault, expected: 'COMPLETE, inert', run, ...(long ? { long } : {}) });

/** Of what differs only in its bytes, the short form has some. */
const SHORT: ReadonlySet<string> = new Set(['a newline', 'a command', 'ANSI escapes', 'no UTF-8', 'a LUKS 2 disk', 'an LVM disk', 'a RAID disk']);

export const HOSTILE_DISK: readonly FaultRow[] = [
  ...Object.entries(LABELS).map(([name, label]) => row(`a label with ${name}`, async (lab) => inert(lab, await labelled(lab, label), { label, type: 'ext4' }), !SHORT.has(name))),
  row('a label of 255 bytes', async (lab) => inert(lab, await longLabel(lab, Buffer.alloc(255, 'L')), { label: Buffer.alloc(255, 'L'), type: 'btrfs' })),
  // escaped it is four times as long: it gets no link, and udev's own record of it ends here
  row('a label of 255 bytes that are none of text', async (lab) => inert(lab, await longLabel(lab, Buffer.alloc(255, 0x1b)), { label: Buffer.alloc(64, 0x1b), type: 'btrfs' })),
  ...Object.entries(ASSEMBLED).map(([what, { type, make }]) =>
    row(what, async (lab) => {
      const file = await lab.bytes('assembled', 20 * MiB);
      await make(file);
      return inert(lab, file, { type, assembled: true });
    }, !SHORT.has(what))),
  {
    area: 'hostile disk', fault: "an LVM disk on a host with and without the image's udev rules", expected: 'assembled without them, inert with them', long: true,
    async run(lab) {
      const file = await lab.bytes('assembled', 20 * MiB);
      await volumeGroup(file);
      const { path } = await lab.disk([], { from: file });
      return `${(await wouldAssemble(lab, path)) ? 'assembled' : 'not assembled'} without them, ${(await wouldTouch(lab, path)) ?? 'inert'} with them`;
    },
  },
  row('two signatures', async (lab) => {
    const file = await makeExt4(lab.file('two'), { label: 'TWO' });
    await put(file, 0, Buffer.from('XFSB\0\0\x10\0'));
    return inert(lab, file);
  }),
  row('partitions that overlap', async (lab) => {
    const file = await makeSparse(lab.file('overlap'), 20 * MiB);
    const table = Buffer.alloc(512);
    for (const [index, [first, count]] of [[2048, 20_000], [4096, 30_000], [0, 40_960]].entries()) {
      const at = 446 + index * 16;
      table[at + 4] = 0x83;
      table.writeUInt32LE(first!, at + 8);
      table.writeUInt32LE(count!, at + 12);
    }
    table.writeUInt16LE(0xaa55, 510);
    await writeFile(file, table, { flag: 'r+' });
    return inert(lab, file, { partitions: true });
  }),
  row('an extended partition that contains itself', async (lab) => {
    const file = await makeSparse(lab.file('recursive'), 20 * MiB);
    const table = Buffer.alloc(512);
    table[446 + 4] = 0x05;
    table.writeUInt32LE(2048, 446 + 8);
    table.writeUInt32LE(30_000, 446 + 12);
    table.writeUInt16LE(0xaa55, 510);
    await put(file, 0, table);
    const inner = Buffer.from(table);
    inner.writeUInt32LE(0, 446 + 8); // its next link is itself
    await put(file, 2048 * 512, inner);
    return inert(lab, file, { partitions: true });
  }),
  row('a GPT with a hostile partition', async (lab) => inert(lab, await makeGptDisk(lab.file('gpt'), ['$(id)', '']), { partitions: true, label: Buffer.from('$(id)') })),
  row('two disks with one label and one UUID', async (lab) => {
    const file = await makeExt4(lab.file('one'), { label: 'TWIN' });
    const twin = lab.file('other');
    await copyFile(file, twin);
    await put(twin, 8 * MiB, Buffer.from('the other one'));
    await lab.disk([], { from: twin });
    return inert(lab, file, { label: Buffer.from('TWIN') });
  }),
];
