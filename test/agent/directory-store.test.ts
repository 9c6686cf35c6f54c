import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type FileHandle, appendFile, chmod, link, mkdir, open as openFile, readFile, readdir, rename, rmdir, stat, symlink, truncate, unlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { takeLock } from '../../agent/adapters/stores/directory-lock.ts';
import { directoryStore } from '../../agent/adapters/stores/directory-store.ts';
import type { EvidenceStore, ImageUpload, PartDigests, UploadOptions } from '../../agent/adapters/stores/evidence-store.ts';
import { MiB, imageKey, partsOf, planLayout, recordKey } from '../../modules/vocabulary/index.ts';
import { describeDirectory } from '../contract/directory.ts';
import { rejectionOf } from '../helpers/rejection.ts';
import { digestsOf, partSourceOf } from '../helpers/slabs.ts';
import { tempDir } from '../helpers/temp-dir.ts';

describeDirectory('a directory', directoryStore);

const run = promisify(execFile);
const live = (): AbortSignal => new AbortController().signal;
const fixture = (name: string): string => join(import.meta.dirname, '../fixtures', name);

const KEY = imageKey('case-1', 'vol-1');
const RECORD = recordKey('case-1', 'vol-1', 'manifest.json');
const PART = 5 * MiB;
const IMAGE = Buffer.alloc(2 * PART + 1000, 'evidence ');
const LAYOUT = planLayout(IMAGE.length, { partSize: PART });
const PARTS = [...partsOf(LAYOUT)];
const OPTIONS: UploadOptions = { layout: LAYOUT, objectIndex: 0, metadata: { source: 'vol-1' } };

/** Starts a fixture and waits for the first line that it prints. */
async function startFixture(name: string, ...args: string[]): Promise<{ kill(): Promise<void> }> {
  const child = spawn(process.execPath, [fixture(name), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  await Promise.race([once(child.stdout, 'data'), exited]);
  expect(child.exitCode).to.equal(null);
  return {
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** Stores the parts that are missing. Returns the digests of all. */
async function putParts(upload: ImageUpload, image: Buffer = IMAGE): Promise<PartDigests[]> {
  const sources = PARTS.map((range) => partSourceOf(image, range));
  for (const source of sources) if (!upload.stored.has(source.range.partNumber)) await upload.putPart(source, live());
  return PARTS.map(({ offset, length }) => digestsOf(image.subarray(offset, offset + length)));
}

async function putAll(upload: ImageUpload, image: Buffer = IMAGE): Promise<void> {
  await upload.complete(await putParts(upload, image), live());
}

describe('a directory of evidence', () => {
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let root: string;
  let store: EvidenceStore;
  let opened: ImageUpload[];

  beforeEach(async () => {
    dir = await tempDir();
    root = join(dir.path, 'evidence');
    store = await directoryStore(root);
    opened = [];
  });
  afterEach(async () => {
    for (const upload of opened) await upload.release();
    await dir.remove();
  });

  async function open(options: Partial<UploadOptions> = {}, by = store): Promise<ImageUpload> {
    const upload = await by.openImage(KEY, { ...OPTIONS, ...options }, live());
    opened.push(upload);
    return upload;
  }
  const path = (suffix = ''): string => join(root, KEY + suffix);
  const modeOf = async (name: string): Promise<number> => (await stat(join(root, name))).mode & 0o777;
  const filesBeside = async (): Promise<string[]> => (await readdir(join(root, 'case-1/disk_evidence'))).toSorted();

  /** Leaves an upload whose parts 1 and 2 are stored. */
  const interrupted = async (): Promise<void> => {
    const upload = await open();
    for (const range of PARTS.slice(0, 2)) await upload.putPart(partSourceOf(IMAGE, range), live());
    await upload.release();
  };
  const journal = (): string => path('.partial.parts.jsonl');

  it('is for its owner only, and its finished files cannot be written', async () => {
    await putAll(await open());
    await store.putRecord(RECORD, Buffer.from('{}'), 'application/json', live());
    expect(await Promise.all(['', 'case-1', 'case-1/disk_evidence'].map(modeOf))).to.deep.equal([0o700, 0o700, 0o700]);
    expect(await Promise.all([KEY, RECORD].map(modeOf))).to.deep.equal([0o440, 0o440]);
    expect(await filesBeside()).to.deep.equal(['vol-1.image.dd', 'vol-1.manifest.json']);
  });

  it('is not made by reading', async () => {
    expect(await store.head(KEY, live())).to.equal(undefined);
    expect(await stat(root).catch(() => 'none')).to.equal('none');
  });

  it('is refused where a file of its name is', async () => {
    await writeFile(join(dir.path, 'file'), '');
    expect(await rejectionOf(directoryStore(join(dir.path, 'file')))).to.include({ code: 'STORE_UNFIT' });
  });

  describe('never leaves its root:', () => {
    for (const key of ['../x', 'a/../../x', '/etc/x', 'a//b', 'a/./b', '', 'a/', 'a b', 'a\u0000b', 'a\nb', 'a'.repeat(256), 'a.partial', 'a.partial.parts.jsonl']) {
      it(`refuses the key ${JSON.stringify(key.slice(0, 30))}`, async () => {
        const attempts = [
          store.putRecord(key, Buffer.from('x'), 'text/plain', live()),
          store.openImage(key, OPTIONS, live()),
          store.head(key, live()),
          store.read(key, undefined, live())[Symbol.asyncIterator]().next(),
        ];
        for (const error of await Promise.all(attempts.map(rejectionOf))) expect(error).to.include({ stage: 'store', code: 'PATH_UNSAFE' });
        expect(await readdir(dir.path)).to.deep.equal([]);
      });
    }

    it('refuses a symbolic link in the place of a directory', async () => {
      await mkdir(join(dir.path, 'outside'));
      await mkdir(join(root, 'case-1'), { recursive: true });
      await symlink(join(dir.path, 'outside'), join(root, 'case-1/disk_evidence'));
      await writeFile(join(dir.path, 'outside/vol-1.image.dd'), 'x');
      const attempts = [
        store.putRecord(RECORD, Buffer.from('x'), 'text/plain', live()),
        store.openImage(KEY, OPTIONS, live()),
        store.head(KEY, live()),
        store.read(KEY, undefined, live())[Symbol.asyncIterator]().next(),
        store.list('case-1/disk_evidence/', live())[Symbol.asyncIterator]().next(),
      ];
      for (const error of await Promise.all(attempts.map(rejectionOf))) expect(error).to.include({ code: 'PATH_UNSAFE' });
      expect(await store.list('', live())[Symbol.asyncIterator]().next()).to.deep.equal({ done: true, value: undefined });
      expect(await readdir(join(dir.path, 'outside'))).to.deep.equal(['vol-1.image.dd']);
    });

    for (const suffix of ['.partial', '.partial.parts.jsonl']) {
      it(`writes through no symbolic link in the place of its ${suffix} file`, async () => {
        await (await open()).release();
        await writeFile(join(dir.path, 'victim'), 'untouched');
        await unlink(path(suffix));
        await symlink(join(dir.path, 'victim'), path(suffix));
        expect(await rejectionOf(open())).to.include({ code: 'PATH_UNSAFE' });
        expect(await readFile(join(dir.path, 'victim'), 'utf8')).to.equal('untouched');
      });
    }
  });

  describe('when a collector was killed in the middle of a part', () => {
    it('is taken over by the next, which stores only what is missing', async () => {
      const size = 3 * PART;
      const image = Buffer.alloc(size);
      const layout = planLayout(size, { partSize: PART });
      const killed = await startFixture('storing-collector.ts', root, KEY, String(size));
      expect(await rejectionOf(open({ layout }))).to.include({ code: 'BUSY' });
      await killed.kill();

      const upload = await open({ layout });
      expect([...upload.stored.keys()]).to.deep.equal([1, 2]);
      const [, , third] = [...partsOf(layout)];
      const source = partSourceOf(image, third!);
      await upload.putPart(source, live());
      const digests = await source.digests;
      await upload.complete([digests, digests, digests], live());
      expect((await readFile(path())).equals(image)).to.equal(true);
      expect(await filesBeside()).to.deep.equal(['vol-1.image.dd']);
    });
  });

  describe('a journal of stored parts', () => {
    for (const [what, lost] of [['in its middle', 7], ['off its newline', 1]] as const) {
      it(`whose last line was torn ${what} is believed up to there, and goes on in a line of its own`, async () => {
        await interrupted();
        const text = await readFile(journal(), 'utf8');
        await truncate(journal(), text.length - lost);
        const upload = await open();
        expect([...upload.stored.keys()]).to.deep.equal([1]);
        await upload.putPart(partSourceOf(IMAGE, PARTS[1]!), live());
        await upload.release();
        expect(await readFile(journal(), 'utf8')).to.equal(text);
        await putAll(await open());
        expect((await readFile(path())).equals(IMAGE)).to.equal(true);
      });
    }

    it('is believed only up to the first line that is damaged', async () => {
      await interrupted();
      await appendFile(journal(), '\u0000\u0000\n{"part":1,"dropped":true}\n');
      expect([...(await open()).stored.keys()]).to.deep.equal([1, 2]);
    });

    it('does not make a part of what the file does not hold, not even once the file has grown again', async () => {
      await interrupted();
      await truncate(path('.partial'), 2 * PART - 1);
      let upload = await open();
      expect([...upload.stored.keys()]).to.deep.equal([1]);
      await upload.putPart(partSourceOf(IMAGE, PARTS[2]!), live());
      await upload.release();
      upload = await open();
      expect([...upload.stored.keys()]).to.deep.equal([1, 3]);
    });

    it('forgets a part before it is written anew', async () => {
      await interrupted();
      let upload = await open();
      await rejectionOf(upload.putPart(partSourceOf(IMAGE, PARTS[1]!, { breakAt: 2 * MiB }), live()));
      await upload.release();
      upload = await open();
      expect([...upload.stored.keys()]).to.deep.equal([1]);
    });

    it('of another layout is left alone, with what to do', async () => {
      await interrupted();
      const error = await rejectionOf(open({ layout: planLayout(IMAGE.length, { partSize: 6 * MiB }) }));
      expect(error).to.include({ stage: 'store', code: 'LAYOUT_DIFFERS', retryable: false });
      expect(error.message).to.equal(`${KEY} was begun with --part-size 5MiB, and is now asked for with --part-size 6MiB`);
      expect(error.advice).to.equal('Give --part-size 5MiB to take over what is stored, or begin anew with --resume never: what is stored stays beside it.');
      const split = await rejectionOf(open({ layout: planLayout(IMAGE.length, { partSize: 5 * MiB, maxObjectSize: 10 * MiB }) }));
      expect(split.message).to.match(/asked for with --part-size 5MiB --max-object-size 10MiB$/);
      expect([...(await open()).stored.keys()]).to.deep.equal([1, 2]);
    });

    it('of another source is left alone, but another attempt at the same one is welcome', async () => {
      await interrupted();
      expect(await rejectionOf(open({ metadata: { source: 'vol-2' } }))).to.include({ code: 'SOURCE_DIFFERS' });
      const larger = await rejectionOf(open({ layout: planLayout(IMAGE.length + 512, { partSize: 5 * MiB }) }));
      expect(larger).to.include({ code: 'SOURCE_DIFFERS', message: `${KEY} was begun from a source of ${IMAGE.length} bytes, and this one has ${IMAGE.length + 512}` });
      expect(larger.advice).to.contain('--resume never');
      expect([...(await open({ metadata: { source: 'vol-1', 'acquisition-id': 'next' } })).stored.keys()]).to.deep.equal([1, 2]);
    });

    it('that is none is left alone', async () => {
      await interrupted();
      await writeFile(journal(), '{"schema":"other"}\n');
      const error = await rejectionOf(open());
      expect(error).to.include({ code: 'JOURNAL_DAMAGED' });
      expect(error.advice).to.contain('--resume never');
      expect([...(await open({ anew: true })).stored.keys()]).to.deep.equal([]);
    });

    for (const [what, plant] of [['a FIFO', () => run('mkfifo', [journal()])], ['a directory', () => mkdir(journal())]] as const) {
      it(`that is ${what} is refused, and not waited for`, async () => {
        await interrupted();
        await unlink(journal());
        await plant();
        expect(await rejectionOf(open())).to.include({ stage: 'store', code: 'JOURNAL_DAMAGED', message: `${journal()} is not a regular file` });
        expect((await open({ anew: true })).stored.size).to.equal(0);
      });
    }

    for (const [what, lose] of [['missing', () => unlink(journal())], ['empty', () => truncate(journal(), 0)], ['torn in its first line', () => truncate(journal(), 20)]] as const) {
      it(`that is ${what} costs nothing of its data, which is neither believed nor written over`, async () => {
        await interrupted();
        await lose();
        const error = await rejectionOf(open());
        expect(error).to.include({ stage: 'store', code: 'JOURNAL_DAMAGED', message: `${path('.partial')} holds ${2 * PART} bytes, and ${journal()}, which says what they are, is missing or empty` });
        expect(error.advice).to.contain('--resume never');
        expect((await readFile(path('.partial'))).equals(IMAGE.subarray(0, 2 * PART))).to.equal(true);
        expect((await open({ anew: true })).stored.size).to.equal(0);
        const aside = (await filesBeside()).find((name) => /\.left-[0-9a-f]{16}\.partial$/.test(name))!;
        expect((await readFile(join(root, 'case-1/disk_evidence', aside))).equals(IMAGE.subarray(0, 2 * PART))).to.equal(true);
      });
    }
  });

  it('is whole when only the tidying up was interrupted: nothing is unfinished, nothing is written again', async () => {
    const upload = await open();
    for (const range of PARTS) await upload.putPart(partSourceOf(IMAGE, range), live());
    await upload.release();
    await link(path('.partial'), path());
    expect(await rejectionOf(open())).to.include({ code: 'EXISTS' });
    expect(await store.unfinished('', live())[Symbol.asyncIterator]().next()).to.deep.equal({ done: true, value: undefined });
    await unlink(path());
    await link(path('.partial'), join(root, 'elsewhere'));
    expect(await rejectionOf(open())).to.include({ code: 'PATH_UNSAFE' }); // two names: one may be evidence
  });

  it('calls no part stored of which some bytes were not made durable, whichever sync it was that failed', async () => {
    await writeFile(join(dir.path, 'any'), '');
    await using any = await openFile(join(dir.path, 'any'));
    const handles = Object.getPrototypeOf(any) as { datasync: (this: FileHandle) => Promise<void> };
    const { datasync } = handles;
    let failed = true;
    for (let [failing, slabSize] = [1, MiB / 2]; failed; [failing, slabSize] = slabSize < PART ? [failing, slabSize * 2] : [failing + 1, MiB / 2]) {
      failed = false;
      let syncs = 0;
      handles.datasync = async function () {
        await datasync.call(this);
        if (++syncs !== failing) return;
        failed = true;
        throw Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' });
      };
      try {
        const upload = await open();
        // in the collector a part of a directory has no digest of the stream's beside it
        const stored = PARTS.map((range) => upload.putPart({ ...partSourceOf(IMAGE, range, { slabSize }), digests: Promise.resolve({}) }, live()));
        await Promise.allSettled(stored);
        await upload.release();
      } finally {
        handles.datasync = datasync;
      }
      const lines = (await readFile(journal(), 'utf8')).trim().split('\n').slice(1).map((line) => JSON.parse(line) as { part: number; sha256: string });
      for (const { part, sha256 } of lines) {
        const { offset, length } = PARTS[part - 1]!;
        expect(sha256, `part ${part}, where sync ${failing} failed`).to.equal(digestsOf(IMAGE.subarray(offset, offset + length)).sha256.toString('hex'));
      }
      await unlink(path('.partial'));
      await unlink(journal());
    }
  });

  it('is used by nobody after it was let go of', async () => {
    const upload = await open();
    const hanging = rejectionOf(upload.putPart(partSourceOf(IMAGE, PARTS[0]!, { hangAt: MiB }), live()));
    await upload.release();
    expect(await hanging).to.include({ code: 'UPLOAD_CLOSED' });
    expect(await rejectionOf(upload.putPart(partSourceOf(IMAGE, PARTS[0]!), live()))).to.include({ code: 'UPLOAD_CLOSED' });
    expect(await rejectionOf(upload.complete([], live()))).to.include({ code: 'UPLOAD_CLOSED' });
    await upload.release();
  });

  it('completes no image whose file lost its end after its parts were stored', async () => {
    const upload = await open();
    const digests = await putParts(upload);
    await truncate(path('.partial'), IMAGE.length - 1);
    expect(await rejectionOf(upload.complete(digests, live()))).to.include({ code: 'SHORT_OBJECT' });
    await upload.release();
    expect(await stat(path()).catch(() => undefined)).to.equal(undefined);
  });

  it('refuses a part that is not in the plan', async () => {
    const upload = await open();
    for (const change of [{ partNumber: 4 }, { offset: 1 }, { objectIndex: 1 }, { length: 1 }]) {
      expect(await rejectionOf(upload.putPart(partSourceOf(IMAGE, { ...PARTS[0]!, ...change }), live()))).to.include({ code: 'PART_UNPLANNED' });
    }
  });

  it('says that it is full, leaves nothing that looks complete, and goes on once there is room', async function () {
    if (process.getuid?.() !== 0) return; // needs a mount of its own
    await mkdir(root);
    await run('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', root]);
    try {
      let upload = await open();
      await upload.putPart(partSourceOf(IMAGE, PARTS[0]!), live());
      const source = partSourceOf(IMAGE, PARTS[1]!);
      const error = await rejectionOf(upload.putPart(source, live()));
      expect(error).to.include({ stage: 'store', code: 'STORE_FULL', retryable: false });
      expect(error.message).to.contain(path('.partial')).and.to.contain('ENOSPC');
      expect(error.advice).to.contain('Make room');
      expect(source.releases.every((count) => count === 1)).to.equal(true);
      const record = await rejectionOf(store.putRecord(RECORD, Buffer.alloc(4 * MiB), 'text/plain', live()));
      expect(record).to.include({ code: 'STORE_FULL' });
      expect(await store.head(RECORD, live())).to.equal(undefined);
      expect(await store.list('', live())[Symbol.asyncIterator]().next()).to.deep.equal({ done: true, value: undefined });
      expect((await filesBeside()).filter((name) => !name.includes('.partial'))).to.deep.equal([]);
      await upload.release();

      await run('mount', ['-o', 'remount,size=20m', root]);
      upload = await open();
      expect([...upload.stored.keys()]).to.deep.equal([1]);
      await putAll(upload);
      expect((await readFile(path())).equals(IMAGE)).to.equal(true);
    } finally {
      for (const upload of opened) await upload.release();
      await run('umount', [root]);
    }
  });

  it('says that it is read-only', async () => {
    if (process.getuid?.() !== 0) return;
    await mkdir(root);
    await run('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', root]);
    try {
      expect(await rejectionOf(open())).to.include({ code: 'STORE_READ_ONLY', retryable: false });
    } finally {
      await run('umount', [root]);
    }
  });

  describe('its lock', () => {
    it('of a dead collector is taken over by one of several, and never held by two', async () => {
      const target = join(dir.path, 'image');
      for (let dead = 0; dead < 2; dead++) await (await startFixture('lock-contender.ts', target, 'die')).kill();
      expect((await readdir(dir.path)).length).to.equal(1); // the second took over from the first
      await Promise.all(Array.from({ length: 4 }, () => run(process.execPath, [fixture('lock-contender.ts'), target, '25'])));
      expect(await readdir(dir.path)).to.deep.equal([]);
    });

    it('is not taken from a process that only has the number of a dead one', async () => {
      const target = join(dir.path, 'image');
      const lock = await takeLock(target);
      const [name] = await readdir(dir.path);
      const holder = JSON.parse(await readFile(join(dir.path, name!), 'utf8')) as Record<string, unknown>;
      expect(holder).to.include({ pid: process.pid, host: hostname() });
      await lock.release();
      const lay = (change: object): Promise<void> => writeFile(join(dir.path, name!), JSON.stringify({ ...holder, ...change }));

      await lay({});
      expect(await rejectionOf(takeLock(target))).to.include({ code: 'BUSY' });
      for (const dead of [{ startTime: '1' }, { bootId: 'an earlier boot' }]) {
        await lay(dead);
        await (await takeLock(target)).release();
        expect(await readdir(dir.path)).to.deep.equal([]);
      }
    });

    it('of a process on another machine of the same name stays; of one before this machine was restarted it does not', async () => {
      const target = join(dir.path, 'image');
      const lock = await takeLock(target);
      const [name] = await readdir(dir.path);
      const { machine, ...old } = JSON.parse(await readFile(join(dir.path, name!), 'utf8')) as Record<string, unknown>;
      await lock.release();
      const lay = (content: object): Promise<void> => writeFile(join(dir.path, name!), JSON.stringify(content));
      const bootId = '11111111-2222-3333-4444-555555555555';

      for (const another of ['another machine', machine === null ? 'any' : null]) {
        await lay({ ...old, bootId, machine: another });
        const error = await rejectionOf(takeLock(target));
        expect(error).to.include({ code: 'BUSY' });
        expect(error.advice).to.contain(join(dir.path, name!));
        expect(await readdir(dir.path)).to.deep.equal([name]);
      }
      for (const restarted of [{ ...old, bootId, machine }, { ...old, bootId }]) { // the second as earlier versions wrote it
        await lay(restarted);
        await (await takeLock(target)).release();
        expect(await readdir(dir.path)).to.deep.equal([]);
      }
      await lay(old);
      expect(await rejectionOf(takeLock(target))).to.include({ code: 'BUSY' });
    });

    it('that cannot be read or understood stays, and the file is named; one that a crash tore does not', async () => {
      const target = join(dir.path, 'image');
      const file = join(dir.path, `image.partial.lock.${'0'.repeat(16)}`);
      const refused = async (): Promise<void> => {
        const error = await rejectionOf(takeLock(target));
        expect(error).to.include({ stage: 'store', code: 'BUSY', retryable: true });
        expect(error.message).to.contain(file);
        expect(error.advice).to.contain(file);
        expect(await readdir(dir.path)).to.deep.equal([basename(file)]);
      };
      await mkdir(file); // EISDIR, for root too
      await refused();
      await rmdir(file);
      await writeFile(file, '{"schema":"of a later version"}');
      await refused();
      for (const torn of ['', '{"pid":1', '\0\0']) {
        await writeFile(file, torn);
        await (await takeLock(target)).release();
        expect(await readdir(dir.path)).to.deep.equal([]);
      }
    });

    it('that is a FIFO, or a link to what has no end, stays, and is not waited for', async () => {
      const target = join(dir.path, 'image');
      const file = `${target}.partial.lock.0123456789abcdef`;
      for (const [plant, why] of [[() => run('mkfifo', [file]), 'it is no file that a collector writes'], [() => symlink('/dev/zero', file), 'ELOOP']] as const) {
        await plant();
        const error = await rejectionOf(takeLock(target));
        expect(error).to.include({ stage: 'store', code: 'BUSY' });
        expect(error.message).to.contain(`${file} cannot be read: ${why}`);
        expect(await readdir(dir.path)).to.deep.equal([basename(file)]);
        await unlink(file);
      }
    });

    it('of another user is not taken', async () => {
      if (process.getuid?.() !== 0) return; // needs two users
      const target = join(dir.path, 'image');
      await chmod(dir.path, 0o777);
      const lock = await takeLock(target);
      const held = await readdir(dir.path);
      const another = run('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, fixture('lock-contender.ts'), target, 'die'], { env: { ...process.env, FORCE_COLOR: '0' } });
      const { stderr } = (await another.catch((error: unknown) => error)) as { stderr: string };
      expect(stderr).to.contain("code: 'BUSY'").and.to.contain(`${join(dir.path, held[0]!)} cannot be read: EACCES`);
      expect(await readdir(dir.path)).to.deep.equal(held);
      await lock.release();
    });

    describe('or its file, when lost while an image is stored:', () => {
      const losses: readonly [string, () => Promise<void>][] = [
        ['the lock is removed', async () => unlink(join(root, 'case-1/disk_evidence', (await filesBeside()).find((name) => name.includes('.lock.'))!))],
        ['the file is completed by another', async () => {
          await rename(path('.partial'), path());
        }],
        ['another file has its name', async () => {
          await rename(path('.partial'), path('.taken'));
          await writeFile(path('.partial'), IMAGE);
        }],
      ];
      for (const [what, lose] of losses) {
        it(`nothing more is stored when ${what}`, async () => {
          const upload = await open();
          await upload.putPart(partSourceOf(IMAGE, PARTS[0]!), live());
          await lose();
          const contents = async (): Promise<Record<string, string>> => {
            const names = (await filesBeside()).filter((name) => !name.includes('.lock.'));
            return Object.fromEntries(await Promise.all(names.map(async (name) => [name, createHash('sha256').update(await readFile(join(root, 'case-1/disk_evidence', name))).digest('hex')] as const)));
          };
          const before = await contents();
          const error = await rejectionOf(upload.putPart(partSourceOf(IMAGE, PARTS[1]!), live()));
          expect(error).to.include({ stage: 'store', code: 'BUSY', retryable: true });
          expect(error.message).to.contain(path('.partial'));
          await rejectionOf(upload.complete([], live()));
          await upload.release();
          expect(await contents()).to.deep.equal(before);
        });

        it(`a part under way is not called stored when ${what}`, async () => {
          const upload = await open();
          const source = partSourceOf(IMAGE, PARTS[1]!);
          const slabs = async function* () {
            for await (const slab of source.slabs()) {
              yield slab;
              if (!lost) await lose();
              lost = true;
            }
          };
          let lost = false;
          const before = await readFile(journal(), 'utf8');
          expect(await rejectionOf(upload.putPart({ ...source, slabs }, live()))).to.include({ code: 'BUSY' });
          await upload.release();
          expect(await readFile(journal(), 'utf8')).to.equal(before);
        });

        it(`no image is completed when ${what}`, async () => {
          const upload = await open();
          const digests = await putParts(upload);
          await lose();
          const image = await readFile(path()).catch(() => undefined);
          expect(await rejectionOf(upload.complete(digests, live()))).to.include({ code: 'BUSY' });
          expect(await readFile(path()).catch(() => undefined)).to.deep.equal(image);
        });
      }
    });

    it('of a collector that cannot be seen from here stays, and the file to remove is named', async () => {
      const target = join(dir.path, 'image');
      const name = `image.partial.lock.${'0'.repeat(16)}`;
      const there = { pid: 1, startTime: '1', bootId: 'b', pidNamespace: 'n', host: 'other\u001b[2J' };
      await writeFile(join(dir.path, name), JSON.stringify(there));
      const error = await rejectionOf(takeLock(target));
      expect(error).to.include({ code: 'BUSY' });
      expect(error.message).to.contain('process 1 on other\\x1b[2J');
      expect(error.advice).to.contain(join(dir.path, name));
      expect(await readdir(dir.path)).to.deep.equal([name]);
    });
  });
});
