import { readFileSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { expect } from 'chai';
import * as fc from 'fast-check';
import { listDisks } from '../../agent/adapters/block-devices.ts';
import { parseDc3ddLog } from '../../agent/adapters/dc3dd-log.ts';
import { decodeUdevName } from '../../agent/adapters/udev-names.ts';
import { tagLayer } from '../../agent/config/layers.ts';
import { judge, type Evidence } from '../../agent/stages/prove.ts';
import { layTree } from '../helpers/disks-tree.ts';
import { bounded, PRINTABLE } from './settings.ts';

const LOGS = ['completed', 'bad-runs', 'bad-trailing', 'failed'].map((name) =>
  readFileSync(resolve(import.meta.dirname, `../fixtures/dc3dd/${name}.txt`), 'latin1'));

/** Numbers that a log may lie with: small, reversed, more than a disk has, more than a number holds. */
const LIES = ['0', '1', '3', '511', '4096', '2147483648', '9007199254740991', '9007199254740993', '99999999999999999999'];

/** A log with one of its numbers, counted from the first, replaced. */
const withNumber = (log: string, which: number, lie: string): string => {
  const numbers = [...log.matchAll(/\d+/g)];
  const { index, 0: found } = numbers[which % numbers.length]!;
  return `${log.slice(0, index)}${lie}${log.slice(index + found.length)}`;
};

/** A real log with pieces of it cut out, doubled, or replaced, and numbers of it that lie. */
const damagedLog = fc.tuple(
  fc.constantFrom(...LOGS),
  fc.array(fc.tuple(fc.nat(200), fc.constantFrom(...LIES)), { maxLength: 3 }),
  fc.array(fc.tuple(fc.nat(4000), fc.nat(200), fc.string({ unit: 'binary', maxLength: 60 })), { maxLength: 4 }),
).map(([log, lies, edits]) => edits.reduce((text, [at, length, put]) => `${text.slice(0, at)}${put}${text.slice(at + length)}`, lies.reduce((text, [which, lie]) => withNumber(text, which, lie), log)));

describe('hostile input', () => {
  it('in a dc3dd log never throws, and gives whole numbers or nothing', () => {
    fc.assert(fc.property(fc.oneof(damagedLog, fc.string({ unit: 'binary', maxLength: 4000 })), (log) => {
      const report = parseDc3ddLog(log);
      for (const value of [report.sectorSize ?? 0, report.sectorsIn ?? 0, report.sectorsOut ?? 0, report.tailIn, report.tailOut, report.badSectors ?? 0]) {
        expect(Number.isSafeInteger(value) && value >= 0).to.equal(true);
      }
      for (const { first, last } of report.listed) expect(last).to.be.at.least(first);
    }), bounded(500));
  });

  it('in a dc3dd log never makes a stream COMPLETE that is shorter than the disk, or than the log says', () => {
    let close = 0;
    fc.assert(fc.property(damagedLog, fc.integer({ min: 1, max: 1_000_000 }), (log, missing) => {
      const report = parseDc3ddLog(log);
      const counted = (report.sectorsIn ?? 0) * (report.sectorSize ?? 512) + report.tailIn;
      fc.pre(Number.isSafeInteger(counted + missing)); // as every disk's size is
      const judged = (size: number, bytes: number): string => {
        const evidence: Evidence = {
          sizeBefore: size,
          after: { present: true, size, readOnly: true, diskseq: '7' },
          diskseqBefore: '7',
          readOnlyBefore: true,
          run: { exitCode: 0, signal: null, report },
          end: { bytes, surplus: 0, sha256: Buffer.alloc(32) },
          bad: { ranges: [], complete: true, readableAgain: 0 },
          secondHash: false,
          partsExpected: 1,
          partsConfirmed: 1,
          storedIsChecked: true,
        };
        return judge(evidence).status;
      };
      if (judged(counted, counted) === 'COMPLETE') close++;
      expect(judged(counted + missing, counted), 'both counts are short').to.equal('FAILED');
      expect(judged(counted, counted - missing), 'the stream is short, and the log says it is not').to.equal('FAILED');
      expect(judged(counted + missing, counted + missing), 'the stream is whole, and the log says it is not').to.equal('FAILED');
    }), bounded(500));
    expect(close, 'some must be COMPLETE but for what is missing, or nothing was tried').to.be.greaterThan(20);
  });

  it("in udev's names is decoded to the bytes that were escaped, whatever they are", () => {
    const escape = (bytes: Uint8Array): string => Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
    fc.assert(fc.property(fc.uint8Array({ maxLength: 255 }), (bytes) => {
      expect(decodeUdevName(Buffer.from(escape(bytes), 'latin1')).equals(Buffer.from(bytes))).to.equal(true);
    }), bounded(300));
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (name) => {
      expect(decodeUdevName(name).length).to.be.at.most(name.length);
    }), bounded(300));
  });

  it('in sysfs leaves every text inert and every number a number', async () => {
    const text = fc.string({ unit: 'binary', maxLength: 60 }).filter((value) => !value.includes('\0'));
    await fc.assert(fc.asyncProperty(text, text, text, async (model, serial, size) => {
      const root = await layTree({ devices: { sda: { dev: '8:0', diskseq: '3', model, serial } } });
      try {
        await writeFile(join(root, 'sys/block/sda/size'), size);
        const roots = { sysRoot: root, procRoot: root, devRoot: root, runRoot: root };
        const disks = await listDisks(roots).catch((error: unknown) => {
          expect(error).to.have.property('name', 'StageError');
          return [];
        });
        for (const { disk } of disks) {
          expect(disk.identity).to.match(/^[A-Za-z0-9._-]{1,128}$/);
          expect(Number.isSafeInteger(disk.size)).to.equal(true);
          expect(disk.model?.escaped ?? '').to.match(PRINTABLE);
          expect(disk.serial?.escaped ?? '').to.match(PRINTABLE);
        }
      } finally {
        await rm(root, { recursive: true, force: true });
      }
    }), bounded(60));
  });

  it('in any file of the kernel and of udev leaves every text inert, and names no disk but by its own number', async () => {
    const files = ['sys/block/sda/dev', 'sys/block/sda/diskseq', 'sys/block/sda/ro', 'sys/block/sda/hidden', 'sys/block/sda/queue/logical_block_size', 'sys/block/sda/sda1/dev', 'sys/block/sda/loop/backing_file', 'proc/self/mountinfo', 'proc/1/mountinfo', 'proc/swaps', 'run/udev/data/b8:0', 'run/udev/data/b8:1'];
    const near = fc.constantFrom('8:0', '3', '1', '36 35 8:1 / /mnt rw - ext4 /dev/sda1 rw', '36 35 0:9 / /\\033[2J rw - btrfs /dev/sda rw', '36 35 8:1 / /\x1b[2J\x9b\u202e rw - ext4 /dev/sda1 rw', '/dev/sda partition 1 0 -2', 'E:ID_FS_LABEL_ENC=a\\x1b\\x00\\x0ab', 'S:disk/by-diskseq/3', 'I:1');
    const content = fc.array(fc.oneof(near, fc.string({ unit: 'binary', maxLength: 40 })), { maxLength: 4 }).map((lines) => lines.join('\n'));
    const root = await layTree({
      devices: { sda: { dev: '8:0', diskseq: '3', partitions: { sda1: { dev: '8:1', holders: ['dm-0'] } } } }, labels: { 'a\\x1b[2J': 'sda1' }, udev: { '8:0': 'S:disk/by-diskseq/3\nE:ID_FS_LABEL_ENC=x\n', '8:1': 'E:ID_FS_LABEL_ENC=y\n' },
    });
    const roots = { sysRoot: root, procRoot: root, devRoot: root, runRoot: root };
    let listed = 0;
    try {
      await fc.assert(fc.asyncProperty(fc.array(fc.tuple(fc.constantFrom(...files), content), { minLength: 1, maxLength: 3 }), async (changes) => {
        const genuine = new Map<string, Buffer | undefined>();
        for (const [file, text] of changes) {
          if (!genuine.has(file)) genuine.set(file, await readFile(join(root, file)).catch(() => undefined));
          await mkdir(dirname(join(root, file)), { recursive: true });
          await writeFile(join(root, file), text);
        }
        const disks = await listDisks(roots).catch((error: unknown) => {
          expect(error).to.have.property('code', 'NO_DISKSEQ');
          return [];
        });
        listed += disks.length;
        for (const { disk, verdict } of disks) {
          expect(disk.identity).to.match(/^disk-[0-9a-f]{8}-\d{1,20}$/);
          expect(Number.isSafeInteger(disk.size)).to.equal(true);
          const texts = [...disk.labels, disk.backingFile].map((text) => text?.escaped ?? '').concat(disk.holders, verdict.eligible ? '' : verdict.because);
          for (const text of texts) expect(text).to.match(PRINTABLE);
        }
        for (const [file, before] of genuine) await (before === undefined ? rm(join(root, file)) : writeFile(join(root, file), before));
      }), bounded(200));
    } finally {
      await rm(root, { recursive: true, force: true });
    }
    expect(listed, 'some must be listed, or nothing was tried').to.be.greaterThan(20);
  });

  it("in an instance's tags becomes a problem or a value, and no more than one line", async () => {
    const name = fc.oneof(fc.constantFrom('cleanroom:to', 'cleanroom:part-size', 'cleanroom:parallel', 'cleanroom:once', 'cleanroom:case'), fc.string({ unit: 'binary', maxLength: 40 }).map((key) => `cleanroom:${key}`));
    await fc.assert(fc.asyncProperty(fc.array(fc.tuple(name, fc.string({ unit: 'binary', maxLength: 300 })), { maxLength: 6 }), async (tags) => {
      const { problems } = await tagLayer({ tags: () => Promise.resolve(new Map(tags)) });
      for (const { source, got = '' } of problems) expect(`${source}${got}`.replaceAll('…', '')).to.match(PRINTABLE); // what was cut ends so
    }), bounded(300));
  });
});
