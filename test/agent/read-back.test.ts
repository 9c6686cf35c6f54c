import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, writeFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { execa } from 'execa';
import { directoryStore } from '../../agent/adapters/stores/directory-store.ts';
import type { EvidenceStore } from '../../agent/adapters/stores/evidence-store.ts';
import { openDirect, ReadBack } from '../../agent/adapters/stores/read-back.ts';
import { imageKey, LogEvent, MiB } from '../../modules/vocabulary/index.ts';
import { makeSparse } from '../../scripts/lab/disks.ts';
import { attachBadDisk, type BadDisk } from '../helpers/bad-disk.ts';
import { CASE, collectFrom, doneOf, errorOf, EXHIBIT, makeImage, manifestIn, PART } from '../helpers/collect.ts';
import { endOfProgram } from '../helpers/program.ts';
import { rejectionOf } from '../helpers/rejection.ts';
import { digestsOf } from '../helpers/slabs.ts';
import { tempDir } from '../helpers/temp-dir.ts';

/** Longer than the piece that is read at once, and no multiple of a block. */
const BYTES = randomBytes(2 * MiB + 12_345);

describe('reading back what was stored', () => {
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let file: FileHandle;
  let direct: FileHandle | undefined;
  const readBack = new ReadBack();
  beforeEach(async () => {
    dir = await tempDir();
    await writeFile(join(dir.path, 'file'), BYTES, { flush: true });
    file = await open(join(dir.path, 'file'), 'r+');
    direct = await openDirect(file);
  });
  afterEach(async () => {
    await direct?.close();
    await file.close();
    await dir.remove();
  });
  after(() => readBack.close());

  const ways = [['past the page cache', () => direct?.fd], ['through the page cache', () => undefined]] as const;
  for (const [way, descriptor] of ways) {
    describe(way, () => {
      const part = () => readBack.part({ plain: file.fd, direct: descriptor() });

      it('finds no difference in what is the same, wherever a slab begins and ends, and hashes it', async () => {
        const check = part();
        let position = 0;
        for (const length of [1, 4095, 4096, 4097, 512 * 1024, MiB + 1, BYTES.length]) {
          const slab = BYTES.subarray(position, position + length);
          expect(await check.firstDifference(slab, position), `${length} bytes at ${position}`).to.equal(undefined);
          position += slab.length;
        }
        expect(position).to.equal(BYTES.length);
        expect((await check.digest()).equals(digestsOf(BYTES).sha256)).to.equal(true);
      });

      for (const at of [0, 1, 4096, 512 * 1024 - 1, 512 * 1024, BYTES.length - 1]) {
        it(`names byte ${at} where only that one differs`, async () => {
          await file.write(Buffer.of(BYTES[at]! ^ 1), 0, 1, at);
          await file.sync();
          expect(await part().firstDifference(BYTES, 0)).to.equal(at);
        });
      }

      it('names the end of a file that ends early', async () => {
        await file.truncate(MiB + 7);
        await file.sync();
        expect(await part().firstDifference(BYTES, 0)).to.equal(MiB + 7);
        expect(await part().firstDifference(BYTES.subarray(2 * MiB), 2 * MiB)).to.equal(2 * MiB);
      });
    });
  }

  it('has no part for an empty one, whose SHA-256 is that of nothing', async () => {
    expect((await readBack.part({ plain: file.fd, direct: undefined }).digest()).equals(digestsOf(Buffer.alloc(0)).sha256)).to.equal(true);
  });

  it('keeps two parts that are read back at the same time apart', async () => {
    const half = MiB + 5;
    const [first, second] = [0, 1].map(() => readBack.part({ plain: file.fd, direct: undefined }));
    const differences = [second!.firstDifference(BYTES.subarray(half), half), first!.firstDifference(BYTES.subarray(0, half), 0)];
    expect(await Promise.all(differences)).to.deep.equal([undefined, undefined]);
    const digests = await Promise.all([first!.digest(), second!.digest()]);
    expect(digests.map((digest, index) => digest.equals(digestsOf(index === 0 ? BYTES.subarray(0, half) : BYTES.subarray(half)).sha256))).to.deep.equal([true, true]);
  });

  it('fails a part whose thread died, also between two questions; a later part has a thread of its own', async () => {
    const check = readBack.part({ plain: file.fd, direct: undefined });
    expect(await check.firstDifference(BYTES.subarray(0, MiB), 0)).to.equal(undefined);
    await readBack.start().terminate();
    const errors = [await rejectionOf(check.firstDifference(BYTES.subarray(MiB), MiB)), await rejectionOf(check.digest())];
    for (const error of errors) expect(error).to.include({ stage: 'store', code: 'READ_BACK_FAILED', retryable: false });
    const next = readBack.part({ plain: file.fd, direct: undefined });
    expect(await next.firstDifference(BYTES, 0)).to.equal(undefined);
    expect((await next.digest()).equals(digestsOf(BYTES).sha256)).to.equal(true);
  });

  it('lets a process end that started it and asked nothing', async () => {
    const { exitCode, isTerminated } = await endOfProgram(`import { ReadBack } from ${JSON.stringify(import.meta.resolve('../../agent/adapters/stores/read-back.ts'))}; new ReadBack().start();`);
    expect({ exitCode, isTerminated }).to.deep.equal({ exitCode: 0, isTerminated: false });
  });

  it('tells of a file that cannot be read', async () => {
    await using writeOnly = await open(join(dir.path, 'other'), 'w');
    const error = await rejectionOf(readBack.part({ plain: writeOnly.fd, direct: undefined }).firstDifference(BYTES, 0));
    expect(error).to.include({ stage: 'store', retryable: false });
    expect(error.message).to.contain('reading back byte 0').and.to.contain('EBADF');
  });
});

describe('an evidence directory on a disk that gives back other bytes than it was given', function () {
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let disk: BadDisk;
  let mounted: string;
  let store: EvidenceStore;
  beforeEach(async () => {
    dir = await tempDir();
    const image = await makeSparse(join(dir.path, 'evidence.img'), 64 * MiB);
    await execa('mkfs.ext4', ['-q', '-F', '-b', '4096', '-O', '^has_journal', image]);
    disk = await attachBadDisk(image, [`${(4 * MiB) / 512}-${(64 * MiB) / 512 - 1}:flip`], { writable: true }); // behind the file system's own blocks
    mounted = join(dir.path, 'mounted');
    await mkdir(mounted);
    await execa('mount', [disk.path, mounted]);
    store = await directoryStore(join(mounted, 'evidence'));
  });
  afterEach(async () => {
    await store.close();
    await execa('umount', [mounted]);
    await disk.remove();
    await dir.remove();
  });

  it('completes nothing: the first part fails during the pass, and its range is named, though the page cache has what was written', async () => {
    const path = join(dir.path, 'source.img');
    const image = await makeImage(path, 2 * PART + 1000);
    const outcome = await collectFrom({ store, path, scratchDir: dir.path, options: { concurrency: 1 } });
    const error = errorOf(outcome);
    expect(error).to.include({ stage: 'prove', code: 'STORED_DIFFERS', retryable: false });
    expect(error.message).to.match(new RegExp(`part 1 of ${imageKey(CASE, EXHIBIT)} \\(bytes 0 to ${PART}\\) is stored with other bytes than were read, the first of them at byte \\d+`));
    expect(outcome.of(LogEvent.partStored)).to.deep.equal([]);
    expect(await manifestIn(store)).to.equal(undefined);
    const partial = await readFile(join(mounted, 'evidence', `${imageKey(CASE, EXHIBIT)}.partial`));
    expect(partial.subarray(0, 4096).equals(image.subarray(0, 4096))).to.equal(true);
    const elsewhere = await directoryStore(join(dir.path, 'elsewhere'));
    expect(doneOf(await collectFrom({ store: elsewhere, path, scratchDir: dir.path })).status).to.equal('COMPLETE');
    await elsewhere.close();
  });
});
