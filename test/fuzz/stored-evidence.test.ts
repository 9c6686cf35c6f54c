import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import * as fc from 'fast-check';
import { directoryStore } from '../../agent/adapters/stores/directory-store.ts';
import { verifyEvidence } from '../../agent/stages/verify.ts';
import type { VerifyProblem } from '../../agent/stages/verify-report.ts';
import { storeExhibit, type StoredExhibit } from '../helpers/evidence.ts';
import { tempDir } from '../helpers/temp-dir.ts';
import { bounded, PRINTABLE } from './settings.ts';

const IMAGE = Buffer.alloc(48 * 512, 'The quick brown fox. ');
const live = new AbortController().signal;

describe('verifying evidence that somebody changed', () => {
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let stored: StoredExhibit;
  before(async () => {
    dir = await tempDir();
    const layout = { imageSize: IMAGE.length, partSize: 10_240, objectSize: 20_480, objectCount: 2 };
    stored = await storeExhibit(await directoryStore(dir.path), { image: IMAGE, layout });
  });
  after(() => dir.remove());

  /** What verify finds while a file has other content. */
  async function problemsWith(key: string, content: Uint8Array): Promise<readonly VerifyProblem[]> {
    const path = join(dir.path, key);
    const before = await readFile(path);
    await chmod(path, 0o600);
    try {
      await writeFile(path, content);
      const { ok, exhibits } = await verifyEvidence(await directoryStore(dir.path), {}, live);
      expect(ok).to.equal(exhibits.every(({ problems }) => problems.length === 0));
      return exhibits.flatMap(({ problems }) => problems);
    } finally {
      await writeFile(path, before);
    }
  }

  /** Tries single bytes of a file, and gives what verify says of each. */
  async function everyByte(key: string, runs: number, check: (problems: readonly VerifyProblem[], at: number) => void): Promise<void> {
    const genuine = await readFile(join(dir.path, key));
    await fc.assert(fc.asyncProperty(fc.nat(genuine.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
      const changed = Buffer.from(genuine);
      changed[at]! ^= change;
      check(await problemsWith(key, changed), at);
    }), bounded(runs));
  }

  it('finds nothing while it is genuine', async () => {
    expect((await verifyEvidence(await directoryStore(dir.path), {}, live)).ok).to.equal(true);
  });

  it('finds any changed byte of the image, and names its part', async () => {
    for (const [index, key] of stored.imageKeys.entries()) {
      await everyByte(key, 60, (problems, at) => {
        const place = problems.find(({ what, range }) => what === 'image' && range !== undefined);
        const offset = index * 20_480 + at;
        expect(place?.range?.start, 'start').to.be.at.most(offset);
        expect(place?.range?.end, 'end').to.be.above(offset);
      });
    }
  });

  it('finds any changed byte of the capture log, the custody log and the manifest, and names the record', async () => {
    for (const [key, what] of [[stored.captureKey, 'capture-log'], [stored.custodyKey, 'custody'], [stored.manifestKey, 'manifest']] as const) {
      await everyByte(key, 80, (problems) => expect(problems.map((problem) => problem.what)).to.include(what));
    }
  });

  it('finds a custody log with another line, one less, or two exchanged', async () => {
    const lines = (await readFile(join(dir.path, stored.custodyKey), 'utf8')).trimEnd().split('\n');
    for (const changed of [lines.toReversed(), lines.slice(1), lines.slice(0, -1), [...lines, lines[0]!]]) {
      const problems = await problemsWith(stored.custodyKey, Buffer.from(`${changed.join('\n')}\n`));
      expect(problems.map(({ what }) => what)).to.include('custody');
    }
  });

  it('survives any bytes in the place of a record, says so, and prints none of them raw', async () => {
    const json = fc.json({ maxDepth: 3 }).map((text) => Buffer.from(text));
    const content = fc.oneof(fc.uint8Array({ maxLength: 2000 }), json);
    for (const key of [stored.manifestKey, stored.custodyKey, stored.captureKey]) {
      await fc.assert(fc.asyncProperty(content, async (bytes) => {
        const problems = await problemsWith(key, bytes);
        expect(problems).to.not.have.length(0);
        for (const { message } of problems) expect(message).to.match(PRINTABLE);
      }), bounded(80));
    }
  });

  it('survives a genuine manifest with any of its values exchanged', async () => {
    const genuine = JSON.parse(await readFile(join(dir.path, stored.manifestKey), 'utf8')) as Record<string, unknown>;
    await fc.assert(fc.asyncProperty(fc.constantFrom(...Object.keys(genuine)), fc.jsonValue({ maxDepth: 2 }), async (field, value) => {
      fc.pre(JSON.stringify(genuine[field]) !== JSON.stringify(value));
      const problems = await problemsWith(stored.manifestKey, Buffer.from(JSON.stringify({ ...genuine, [field]: value })));
      expect(problems.some(({ what }) => what === 'manifest')).to.equal(true);
    }), bounded(100));
  });
});
