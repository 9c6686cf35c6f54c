import { copyFile, open, readFile, writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { MiB } from '../../../modules/vocabulary/index.ts';
import { makeExt4, makeGptDisk, makeSparse } from '../../../scripts/lab/disks.ts';
import type { Lab } from '../lab.ts';
import type { FaultRow } from '../row.ts';
import { manifestOf } from '../stored.ts';

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

const state = async (): Promise<string> => {
  const { stdout: mapped } = await execa('ls', ['/dev/mapper'], { reject: false });
  const read = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');
  return [mapped, await read('/proc/mdstat'), await read('/proc/swaps'), (await read('/proc/self/mounts')).split('\n').filter((line) => line.startsWith('/dev/loop')).join('\n')].join('|');
};

/** Images a disk, in JSON and for a person, and looks that nothing of it came to life or reached an output raw. */
async function inert(lab: Lab, from: string, partitions = false): Promise<string> {
  const before = await state();
  const source = await lab.disk([], { from });
  if (partitions) await execa('partx', ['--add', source.path], { reject: false });
  try {
    const place = lab.directory();
    const { outcome, stdout, stderr } = await lab.collect(source, place);
    if (outcome !== 'COMPLETE') return `${outcome}: ${stderr}`;
    const text = await lab.command(['devices'], { ...place, args: [] });
    if (RAW.test(stdout) || RAW.test(stderr) || RAW.test(text.stdout)) return 'COMPLETE, and raw bytes of the disk in an output';
    const { source: seen } = await manifestOf(place);
    if (seen.holders.length > 0) return `COMPLETE, and held by ${seen.holders.map(({ escaped }) => escaped).join()}`;
    return (await state()) === before ? 'COMPLETE, inert' : 'COMPLETE, and something was assembled, mounted or swapped on';
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

/** A disk with the signature of something that a host likes to assemble. */
async function signed(lab: Lab, what: keyof typeof SIGNATURES): Promise<string> {
  const file = await lab.bytes('signed', 12 * MiB);
  await SIGNATURES[what]!(file);
  return file;
}

const md = (): Buffer => {
  const block = Buffer.alloc(256);
  block.writeUInt32LE(0xa92b4efc, 0);
  block.writeUInt32LE(1, 4); // version 1.2
  block.writeUInt32LE(0, 8);
  Buffer.from('0123456789abcdef').copy(block, 16);
  block.writeBigUInt64LE(8n, 144); // where this very block stands, in sectors
  return block;
};

const SIGNATURES: Readonly<Record<string, (file: string) => Promise<unknown>>> = {
  LUKS: (file) => put(file, 0, Buffer.from('LUKS\xba\xbe\x00\x01aes', 'latin1')),
  LVM: (file) => put(file, 512, Buffer.from('LABELONE\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x20\x00\x00\x00LVM2 001', 'latin1')),
  RAID: (file) => put(file, 4096, md()),
  swap: (file) => execa('mkswap', [file]),
};

const row = (fault: string, run: FaultRow['run'], expected = 'COMPLETE, inert'): FaultRow => ({ area: 'hostile disk', fault, expected, run });

export const HOSTILE_DISK: readonly FaultRow[] = [
  ...Object.entries(LABELS).map(([name, label]) => row(`a label with ${name}`, async (lab) => inert(lab, await labelled(lab, label)))),
  ...Object.keys(SIGNATURES).map((what) => row(`a ${what} disk`, async (lab) => inert(lab, await signed(lab, what)))),
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
    return inert(lab, file, true);
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
    return inert(lab, file, true);
  }),
  row('a GPT with a hostile partition', async (lab) => inert(lab, await makeGptDisk(lab.file('gpt'), ['A', '']), true)),
  row('two disks with one label and one UUID', async (lab) => {
    const file = await makeExt4(lab.file('one'), { label: 'TWIN' });
    const twin = lab.file('other');
    await copyFile(file, twin);
    await put(twin, 8 * MiB, Buffer.from('the other one'));
    await lab.disk([], { from: twin });
    return inert(lab, file);
  }),
];
