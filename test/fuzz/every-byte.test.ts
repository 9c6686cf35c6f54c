import { chmod, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { directoryStore } from '../../agent/adapters/stores/directory-store.ts';
import { verifyEvidence } from '../../agent/stages/verify.ts';
import type { VerifyProblem } from '../../agent/stages/verify-report.ts';
import { storeExhibit, type StoredExhibit } from '../helpers/evidence.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const OBJECT = 512;
const PART = 200;
const IMAGE = Buffer.from(Array.from({ length: OBJECT + 133 }, (_, index) => (index * 7) % 256));
const live = new AbortController().signal;

/** A byte that a reader may take for the same: other white space, or a letter in its other case. */
const kinOf = (byte: number): number[] => {
  if (byte === 0x20) return [0x0a];
  if (byte === 0x0a) return [0x20];
  return /[a-z]/i.test(String.fromCharCode(byte)) ? [byte ^ 0x20] : [];
};

describe('verifying evidence in which one byte was changed, whichever it is', function () {
  this.timeout(300_000);
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let stored: StoredExhibit;
  before(async () => {
    dir = await tempDir();
    const layout = { imageSize: IMAGE.length, partSize: PART, objectSize: OBJECT, objectCount: 2 };
    stored = await storeExhibit(await directoryStore(dir.path), { image: IMAGE, layout });
  });
  after(() => dir.remove());

  /** Changes each byte of a file in turn, by another bit each and to its kin, and gives the places where what verify says does not fit. */
  async function missed(key: string, fits: (problem: VerifyProblem, at: number) => boolean): Promise<number[]> {
    const path = join(dir.path, key);
    const genuine = await readFile(path);
    const store = await directoryStore(dir.path);
    await chmod(path, 0o600);
    const unnoticed: number[] = [];
    await using file = await open(path, 'r+');
    for (const [at, byte] of genuine.entries()) {
      for (const other of [byte ^ (1 << (at % 8)), ...kinOf(byte)]) {
        await file.write(Buffer.of(other), 0, 1, at);
        const { ok, exhibits } = await verifyEvidence(store, {}, live);
        if (ok || !exhibits.some(({ problems }) => problems.some((problem) => fits(problem, at)))) unnoticed.push(at);
      }
      await file.write(Buffer.of(byte), 0, 1, at);
    }
    expect((await verifyEvidence(store, {}, live)).ok, 'everything is put back').to.equal(true);
    return unnoticed;
  }

  it('finds it in the image, and names the object, the part and its range of bytes', async () => {
    for (const [index, key] of stored.imageKeys.entries()) {
      const offset = index * OBJECT;
      expect(await missed(key, ({ what, object, part, range }, at) => {
        const start = offset + at - (at % PART);
        return what === 'image' && object === index && part === Math.floor(at / PART) + 1 && range?.start === start && range.end === Math.min(start + PART, offset + OBJECT, IMAGE.length);
      })).to.deep.equal([]);
    }
  });

  for (const [name, what, keyOf] of [
    ['capture log', 'capture-log', ({ captureKey }: StoredExhibit) => captureKey],
    ['custody log', 'custody', ({ custodyKey }: StoredExhibit) => custodyKey],
    ['manifest', 'manifest', ({ manifestKey }: StoredExhibit) => manifestKey],
  ] as const) {
    it(`finds it in the ${name}, and names the record`, async () => {
      expect(await missed(keyOf(stored), (problem) => problem.what === what)).to.deep.equal([]);
    });
  }
});
