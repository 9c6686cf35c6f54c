import { type FileHandle, open, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { expect } from 'chai';
import { readFilled, rereadPart } from '../../agent/adapters/reread-part.ts';
import { SLAB_SIZE } from '../../agent/adapters/slab-reader.ts';
import type { PartDigests, PartSource } from '../../agent/adapters/stores/evidence-store.ts';
import { rejectionOf } from '../helpers/rejection.ts';
import { digestsOf } from '../helpers/slabs.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const SIZE = 3 * SLAB_SIZE + 777;
const IMAGE = Buffer.alloc(SIZE, 'The quick brown fox. ');
const RANGE = { partNumber: 2, objectIndex: 0, offset: 500, length: SIZE - 1000 };
const FIRST = digestsOf(IMAGE.subarray(500, SIZE - 500));
const OPTIONS = { sectorSize: 512, patienceMs: 10_000 };
const live = new AbortController().signal;

describe('reading a part again', () => {
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let path: string;
  let handle: FileHandle;
  beforeEach(async () => {
    dir = await tempDir();
    path = join(dir.path, 'disk');
    await writeFile(path, IMAGE);
    handle = await open(path, 'r');
  });
  afterEach(async () => {
    await handle.close();
    await dir.remove();
  });

  const take = async (source: PartSource): Promise<Buffer> => {
    const chunks: Buffer[] = [];
    for await (const slab of source.slabs()) {
      chunks.push(Buffer.from(slab.bytes));
      slab.release();
    }
    return Buffer.concat(chunks);
  };
  const again = (first: PartDigests = FIRST, signal = live): PartSource => rereadPart(handle.fd, RANGE, first, OPTIONS, signal);

  it('gives the same bytes and digests as the first reading, from its own range only', async () => {
    const source = again();
    expect((await take(source)).equals(IMAGE.subarray(500, SIZE - 500))).to.equal(true);
    expect(await source.digests).to.equal(FIRST);
  });

  it('waits for a slab to come back before it writes over its memory', async () => {
    const slabs = again().slabs()[Symbol.asyncIterator]();
    const slab = (await slabs.next()).value!;
    const before = Buffer.from(slab.bytes);
    let came = false;
    const next = slabs.next().then(() => (came = true));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(came).to.equal(false);
    expect(before.equals(slab.bytes)).to.equal(true);
    slab.release();
    await next;
    expect(came).to.equal(true);
  });

  it('has no digests where its slabs are not taken to the end, and leaves nobody waiting for them', async () => {
    const source = again();
    for await (const slab of source.slabs()) {
      slab.release();
      break;
    }
    const told = await Promise.race([rejectionOf(source.digests), setImmediate('nothing')]);
    expect(told).to.include({ code: 'STORE_FAILED', retryable: true });
  });

  for (const kind of ['sha256', 'crc32', 'md5'] as const) {
    it(`says SOURCE_CHANGED where one bit differs from the first reading (${kind})`, async () => {
      const changed = Buffer.from(IMAGE);
      changed[2000]! ^= 1;
      await writeFile(path, changed);
      const source = again({ [kind]: FIRST[kind] });
      const error = await rejectionOf(take(source));
      expect(error).to.include({ name: 'StageError', stage: 'acquire', code: 'SOURCE_CHANGED', retryable: false });
      expect(error.message).to.contain(`bytes 500 to ${SIZE - 500}`);
      expect(await rejectionOf(source.digests)).to.equal(error);
    });
  }

  it('believes nothing where there is no digest to compare with', async () => {
    expect(await rejectionOf(take(again({})))).to.include({ code: 'SOURCE_CHANGED' });
  });

  it('says where the source ends now, when it has shrunk', async () => {
    await truncate(path, 600);
    const source = again();
    const error = await rejectionOf(take(source));
    expect(error).to.include({ code: 'SOURCE_SHRANK', retryable: false });
    expect(error.message).to.contain('byte 600');
  });

  it('says that the source cannot be read, and that trying again may help', async () => {
    const gone = await open(path, 'r');
    const { fd } = gone;
    await gone.close();
    const source = rereadPart(fd, RANGE, FIRST, OPTIONS, live);
    expect(await rejectionOf(take(source))).to.include({ code: 'SOURCE_UNREADABLE', retryable: true });
  });

  it('stops when it is told to', async () => {
    const controller = new AbortController();
    const source = again(FIRST, controller.signal);
    let slabs = 0;
    const error = await rejectionOf((async () => {
      for await (const slab of source.slabs()) {
        slabs++;
        controller.abort(new Error('enough'));
        slab.release();
      }
    })());
    expect(slabs).to.equal(1);
    expect(error.message).to.contain('enough');
  });

  it('fills a buffer up to the last byte of the source and not one further', async () => {
    const buffer = Buffer.alloc(1000);
    await readFilled(handle.fd, buffer, SIZE - 1000, OPTIONS);
    expect(buffer.equals(IMAGE.subarray(SIZE - 1000))).to.equal(true);
    expect(await rejectionOf(readFilled(handle.fd, buffer, SIZE - 999, OPTIONS))).to.include({ code: 'SOURCE_SHRANK' });
  });
});
