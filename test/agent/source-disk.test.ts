import { execFile } from 'node:child_process';
import { chmod, mkdir, open, readFile, rm, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { execa } from 'execa';
import { listDisks } from '../../agent/adapters/block-devices.ts';
import { descriptor } from '../../agent/adapters/descriptor.ts';
import type { Disk } from '../../agent/adapters/disk.ts';
import { openSource, type OpenSourceOptions, type SourceHandle } from '../../agent/adapters/source-disk.ts';
import { describePath, type ImageFile } from '../../agent/adapters/source-path.ts';
import { StageError } from '../../agent/errors.ts';
import { makeExt4, makeGptDisk, makeRaw } from '../../scripts/lab/disks.ts';
import { useDisks } from '../helpers/disks.ts';

const never = new AbortController().signal;

const diskAt = async (path: string): Promise<Disk> => {
  const assessed = (await listDisks()).find(({ disk }) => disk.path === path);
  if (!assessed) throw new Error(`no disk at ${path}`);
  return assessed.disk;
};

/** The StageError that something ends with. */
const failure = async (attempt: Promise<unknown>): Promise<StageError> => {
  const error: unknown = await attempt.then(() => undefined, (reason: unknown) => reason);
  if (error instanceof StageError) return error;
  throw new Error(`expected a StageError, got ${String(error)}`);
};

const imageFile = async (path: string): Promise<ImageFile> => {
  const { source } = await describePath(path);
  if (source.kind !== 'image-file') throw new Error(`${path} is no image file`);
  return source;
};

/** Error code of one attempt to write to a path; undefined when it was let through. */
const writeFailure = async (path: string): Promise<string | undefined> => {
  const handle = await open(path, 'r+').catch((error: NodeJS.ErrnoException) => error.code ?? 'unknown');
  if (typeof handle === 'string') return handle;
  try {
    await handle.write(Buffer.alloc(512, 0xff), 0, 512, 0);
    await handle.sync();
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  } finally {
    await handle.close();
  }
};

describe('opening a source', () => {
  const disks = useDisks();
  const opened: SourceHandle[] = [];
  afterEach(async () => {
    for (const handle of opened.splice(0)) await handle.close();
  });
  const openNow = async (source: Disk | ImageFile, options: OpenSourceOptions = {}, signal = never): Promise<SourceHandle> => {
    const handle = await openSource(source, options, signal);
    opened.push(handle);
    return handle;
  };

  describe('that is a disk', () => {
    it('sets a writable disk read-only before anything is read, and the kernel then refuses writes', async () => {
      const content = await makeRaw(disks.file('writable'), 1024 * 1024);
      const before = await readFile(content);
      const { path } = await disks.attach(content);
      const disk = await diskAt(path);
      const handle = await openNow(disk);
      expect(handle).to.deep.include({
        kind: 'block-device', disk, path, size: 1024 * 1024, logicalSectorSize: 512, readOnlyBefore: false, readOnlyAfter: true,
      });
      expect(await writeFailure(path)).to.equal('EPERM');
      await handle.close();
      expect(await writeFailure(path)).to.equal('EPERM'); // it stays so
      expect((await readFile(content)).equals(before)).to.equal(true);
    });

    it('guards its partitions against writes as well', async () => {
      const { path } = await disks.attach(await makeGptDisk(disks.file('gpt'), ['one']), { partitions: true });
      await openNow(await diskAt(path));
      expect(await writeFailure(`${path}p1`)).to.be.oneOf(['EPERM', 'EACCES', 'EBUSY']);
    });

    it('records that a disk was read-only before', async () => {
      const { path } = await disks.attach(await makeRaw(disks.file('ro'), 65536), { readOnly: true });
      expect(await openNow(await diskAt(path))).to.include({ readOnlyBefore: true, readOnlyAfter: true });
    });

    it('is exclusive: the same disk cannot be opened again, nor a mounted one', async () => {
      const { path } = await disks.attach(await makeExt4(disks.file('exclusive')), { readOnly: true });
      const disk = await diskAt(path);
      const first = await openNow(disk);
      const again = await failure(openSource(disk, {}, never));
      expect(again).to.include({ stage: 'open', code: 'HELD', retryable: true });
      expect(again.message).to.equal(`${path} is in use: the kernel refused to open it exclusively (EBUSY)`);
      await first.close();
      await disks.mount(path, 'noload');
      expect((await failure(openSource(disk, {}, never))).code).to.equal('HELD');
    });

    it('refuses a disk that took the place of the one that was found', async () => {
      const loop = await disks.attach(await makeRaw(disks.file('found'), 65536));
      const disk = await diskAt(loop.path);
      await loop.detach();
      const gone = await failure(openSource(disk, {}, never));
      expect(gone.code).to.be.oneOf(['SWAPPED', 'GONE']);
      await disks.attach(await makeRaw(disks.file('put in its place'), 65536), { device: loop.path });
      const error = await failure(openSource(disk, {}, never));
      expect(error).to.include({ stage: 'open', code: 'SWAPPED', retryable: false });
      expect(error.message).to.match(new RegExp(`^${loop.path} is no longer the disk that was found: its diskseq is \\d+, expected ${disk.diskseq}$`));
      expect(await writeFailure(loop.path)).to.equal(undefined); // and what is there now was not touched
    });

    it('refuses another device number, a link, and a file in the place of the device', async () => {
      const { path } = await disks.attach(await makeRaw(disks.file('numbered'), 65536));
      const disk = await diskAt(path);
      expect((await failure(openSource({ ...disk, devno: '7:4095' }, {}, never))).message).to.contain('expected 7:4095');
      const file = await failure(openSource({ ...disk, path: disks.file('numbered') }, {}, never));
      expect(file.code).to.equal('SWAPPED');
      expect(file.message).to.contain('not a block device');
      await symlink(path, disks.file('link to disk'));
      expect((await failure(openSource({ ...disk, path: disks.file('link to disk') }, {}, never))).code).to.equal('CANNOT_OPEN');
    });

    it('tells a disk of 4096-byte sectors from its device', async () => {
      const { path } = await disks.attach(await makeRaw(disks.file('4kn'), 1024 * 1024), { sectorSize: 4096 });
      expect(await openNow(await diskAt(path))).to.include({ logicalSectorSize: 4096, size: 1024 * 1024 });
    });

    it('refuses a disk of 0 bytes', async () => {
      const { path } = await disks.attach(await makeRaw(disks.file('empty'), 0));
      expect((await failure(openSource(await diskAt(path), {}, never))).code).to.equal('NO_MEDIUM');
    });

    it('refuses a disk that the kernel does not make read-only', async () => {
      const { path } = await disks.attach(await makeRaw(disks.file('stubborn'), 65536));
      const disk = await diskAt(path);
      // A kernel that ignores BLKROSET cannot be had: a blockdev that does nothing for --setro stands in for it.
      const bin = disks.file('bin');
      await mkdir(bin, { recursive: true });
      const stub = await open(`${bin}/blockdev`, 'w', 0o755);
      await stub.writeFile('#!/bin/sh\n[ "$1" = --setro ] && exit 0\nexec /sbin/blockdev "$@"\n');
      await stub.close();
      const path0 = process.env['PATH'];
      process.env['PATH'] = `${bin}:${path0}`;
      try {
        expect(await failure(openSource(disk, {}, never))).to.include({ code: 'NOT_READ_ONLY', retryable: false });
      } finally {
        process.env['PATH'] = path0;
      }
      await openNow(disk); // and the refused descriptor was closed
    });

    it('hands on a descriptor that a child reads the disk by', async () => {
      const file = await makeRaw(disks.file('handed on'), 4096);
      const { path } = await disks.attach(file);
      const { fd } = await openNow(await diskAt(path));
      const { stdout } = await execa('cat', ['/proc/self/fd/3'], { stdio: ['ignore', 'pipe', 'pipe', descriptor(fd)], encoding: 'buffer' });
      expect(Buffer.from(stdout).equals(await readFile(file))).to.equal(true);
    });

    it('notices afterwards that the disk shrank, or was made writable', async () => {
      const file = await makeRaw(disks.file('shrinks'), 1024 * 1024);
      const { path } = await disks.attach(file);
      const disk = await diskAt(path);
      const handle = await openNow(disk);
      expect(await handle.recheck()).to.deep.equal({ size: 1024 * 1024, diskseq: disk.diskseq, readOnly: true, present: true });
      await promisify(execFile)('blockdev', ['--setrw', path]);
      await truncate(file, 65536);
      await promisify(execFile)('losetup', ['--set-capacity', path]);
      expect(await handle.recheck()).to.deep.equal({ size: 65536, diskseq: disk.diskseq, readOnly: false, present: true });
    });

    it('notices afterwards that the disk is gone', async () => {
      const { path } = await disks.attach(await makeRaw(disks.file('goes'), 65536));
      const roots = disks.file('sys-root');
      const disk = await diskAt(path);
      await mkdir(`${roots}/sys/dev/block/${disk.devno}`, { recursive: true });
      const seq = await open(`${roots}/sys/dev/block/${disk.devno}/diskseq`, 'w');
      await seq.writeFile(`${disk.diskseq}\n`);
      await seq.close();
      // A loop device waits for its last descriptor before it goes; the kernel's account of a disk that did not wait:
      const handle = await openNow(disk, { sysRoot: roots });
      await rm(`${roots}/sys`, { recursive: true });
      expect(await handle.recheck()).to.deep.equal({ size: 65536, readOnly: true, present: false });
    });

    it('opens nothing for a signal that was given, and closes once', async () => {
      const { path } = await disks.attach(await makeRaw(disks.file('aborted'), 65536));
      const disk = await diskAt(path);
      const aborted = await openSource(disk, {}, AbortSignal.abort()).then(() => undefined, (error: Error) => error.name);
      expect(aborted).to.equal('AbortError');
      const handle = await openNow(disk);
      await Promise.all([handle.close(), handle.close()]);
      await openNow(disk);
    });
  });

  describe('that is an image file', () => {
    it('reads a file that nobody may write to, as root too', async () => {
      const path = await makeRaw(disks.file('sealed.dd'), 1000);
      await chmod(path, 0o444);
      const handle = await openNow(await imageFile(path));
      expect(handle).to.include({ kind: 'image-file', path, size: 1000, logicalSectorSize: 512, readOnlyBefore: true, readOnlyAfter: true });
      expect(handle.disk).to.equal(undefined);
      expect(await handle.recheck()).to.deep.equal({ size: 1000, readOnly: true, present: true });
    });

    it('refuses a file that this user could write to, unless that is allowed', async () => {
      const path = await makeRaw(disks.file('writable.dd'), 1000);
      await chmod(path, 0o640);
      const error = await failure(openSource(await imageFile(path), {}, never));
      expect(error).to.include({ stage: 'open', code: 'WRITABLE_SOURCE', retryable: false });
      expect(error.message).to.equal(`the image file ${path} has mode 0640, and this user could write to it`);
      expect(error.advice).to.contain('chmod a-w').and.to.contain('--allow-writable-source');
      expect(await openNow(await imageFile(path), { allowWritableSource: true })).to.include({ readOnlyBefore: false, readOnlyAfter: false });
    });

    it('never reads a writable disk on the strength of that permission', async () => {
      const { path } = await disks.attach(await makeRaw(disks.file('no exception'), 65536));
      expect(await openNow(await diskAt(path), { allowWritableSource: true })).to.include({ readOnlyAfter: true });
    });

    it('follows the link that an analyst names, and judges the file behind it', async () => {
      const target = await makeRaw(disks.file('behind.dd'), 700);
      await symlink(target, disks.file('link.dd'));
      expect((await failure(openSource(await imageFile(disks.file('link.dd')), {}, never))).code).to.equal('WRITABLE_SOURCE');
      await chmod(target, 0o400);
      expect((await openNow(await imageFile(disks.file('link.dd')))).size).to.equal(700);
    });

    it('notices afterwards that the file shrank or lost its name', async () => {
      const path = await makeRaw(disks.file('changing.dd'), 1000);
      const handle = await openNow(await imageFile(path), { allowWritableSource: true });
      await truncate(path, 10);
      expect(await handle.recheck()).to.include({ size: 10, readOnly: false, present: true });
      await rm(path);
      expect((await handle.recheck()).present).to.equal(false);
    });

    it('notices afterwards that the file was written to, also when its mtime was set back; reading is no change', async () => {
      const path = await makeRaw(disks.file('written.dd'), 1000);
      await utimes(path, 1, 1);
      const handle = await openNow(await imageFile(path), { allowWritableSource: true });
      await readFile(path);
      const recheck = (): Promise<unknown> => handle.recheck();
      expect(await recheck()).to.deep.equal({ size: 1000, readOnly: false, present: true });
      await writeFile(path, Buffer.alloc(1000, '!'), { flag: 'r+' });
      expect(await recheck()).to.have.property('changed').that.matches(/^its mtime was 1970-01-01T00:00:01.000000000Z and is \d{4}-.*Z/);
      const { ctimeNs } = await stat(path, { bigint: true });
      do await utimes(path, 1, 1);
      while ((await stat(path, { bigint: true })).ctimeNs === ctimeNs); // the kernel's clock for it is a coarse one
      expect(await recheck()).to.have.property('changed').that.matches(/^its ctime was .*Z and is .*Z$/);
    });

    it('refuses a file that goes on behind the end that it tells, or fails there', async () => {
      for (const [path, why] of [['/proc/version', 'it goes on there'], ['/proc/self/mem', 'reading there fails (EIO)']] as const) {
        const error = await failure(openSource(await imageFile(path), { allowWritableSource: true }, never));
        expect(error).to.include({ stage: 'open', code: 'SIZE_UNKNOWN', retryable: false });
        expect(error.message).to.equal(`${path} says that it ends after 0 bytes, and ${why}`);
      }
    });

    it('does not wait for a named pipe that took the place of the file', async () => {
      const path = await makeRaw(disks.file('was a file'), 10);
      const source = await imageFile(path);
      await rm(path);
      await execa('mkfifo', [path]);
      expect((await failure(openSource(source, {}, never))).code).to.equal('NOT_A_FILE');
    });
  });

  describe('that a person names', () => {
    it('is the whole disk, when a partition or a link to one is named', async () => {
      const { path } = await disks.attach(await makeGptDisk(disks.file('named'), ['NAMED part']), { partitions: true });
      const whole = await describePath(path);
      expect(whole.notices).to.deep.equal([]);
      expect(whole.source).to.deep.include({ kind: 'block-device', verdict: { eligible: true } });
      const byPartition = await describePath(`${path}p1`);
      expect(byPartition.source).to.deep.equal(whole.source);
      expect(byPartition.notices).to.have.length(1);
      expect(byPartition.notices[0]).to.contain(`p1 is a partition of ${path}: the whole disk is imaged`);
      const byLabel = await describePath('/dev/disk/by-label/NAMED\\x20part');
      expect(byLabel.source).to.deep.equal(whole.source);
      expect(byLabel.notices[0]).to.equal(`/dev/disk/by-label/NAMED\\x5cx20part leads to ${path}p1`);
    });

    it('is refused with a reason when it is no disk and no file', async () => {
      const loose = disks.file('dangling\n\u001b[31m');
      await symlink('/no/such', loose);
      await execa('mkfifo', [disks.file('fifo')]);
      const refusals = await Promise.all(
        ['/no/such/disk', loose, '/dev', '/dev/null', disks.file('fifo')].map(async (path) => {
          const { stage, code, message } = await failure(describePath(path));
          return [stage, code, message];
        }),
      );
      expect(refusals).to.deep.equal([
        ['identify', 'NOT_FOUND', '/no/such/disk does not exist (ENOENT)'],
        ['identify', 'NOT_FOUND', `${disks.file('dangling')}\\x0a\\x1b[31m is a link to something that does not exist (ENOENT)`],
        ['identify', 'IS_DIRECTORY', '/dev is a directory'],
        ['identify', 'NOT_A_DISK', '/dev/null is a character device'],
        ['identify', 'NOT_A_DISK', `${disks.file('fifo')} is a named pipe`],
      ]);
    });
  });
});
