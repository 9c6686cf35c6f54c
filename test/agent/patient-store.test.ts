import { readdirSync, readlinkSync } from 'node:fs';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { hasAbandonedWork } from '../../agent/adapters/patience.ts';
import { directoryStore } from '../../agent/adapters/stores/directory-store.ts';
import type { EvidenceStore, ImageUpload, UploadOptions } from '../../agent/adapters/stores/evidence-store.ts';
import { PatientStore } from '../../agent/adapters/stores/patient-store.ts';
import { MiB, imageKey, partsOf, planLayout, recordKey } from '../../modules/vocabulary/index.ts';
import { describeDirectory } from '../contract/directory.ts';
import { startCli } from '../helpers/cli.ts';
import { mountFailingDirectory, type FailingDirectory } from '../helpers/failing-directory.ts';
import { rejectionOf } from '../helpers/rejection.ts';
import { partSourceOf } from '../helpers/slabs.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const PATIENCE_MS = 1000; // what is sound answers sooner, also on a machine that is loaded
const PART = 5 * MiB;
const IMAGE = Buffer.alloc(3 * PART, 'evidence ');
const LAYOUT = planLayout(IMAGE.length, { partSize: PART });
const PARTS = [...partsOf(LAYOUT)];
const OPTIONS: UploadOptions = { layout: LAYOUT, objectIndex: 0, metadata: { source: 'vol-1' } };
const KEY = imageKey('case-1', 'vol-1');
const RECORD = recordKey('case-1', 'vol-1', 'capture.log');
const live = (): AbortSignal => new AbortController().signal;

describeDirectory('a directory that is waited for', async (root) => new PatientStore(await directoryStore(root), 60_000));

describe('an evidence directory that does not answer', () => {
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let failing: FailingDirectory;
  let inner: EvidenceStore;
  let store: PatientStore;
  let opened: readonly ImageUpload[] = [];
  beforeEach(async () => {
    dir = await tempDir();
    failing = await mountFailingDirectory(dir.path, 'HANG', 1.5 * PART);
    inner = await directoryStore(join(failing.path, 'evidence'));
    store = new PatientStore(inner, PATIENCE_MS);
  });
  afterEach(async () => {
    failing.recover();
    await Promise.allSettled(opened.map((upload) => upload.release()));
    await settled();
    await inner.close();
    await failing.remove();
    await dir.remove();
  });

  /** Until nothing that was given up is still asked. */
  const settled = async (): Promise<void> => {
    while (hasAbandonedWork()) await sleep(10);
  };
  /** Whether a thread is left for other file systems. */
  const expectAThread = async (): Promise<void> => {
    expect(await Promise.race([stat('/'), sleep(5000, 'no answer')])).to.not.equal('no answer');
  };
  /** Where the images lie below the directory that does not answer. */
  const below = (): string => join(dir.path, 'below/evidence', KEY, '..');
  const openAll = async (): Promise<ImageUpload[]> =>
    (opened = await Promise.all(['vol-1', 'vol-2', 'vol-3', 'vol-4'].map((exhibit) => store.openImage(imageKey('case-1', exhibit), OPTIONS, live()))));
  const SILENT = { code: 'STORE_SILENT', stage: 'store', retryable: true } as const;

  it('is given up, is asked nothing more until it answers, and gives the image to the next attempt then', async () => {
    const upload = await store.openImage(KEY, OPTIONS, live());
    await upload.putPart(partSourceOf(IMAGE, PARTS[0]!), live());
    const error = await rejectionOf(upload.putPart(partSourceOf(IMAGE, PARTS[1]!), live()));
    expect(error).to.include(SILENT);
    expect(error.message).to.equal(`${inner.location} gave no answer for 1 s`);
    await upload.release(); // does not wait
    for (const asked of [store.head(KEY, live()), store.putRecord(RECORD, Buffer.from('x'), 'text/plain', live()), store.openImage(KEY, OPTIONS, live()), Array.fromAsync(store.list('', live()))]) {
      expect(await rejectionOf(asked)).to.include(SILENT);
    }
    expect(hasAbandonedWork()).to.equal(true);
    failing.recover();
    await settled();
    const again = await store.openImage(KEY, OPTIONS, live());
    expect([...again.stored.keys()]).to.deep.equal([1]);
    await again.release();
  });

  it('never holds all threads that ask file systems, however much is to be stored', async () => {
    const uploads = await openAll();
    const storing = uploads.flatMap((upload) => PARTS.map((range) => upload.putPart(partSourceOf(IMAGE, range, { slabSize: 64 * 1024 }), live())));
    const asked = Array.from({ length: 8 }, () => store.head(KEY, live()));
    const ended = await Promise.allSettled([...storing, ...asked]);
    expect(ended.filter(({ status }) => status === 'rejected').length).to.be.at.least(storing.length - 2);
    await expectAThread();
    failing.recover();
    await settled();
  });

  it('never holds all threads where syncs and names are what it does not answer', async () => {
    const [first, second] = await openAll();
    failing.hang('fsync');
    const asked: Promise<unknown>[] = [first!.putPart(partSourceOf(IMAGE, PARTS[0]!, { slabSize: PART }), live())];
    asked[0]!.catch(() => undefined);
    while ((await stat(join(below(), 'vol-1.image.dd.partial'))).size < PART) await sleep(5);
    failing.hang('fsync', 'getattr');
    asked.push(second!.putPart(partSourceOf(IMAGE, PARTS[0]!), live()), store.head(KEY, live()));
    expect((await Promise.allSettled(asked)).map(({ status }) => status)).to.deep.equal(['rejected', 'rejected', 'rejected']);
    await expectAThread();
    failing.recover();
    await settled();
  });

  it('never holds all threads where it does not answer that files are closed', async () => {
    const uploads = await openAll();
    failing.hang('flush');
    await Promise.allSettled(uploads.map((upload) => upload.release()));
    await expectAThread();
    failing.recover();
    await settled();
  });

  it('never holds all threads while it is read, and what it answers late is closed', async () => {
    const sound = new PatientStore(inner, 60_000);
    await sound.putRecord(RECORD, Buffer.alloc(4 * MiB, 'log '), 'text/plain', live());
    const readers = Array.from({ length: 5 }, () => store.read(RECORD, undefined, live())[Symbol.asyncIterator]());
    for (const reader of readers) await reader.next();
    failing.hang('read');
    const ended = await Promise.allSettled(readers.map(async (reader) => ({ ...(await reader.next()), ...(await reader.next()) })));
    expect(ended.map(({ status }) => status)).to.include('rejected');
    await expectAThread();
    failing.recover();
    for (const reader of readers) await reader.return?.(undefined);
    await settled();
    const open = readdirSync('/proc/self/fd').map((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`);
      } catch {
        return ''; // closed meanwhile
      }
    });
    expect(open.filter((path) => path.startsWith(failing.path))).to.deep.equal([]);
  });

  it('completes an image that it is asked to complete, however late, and lets go of it only then', async () => {
    failing.recover();
    const upload = await store.openImage(KEY, OPTIONS, live());
    const parts = [];
    for (const range of PARTS) parts.push(await upload.putPart(partSourceOf(IMAGE, range), live()));
    failing.hang('fsync');
    expect(await rejectionOf(upload.complete(parts, live()))).to.include(SILENT);
    await upload.release();
    failing.recover();
    await settled();
    expect(await store.head(KEY, live())).to.include({ length: IMAGE.length });
    expect(await readdir(below())).to.deep.equal(['vol-1.image.dd']);
  });

  it('does no harm where it comes back and does not let itself be let go of', async () => {
    const [first, second] = await openAll();
    failing.hang('write', 'flush');
    expect(await rejectionOf(first!.putPart(partSourceOf(IMAGE, PARTS[0]!), live()))).to.include(SILENT);
    await second!.release();
    const lock = (await readdir(below())).find((name) => name.startsWith('vol-2') && name.includes('.lock.'))!;
    await rm(join(below(), lock));
    await mkdir(join(below(), lock));
    const unhandled: unknown[] = []; // of which one ends a collector
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', note);
    failing.recover();
    await settled();
    await sleep(100);
    process.off('unhandledRejection', note);
    expect(unhandled).to.deep.equal([]);
  });

  it('lets go of an image that it opens after all', async () => {
    const upload = await store.openImage(KEY, OPTIONS, live());
    await rejectionOf(Promise.all(PARTS.map((range) => upload.putPart(partSourceOf(IMAGE, range), live()))));
    const other = new PatientStore(inner, PATIENCE_MS);
    const another = imageKey('case-1', 'vol-2');
    expect(await rejectionOf(other.openImage(another, OPTIONS, live()))).to.include(SILENT);
    failing.recover();
    await settled();
    await (await other.openImage(another, OPTIONS, live())).release();
  });

  it('is let go of within seconds where the collector is told to stop', async () => {
    const patient = new PatientStore(inner, 60_000);
    const told = new AbortController();
    const upload = await patient.openImage(KEY, OPTIONS, told.signal);
    const storing = PARTS.map((range) => upload.putPart(partSourceOf(IMAGE, range), told.signal));
    for (const part of storing) part.catch(() => undefined);
    await sleep(500);
    told.abort(new Error('told to stop'));
    expect((await Promise.allSettled(storing)).at(-1)).to.include({ status: 'rejected' });
    const error = await rejectionOf(upload.release());
    expect(error).to.include(SILENT);
    expect(error.message).to.equal(`${inner.location} gave no answer for 4 s`);
    expect((await rejectionOf(patient.head(KEY, live()))).message).to.equal(error.message);
    expect(hasAbandonedWork()).to.equal(true);
    failing.recover();
    await settled();
  });

  it('is given up where it did not even open', async () => {
    const opening = Promise.withResolvers<EvidenceStore>();
    expect(await rejectionOf(PatientStore.open('/evidence', () => opening.promise, 20))).to.include({ ...SILENT, message: '/evidence gave no answer for 0 s' });
    opening.resolve(inner);
    await settled();
  });

  for (const command of ['verify', 'uploads']) {
    it(`is given up by ${command}, to which it answers nothing at all`, async () => {
      failing.hang('getattr');
      const cli = startCli([command, failing.path, '--stall-seconds', '5', '--json']);
      expect(await cli.event('error')).to.include({ code: 'STORE_SILENT', stage: 'store' });
      failing.recover();
      await cli.ended;
    });
  }

  it('is not blamed for a source that is slower', async () => {
    failing.recover();
    const upload = await store.openImage(KEY, OPTIONS, live());
    const source = partSourceOf(IMAGE, PARTS[0]!, { hangAt: 2 * MiB });
    const storing = upload.putPart(source, live());
    await sleep(3 * PATIENCE_MS);
    source.goOn();
    expect(await storing).to.include({ partNumber: 1, length: PART });
    await sleep(2 * PATIENCE_MS); // nothing comes late of what is done
    expect(await store.head(KEY, live())).to.equal(undefined);
    await upload.release();
  });
});
