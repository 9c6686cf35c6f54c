import { closeSync, openSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { directoryStore } from '../../agent/adapters/stores/directory-store.ts';
import type { EvidenceStore } from '../../agent/adapters/stores/evidence-store.ts';
import { StageError } from '../../agent/errors.ts';
import type { Progress } from '../../agent/stages/acquire.ts';
import { verifyEvidence } from '../../agent/stages/verify.ts';
import { imageKey, LogEvent, recordKey } from '../../modules/vocabulary/index.ts';
import { makeRaw } from '../../scripts/lab/disks.ts';
import { attachBadDisk, type BadDisk } from '../helpers/bad-disk.ts';
import {
  CASE, collectFrom, doneOf, errorOf, EXHIBIT, flipByte, imageIn, makeImage, manifestIn, type Outcome, PART, problemsIn, readAll, type CollectPlan,
} from '../helpers/collect.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const SIZE = 3 * PART + 123_457;
const alone = { concurrency: 1 };

describe('an acquisition into a directory', function () {
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let store: EvidenceStore;
  let path: string;
  beforeEach(async () => {
    dir = await tempDir();
    store = await directoryStore(join(dir.path, 'evidence'));
    path = join(dir.path, 'disk.img');
  });
  afterEach(async () => {
    await store.close();
    await dir.remove();
  });

  const acquire = (plan: Partial<CollectPlan> = {}): Promise<Outcome> => collectFrom({ store, path, scratchDir: dir.path, ...plan });
  const expectNothingCompleted = async (): Promise<void> => {
    expect(await imageIn(store)).to.equal(undefined);
    expect(await manifestIn(store)).to.equal(undefined);
  };

  for (const size of [0, 1, 511, 512, 513, PART, PART + 1, SIZE]) {
    it(`images a file of ${size} bytes bit for bit, and proves it`, async () => {
      const image = await makeImage(path, size);
      const outcome = await acquire({ options: { reread: true, secondHash: true } });
      expect(doneOf(outcome)).to.include({ status: 'COMPLETE', bytes: size });
      expect((await imageIn(store))?.equals(image)).to.equal(true);
      expect(await problemsIn(store)).to.deep.equal([]);
      const { process, integrity, source } = (await manifestIn(store))!;
      expect(process).to.include({ exitCode: 0, signal: null, footer: 'completed', bytesStreamed: size, sectorSize: 512, sectorsIn: Math.floor(size / 512), badSectors: 0 });
      expect(source.size).to.equal(size);
      expect(integrity.reread).to.equal('identical');
      expect(outcome.of(LogEvent.imageReread).map(({ bytes }) => bytes)).to.deep.equal([size]);
      expect(integrity.secondSha256).to.equal(integrity.sha256);
    });
  }

  it('ends as the loser when its lock is removed, tries nothing again, and stores no record', async () => {
    await makeImage(path, SIZE);
    const folder = join(dir.path, 'evidence', CASE, 'disk_evidence');
    const onEvent = ({ event }: { event: string }): void => {
      if (event === LogEvent.partStored) for (const name of readdirSync(folder)) if (name.includes('.lock.')) rmSync(join(folder, name));
    };
    const outcome = await acquire({ onEvent, options: alone });
    expect(errorOf(outcome)).to.include({ code: 'BUSY', retryable: true });
    expect(errorOf(outcome).safe).to.contain('another collector');
    expect(outcome.of(LogEvent.partRetried)).to.deep.equal([]);
    expect((await readdir(folder)).toSorted()).to.deep.equal(['image.dd.partial', 'image.dd.partial.parts.jsonl'].map((end) => `${EXHIBIT}.${end}`));
  });

  it('says of itself alone that it stored nothing: an earlier attempt may have', async () => {
    await makeImage(path, SIZE);
    await mkdir(join(dir.path, 'evidence'));
    await writeFile(join(dir.path, 'evidence', CASE), '');
    expect(errorOf(await acquire())).to.include({ code: 'PATH_UNSAFE', safe: 'This attempt stored nothing.' });
  });

  it('leaves image, manifest and two logs, and nothing else, anywhere', async () => {
    await makeImage(path, 1000);
    doneOf(await acquire());
    const names = (await readdir(join(dir.path, 'evidence', CASE, 'disk_evidence'))).toSorted();
    expect(names.filter((name) => !name.startsWith('.'))).to.deep.equal(['capture.log', 'custody.jsonl', 'image.dd', 'manifest.json'].map((end) => `${EXHIBIT}.${end}`));
    expect((await readdir(dir.path)).toSorted()).to.deep.equal(['disk.img', 'evidence']);
  });

  it('tells how far it is, up to the last byte read and stored', async () => {
    await makeImage(path, SIZE);
    const seen: Progress[] = [];
    doneOf(await acquire({ onProgress: (phase, progress) => phase === 'image' && seen.push(progress) }));
    expect(seen.at(-1)).to.deep.equal({ total: SIZE, read: SIZE, stored: SIZE });
    for (const key of ['read', 'stored'] as const) expect(seen.map((progress) => progress[key])).to.deep.equal(seen.map((progress) => progress[key]).toSorted((a, b) => a - b));
  });

  it("stores dc3dd's own log and the collector's beside the image", async () => {
    await makeImage(path, 1000);
    const { acquisitionId } = doneOf(await acquire());
    const log = (await readAll(store, recordKey(CASE, EXHIBIT, 'capture.log'))).toString();
    expect(log).to.contain('dc3dd completed at ').and.to.contain('1 sectors + 488 bytes in').and.to.contain(acquisitionId).and.to.contain(LogEvent.partStored);
  });

  it('takes over what an interrupted attempt stored', async () => {
    const image = await makeImage(path, SIZE);
    const controller = new AbortController();
    const onEvent: CollectPlan['onEvent'] = ({ event }) => event === LogEvent.partStored && controller.abort(new Error('interrupted'));
    errorOf(await acquire({ signal: controller.signal, onEvent, options: alone }));
    await expectNothingCompleted();
    const outcome = await acquire();
    expect(doneOf(outcome).takenOver).to.be.within(1, 3);
    expect((await imageIn(store))?.equals(image)).to.equal(true);
    expect(await problemsIn(store)).to.deep.equal([]);
    const [{ unvouched, ...exhibit } = {}] = (await verifyEvidence(store, {}, AbortSignal.timeout(60_000))).exhibits;
    expect(unvouched, "the interrupted attempt's capture log").to.equal(undefined);
    expect(exhibit).to.include({ ok: true });
  });

  it('reads back the parts that it took over too, and completes nothing where one is not what was stored', async () => {
    await makeImage(path, SIZE);
    const controller = new AbortController();
    const onEvent: CollectPlan['onEvent'] = ({ event }) => event === LogEvent.partStored && controller.abort(new Error('interrupted'));
    errorOf(await acquire({ signal: controller.signal, onEvent, options: alone }));
    await flipByte(join(dir.path, 'evidence', `${imageKey(CASE, EXHIBIT)}.partial`), PART - 1);
    const error = errorOf(await acquire());
    expect(error).to.include({ stage: 'prove', code: 'STORED_DIFFERS' });
    expect(error.message).to.contain(`part 1 of ${imageKey(CASE, EXHIBIT)} (bytes 0 to ${PART})`);
    expect(await manifestIn(store)).to.equal(undefined);
  });

  it('says PART_MISMATCH where the source changed since an interrupted attempt', async () => {
    await makeImage(path, SIZE);
    const controller = new AbortController();
    const onEvent: CollectPlan['onEvent'] = ({ event }) => event === LogEvent.partStored && controller.abort(new Error('interrupted'));
    errorOf(await acquire({ signal: controller.signal, onEvent, options: alone }));
    await flipByte(path, 0);
    expect(errorOf(await acquire()).code).to.equal('PART_MISMATCH');
    await expectNothingCompleted();
  });

  it('takes up an image whose manifest was never written, and compares it first', async () => {
    const image = await makeImage(path, SIZE);
    doneOf(await acquire());
    await rm(join(dir.path, 'evidence', recordKey(CASE, EXHIBIT, 'manifest.json')));
    expect(doneOf(await acquire()).takenOver).to.equal(4);
    expect(await problemsIn(store)).to.deep.equal([]);

    await rm(join(dir.path, 'evidence', recordKey(CASE, EXHIBIT, 'manifest.json')));
    await flipByte(join(dir.path, 'evidence', imageKey(CASE, EXHIBIT)), PART + 9);
    const error = errorOf(await acquire());
    expect(error.code).to.equal('STORED_DIFFERS');
    expect(error.message).to.contain('part 2');
    expect(await manifestIn(store)).to.equal(undefined);
    expect((await imageIn(store))?.length).to.equal(image.length);
  });

  it('does nothing where the exhibit has a manifest', async () => {
    await makeImage(path, 1000);
    doneOf(await acquire());
    const before = await manifestIn(store);
    const again = await acquire();
    expect(errorOf(again)).to.include({ code: 'COLLECTED', retryable: false });
    expect(again.of(LogEvent.sourceOpened), 'the source is not read').to.deep.equal([]);
    expect(await manifestIn(store)).to.deep.equal(before);
  });

  it('completes nothing where the source shrinks while it is read, though dc3dd may end with 0', async () => {
    await makeImage(path, 9 * PART);
    await chmod(path, 0o644);
    const onEvent: CollectPlan['onEvent'] = ({ event }) => event === LogEvent.partStored && truncateSync(path, 8 * PART);
    const error = errorOf(await acquire({ onEvent, options: alone }));
    expect(error.code).to.be.oneOf(['SOURCE_SHRANK', 'DC3DD_FAILED', 'NOT_PROVEN']);
    await expectNothingCompleted();
  });

  for (const [where, at] of [['behind the reader', 1000], ['before the reader', 8 * PART + 1000]] as const) {
    it(`completes nothing where an image file is written to while it is read, ${where}`, async () => {
      await makeImage(path, 9 * PART);
      await chmod(path, 0o644);
      let written = false;
      const onEvent: CollectPlan['onEvent'] = ({ event }) => {
        if (event !== LogEvent.partStored || written) return;
        written = true;
        const file = openSync(path, 'r+');
        writeSync(file, 'changed', at);
        closeSync(file);
      };
      const error = errorOf(await acquire({ onEvent, options: alone }));
      expect(error).to.include({ stage: 'prove', code: 'NOT_PROVEN' });
      expect(error.message).to.match(/the source was changed while it was read: its mtime was .*Z and is .*Z, its ctime was/);
      await expectNothingCompleted();
    });
  }

  it('completes nothing where the source grows while it is read', async () => {
    await makeImage(path, SIZE);
    await chmod(path, 0o644);
    let grown = false;
    const onEvent: CollectPlan['onEvent'] = ({ event }) => {
      if (event !== LogEvent.partStored || grown) return;
      grown = true;
      writeFileSync(path, readFileSync(path).subarray(0, 777), { flag: 'a' });
    };
    const error = errorOf(await acquire({ onEvent, options: alone }));
    expect(error).to.include({ stage: 'prove', code: 'NOT_PROVEN' });
    expect(error.message).to.contain(`${SIZE} bytes before the reading and ${SIZE + 777} after it`);
    await expectNothingCompleted();
  });

  /** A program in dc3dd's place: for endings that the real one cannot be made to have. */
  const instead = async (script: string): Promise<CollectPlan['tool']> => {
    const file = join(dir.path, 'tool');
    await writeFile(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return { path: file, binarySha256: '0'.repeat(64) };
  };

  const endings: readonly [what: string, script: string, code: string, reason: RegExp, advice: RegExp][] = [
    ['is killed', 'dc3dd "$@" 2>/dev/null | head -c 3000000; kill -KILL $$', 'DC3DD_FAILED', /ended by SIGKILL/, /^Find out what ended dc3dd/],
    ['is killed when it has given everything', 'dc3dd "$@" 2>/dev/null; kill -KILL $$', 'NOT_PROVEN', /ended by SIGKILL/, /^Find out what ended dc3dd/],
    ['gives everything, but says that it failed', 'dc3dd "$@" 2>/dev/null; exit 2', 'NOT_PROVEN', /exit 2/, /^Look at the source/],
    ['gives everything, but leaves no log', 'cat /proc/self/fd/3', 'NOT_PROVEN', /"missing"/, /^dc3dd's log could not be written or read: see that \S+ has room/],
    ['gives too little and says that it completed', 'dc3dd "$@" 2>/dev/null | head -c 3000000', 'SOURCE_SHRANK', /3000000 bytes of/, /^Check the source/],
    ['gives too much and says that it completed', 'dc3dd "$@" 2>/dev/null; echo more', 'NOT_PROVEN', /5 bytes more/, /^Look at the source/],
    ['gives nothing at all', 'exit 0', 'SOURCE_SHRANK', /after 0 bytes/, /^Check the source/],
  ];
  for (const [what, script, code, reason, advice] of endings) {
    it(`completes nothing where dc3dd ${what}, and says where to look`, async () => {
      await makeImage(path, SIZE);
      const tool = await instead(script);
      const error = errorOf(await acquire(tool ? { tool } : {}));
      expect(error.code).to.equal(code);
      expect(error.message).to.match(reason);
      expect(error.advice).to.match(advice);
      await expectNothingCompleted();
      expect(doneOf(await acquire()).status, 'the real one then does').to.equal('COMPLETE');
    });
  }

  it('completes nothing where dc3dd gives nothing for longer than the source may be silent', async () => {
    await makeImage(path, SIZE);
    const tool = await instead('dc3dd "$@" 2>/dev/null | head -c 3000000; exec sleep 600');
    const error = errorOf(await acquire({ ...(tool && { tool }), options: { stallSeconds: 5 } }));
    expect(error.code).to.equal('SOURCE_STALLED');
    expect(error.message).to.match(/gave nothing after 2621440 of \d+ bytes/);
    await expectNothingCompleted();
  });

  it('says that dc3dd is missing where it cannot be started', async () => {
    await makeImage(path, 1000);
    const error = errorOf(await acquire({ tool: { path: join(dir.path, 'nothing'), binarySha256: '0'.repeat(64) } }));
    expect(error.code).to.equal('DC3DD_MISSING');
    await expectNothingCompleted();
  });

  it('is verified where its manifest is there though that was not confirmed: an attempt has one capture log, whatever became of its scratch disk', async () => {
    await makeImage(path, 1000);
    const scratchDir = join(dir.path, 'scratch');
    await mkdir(scratchDir);
    const put = store.putRecord.bind(store);
    await put(recordKey(CASE, EXHIBIT, 'capture.log'), Buffer.from('of an attempt that was killed'), 'text/plain', new AbortController().signal);
    store.putRecord = async (key, ...rest) => {
      const stored = await put(key, ...rest);
      if (!key.endsWith('manifest.json')) return stored;
      await rm(scratchDir, { recursive: true });
      throw new StageError('store', 'STORE_FAILED', 'input/output error', { retryable: true });
    };
    const outcome = await acquire({ scratchDir });
    expect(errorOf(outcome).code).to.equal('STORE_FAILED');
    expect(await problemsIn(store)).to.deep.equal([]);
    expect(outcome.of(LogEvent.warning), 'its logs are stored').to.deep.equal([]);
  });

  it('tells of a place that cannot hold the evidence, and leaves nothing that looks complete', async () => {
    await makeImage(path, 1000);
    await mkdir(join(dir.path, 'evidence', CASE), { recursive: true });
    await writeFile(join(dir.path, 'evidence', CASE, 'disk_evidence'), 'a file');
    expect(errorOf(await acquire()).stage).to.equal('store');
  });

  describe('of a disk with bad sectors', () => {
    let bad: BadDisk | undefined;
    afterEach(async () => {
      await bad?.remove();
      bad = undefined;
    });
    const attach = async (size: number, ...ranges: string[]): Promise<Buffer> => {
      await makeRaw(path, size);
      bad = await attachBadDisk(path, ranges);
      const expected = readFileSync(path);
      for (const [first, last] of ranges.map((range) => range.split('-').map(Number))) expected.fill(0, first! * 512, ((last ?? first)! + 1) * 512);
      return expected;
    };

    it('is PARTIAL: every bad sector is mapped, those at the end too, zero in the image, and no other is', async () => {
      const expected = await attach(PART + 1024 * 1024, '5', '100-110', '12286-12287');
      const outcome = await acquire({ path: bad!.path, options: { reread: true } });
      expect(doneOf(outcome).status).to.equal('PARTIAL');
      expect((await imageIn(store))?.equals(expected)).to.equal(true);
      const { status, process } = (await manifestIn(store))!;
      expect([status, process.badSectors]).to.deep.equal(['PARTIAL', 14]);
      expect(process.badRanges).to.deep.equal([[5, 1], [100, 11], [12_286, 2]].map(([first, count]) => ({ offset: first! * 512, length: count! * 512, errno: 'EIO', tries: 4 })));
      expect(outcome.of(LogEvent.sourceBadRange)).to.have.length(3);
      expect(await problemsIn(store)).to.deep.equal([]);
      expect((await readAll(store, recordKey(CASE, EXHIBIT, 'capture.log'))).toString()).to.contain('bad range: offset 51200, length 5632, EIO');
    });

    it('is FAILED where every sector is bad, though dc3dd ends with 0 and "completed"', async () => {
      await attach(32 * 1024, '0-63');
      const error = errorOf(await acquire({ path: bad!.path }));
      expect(error).to.include({ stage: 'prove', code: 'NOT_PROVEN' });
      expect(error.message).to.contain('every sector of the source is bad');
      await expectNothingCompleted();
    });
  });
});
