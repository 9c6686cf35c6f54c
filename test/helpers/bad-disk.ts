import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { attachLoop } from '../../scripts/lab/loop.ts';
import { ensureUdev } from '../../scripts/lab/udev.ts';
import { startProcess } from './server-process.ts';
import { tempDir } from './temp-dir.ts';

/** A disk whose reads go wrong in some places: a loop device over a FUSE file. */
export type BadDisk = {
  /** For example `/dev/loop3`. */
  readonly path: string;
  /** The FUSE file itself, which fails in the same places. */
  readonly file: string;
  /** Detaches it without waiting for whoever reads it, as a force-detach does: what is read from then on fails. */
  pull(): Promise<void>;
  /** Leaves the loop device to the test, which detaches it itself. */
  letGo(): void;
  /** Detaches, unmounts, and ends the FUSE program. */
  remove(): Promise<void>;
};

export type BadDiskOptions = {
  /** A file for the trace of writes and waits. @default none */
  readonly trace?: string;
  /** The disk can be written to, as an attached EBS volume can. @default false */
  readonly writable?: boolean;
  /** Bytes of a logical sector. @default 512 */
  readonly sectorSize?: number;
  /** The loop device to attach to. @default any free one */
  readonly device?: string;
};

/** Debian's own, since its python3-fusepy is not visible to another. */
const PYTHON = '/usr/bin/python3';
const PROGRAM = resolve(import.meta.dirname, '../fixtures/bad-disk.py');

/** Where the kernel lets a FUSE connection be ended by force. */
const CONNECTIONS = '/sys/fs/fuse/connections';

/** Number of the FUSE connection behind a mount, from the table of mounts: asking the mount itself may hang. */
async function connectionOf(mount: string): Promise<string | undefined> {
  const line = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').find((text) => text.split(' ')[4] === mount);
  return line?.split(' ')[2]?.split(':')[1];
}

/** Fails every request of a connection, also those that wait: one left behind would hold up udev, losetup and later tests. */
async function abortConnection(number: string): Promise<void> {
  const hasControl = (await readFile('/proc/self/mountinfo', 'utf8')).includes(` ${CONNECTIONS} `);
  if (!hasControl) await execa('mount', ['-t', 'fusectl', 'none', CONNECTIONS], { reject: false, timeout: 10_000 }); // it stays: it is the usual place
  await writeFile(join(CONNECTIONS, number, 'abort'), '1').catch(() => undefined); // it has ended by itself
}

/**
 * Attaches an image as a disk whose given sectors are bad, slow or not what they were.
 * @param rules ranges of 512-byte sectors, `7` or `100-110`, 0-based, last included, with what happens there: `7:delay=3`;
 *   see test/fixtures/bad-disk.py
 */
export async function attachBadDisk(image: string, rules: readonly string[], options: BadDiskOptions = {}): Promise<BadDisk> {
  await ensureUdev();
  const { trace, writable = false, sectorSize, device } = options;
  let ours = true;
  const { path: folder, remove: removeFolder } = await tempDir();
  const mount = join(folder, 'mount');
  await mkdir(mount);
  const file = join(mount, 'disk');
  const flags = [...(trace === undefined ? [] : [`--trace=${trace}`]), ...(writable ? ['--writable'] : [])];
  const fuse = startProcess(PYTHON, [PROGRAM, ...flags, image, mount, ...rules]);
  const undo: (() => Promise<unknown>)[] = [removeFolder, () => execa('umount', ['--lazy', mount], { reject: false, timeout: 20_000 })];
  let connection: string | undefined;
  const remove = async (): Promise<void> => {
    // First: a read that never ends would keep the loop device, the mount and udev busy, and the program from ending.
    const stopping = fuse.stop(2000);
    const stopped = await Promise.race([stopping.then(() => true), sleep(5000, false, { ref: false })]);
    if (!stopped && connection) await abortConnection(connection);
    await stopping;
    const failures: unknown[] = [];
    for (const step of undo.splice(0).reverse()) await step().catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  };
  try {
    await fuse.until('mounted', async () => (await open(file, 'r').then((handle) => handle.close().then(() => true), () => undefined)), 20_000);
    connection = await connectionOf(mount);
    const loop = await attachLoop(file, { readOnly: !writable, ...(sectorSize === undefined ? {} : { sectorSize }), ...(device === undefined ? {} : { device }) });
    undo.push(async () => ours && loop.detach());
    return { path: loop.path, file, remove, pull: () => fuse.stop(0), letGo: () => void (ours = false) };
  } catch (error) {
    await remove();
    throw error;
  }
}
