import { randomBytes } from 'node:crypto';
import { chmod, link, readFile, rename, stat, symlink, truncate, unlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { expect } from 'chai';
import { execa } from 'execa';
import { directoryStore } from '../../agent/adapters/stores/directory-store.ts';
import type { EvidenceStore, StoredObjectInfo } from '../../agent/adapters/stores/evidence-store.ts';
import { StageError } from '../../agent/errors.ts';
import { CustodyLog, describeAttemptRecord, storeAttemptRecord } from '../../agent/stages/record.ts';
import { verifyOtherCustody } from '../../agent/stages/verify-records.ts';
import { type ExhibitReport, exitForVerify, printVerifyReport, type VerifyReport } from '../../agent/stages/verify-report.ts';
import { verifyEvidence, type VerifyProgress } from '../../agent/stages/verify.ts';
import { type ImageLayout, type ManifestBody, MiB, imageKey, recordKey } from '../../modules/vocabulary/index.ts';
import { captureLogOfImage, sha256Hex, type ExhibitPlan, storeExhibit } from '../helpers/evidence.ts';
import { rejectionOf } from '../helpers/rejection.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const COLLECTOR = resolve(import.meta.dirname, '../../agent/cli.ts');

const live = (): AbortSignal => new AbortController().signal;

/** Parts far smaller than S3's, so that an image of a few hundred bytes has several. */
const tiny = (imageSize: number, partSize: number, partsPerObject: number): ImageLayout => ({
  imageSize,
  partSize,
  objectSize: partSize * partsPerObject,
  objectCount: Math.max(1, Math.ceil(imageSize / (partSize * partsPerObject))),
});

const IMAGE = Buffer.from(Array.from({ length: 512 }, (_, index) => (index * 7 + 3) % 256));

/** Six sectors; 1 to 3, which lie in three parts and two objects when a part has 768 bytes, and 5 are zeroes. */
const BAD = Buffer.concat([IMAGE, Buffer.alloc(3 * 512), IMAGE, Buffer.alloc(512)]);

/** The manifest of an image of which these sectors could not be read. */
const partial = (body: ManifestBody, bad: readonly (readonly [first: number, last: number])[]): ManifestBody => {
  const badRanges = bad.map(([first, last]) => ({ offset: first * 512, length: (last - first + 1) * 512, errno: 'EIO', tries: 4 }));
  return { ...body, status: 'PARTIAL', process: { ...body.process, badSectors: badRanges.reduce((sum, { length }) => sum + length / 512, 0), badRanges } };
};

const only = ({ exhibits }: VerifyReport): ExhibitReport => {
  expect(exhibits).to.have.length(1);
  return exhibits[0]!;
};

const flip = (at: number, mask = 1) => (bytes: Buffer): Buffer => {
  const changed = Buffer.from(bytes);
  changed[at]! ^= mask;
  return changed;
};

const withVersion = (body: ManifestBody): ManifestBody => ({
  ...body, storage: { ...body.storage, objects: body.storage.objects.map((object) => ({ ...object, versionId: 'v1', checksum: 'sum-1' })) },
});

describe('verify', () => {
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let store: EvidenceStore;
  let root: string;

  beforeEach(async () => {
    dir = await tempDir();
    root = join(dir.path, 'evidence');
    store = await directoryStore(root);
  });
  afterEach(() => dir.remove());

  const verify = (options = {}): Promise<VerifyReport> => verifyEvidence(store, options, live());
  const put = (plan: Partial<ExhibitPlan> = {}) => storeExhibit(store, { image: IMAGE, layout: tiny(512, 128, 100), ...plan });

  /** Changes a stored file behind the store's back. */
  async function tamper(key: string, change: (bytes: Buffer) => Buffer): Promise<void> {
    const path = join(root, key);
    const bytes = await readFile(path);
    await chmod(path, 0o600);
    await writeFile(path, change(bytes));
  }

  const problemsAfter = async (change: () => Promise<unknown>): Promise<ExhibitReport['problems']> => {
    await change();
    const exhibit = only(await verify());
    expect(exhibit.ok).to.equal(false);
    return exhibit.problems;
  };
  const names = async (options: object): Promise<string[]> => (await verify(options)).exhibits.map(({ caseId, exhibitId }) => `${caseId}/${exhibitId}`);

  /** The directory, but for what a directory cannot do by itself. */
  const altered = (changes: Partial<EvidenceStore>): EvidenceStore => new Proxy(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(changes, name) ?? Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const headOf = (more: Partial<StoredObjectInfo>): Pick<EvidenceStore, 'head'> => ({
    head: async (key, signal) => {
      const found = await store.head(key, signal);
      return found && key.endsWith('.dd') ? { ...found, ...more } : found;
    },
  });
  const faultyRead: EvidenceStore['read'] = async function* (key, range, signal) {
    if (key.endsWith('.dd')) {
      yield IMAGE.subarray(0, 200);
      throw new StageError('store', 'STORE_IO', 'input/output error', { retryable: false });
    }
    yield* store.read(key, range, signal);
  };

  describe('finds nothing wrong with', () => {
    const good: [string, Partial<ExhibitPlan>][] = [
      ['an exhibit as it was stored', {}],
      ['an image of one part', { layout: tiny(512, 512, 1) }],
      ['an image cut into several objects', { layout: tiny(512, 100, 2) }],
      ['an empty image', { image: Buffer.alloc(0), layout: tiny(0, 128, 100) }],
      ['an image file that ends inside a sector', { image: IMAGE.subarray(0, 500), layout: tiny(500, 128, 100) }],
      ['parts recorded by their CRC32', { partDigest: 'crc32' }],
      ['a PARTIAL image whose bad sectors are mapped, and zeroes', { image: BAD, layout: tiny(BAD.length, 768, 2), edit: (body) => partial(body, [[1, 3], [5, 5]]) }],
    ];
    for (const [what, plan] of good) {
      it(what, async () => {
        const { body } = await put(plan);
        const report = await verify();
        const exhibit = only(report);
        expect(exhibit.problems).to.deep.equal([]);
        expect(exhibit).to.include({ caseId: 'case-1', exhibitId: 'vol-0123456789abcdef0', ok: true, status: body.status, bytes: body.source.size });
        expect(exhibit.sha256).to.equal(sha256Hex(plan.image ?? IMAGE));
        expect(report).to.include({ ok: true, location: root });
        expect(exitForVerify(report)).to.equal(0);
      });
    }
  });

  it('names the first part that differs with its byte range, and lists every other', async () => {
    const { imageKeys } = await put();
    await tamper(imageKeys[0]!, (bytes) => flip(400)(flip(130)(bytes)));
    const exhibit = only(await verify());
    expect(exhibit.ok).to.equal(false);
    expect(exhibit.problems.map(({ what, part, range }) => ({ what, part, range }))).to.deep.equal([
      { what: 'image', part: 2, range: { start: 128, end: 256 } },
      { what: 'image', part: 4, range: { start: 384, end: 512 } },
      { what: 'image', part: undefined, range: undefined },
    ]);
    expect(exhibit.problems[2]!.message).to.contain(sha256Hex(IMAGE)).and.to.contain(exhibit.sha256);
  });

  it('counts a part of a split image from the start of the image', async () => {
    const { imageKeys } = await put({ layout: tiny(512, 100, 2) });
    await tamper(imageKeys[2]!, flip(5));
    expect(only(await verify()).problems[0]).to.deep.include({ what: 'image', object: 2, part: 1, range: { start: 400, end: 500 } });
  });

  it('finds a part that differs by its CRC32', async () => {
    const { imageKeys } = await put({ partDigest: 'crc32' });
    await tamper(imageKeys[0]!, flip(300));
    expect(only(await verify()).problems[0]).to.deep.include({ part: 3, range: { start: 256, end: 384 } });
  });

  describe('catches every single byte that is changed, and says where, in', () => {
    for (const which of ['manifest', 'custody', 'capture-log', 'image'] as const) {
      it(`the ${which}`, async () => {
        const exhibit = await put();
        const key = { manifest: exhibit.manifestKey, custody: exhibit.custodyKey, 'capture-log': exhibit.captureKey, image: exhibit.imageKeys[0]! }[which];
        const path = join(root, key);
        const original = await readFile(path);
        await chmod(path, 0o600);
        for (let at = 0; at < original.length; at++) {
          await writeFile(path, flip(at, 1 << (at % 8))(original));
          const { ok, problems } = only(await verify());
          expect(ok, `byte ${at}`).to.equal(false);
          expect(problems[0]!.what, `byte ${at}`).to.equal(which);
          if (which === 'image') expect(problems[0], `byte ${at}`).to.include({ part: Math.floor(at / 128) + 1 });
          if (which === 'custody') {
            const line = original.subarray(0, at).filter((byte) => byte === 10).length + 1;
            expect(problems.some(({ what, message }) => what === 'custody' && message.startsWith(`line ${line}: `)), `byte ${at}`).to.equal(true);
          }
        }
        await writeFile(path, original);
        expect((await verify()).ok).to.equal(true);
      });
    }
  });

  describe('is not taken in by', () => {
    it('an image that lost its end', async () => {
      const { imageKeys: [key] } = await put();
      const problems = await problemsAfter(() => truncate(join(root, key!), 300));
      expect(problems[0]!.message).to.contain('has 300 bytes, the manifest says 512');
      expect(problems[1]).to.deep.include({ part: 3, range: { start: 300, end: 512 } });
    });

    it('an image that grew', async () => {
      const { imageKeys: [key] } = await put();
      const problems = await problemsAfter(() => tamper(key!, (bytes) => Buffer.concat([bytes, Buffer.alloc(1)])));
      expect(problems[0]!.message).to.contain('has 513 bytes, the manifest says 512');
    });

    it('two parts that changed places', async () => {
      const { imageKeys: [key] } = await put();
      const problems = await problemsAfter(() => tamper(key!, (b) => Buffer.concat([b.subarray(128, 256), b.subarray(0, 128), b.subarray(256)])));
      expect(problems.map(({ part }) => part)).to.deep.equal([1, 2, undefined]);
    });

    it('an image that is gone', async () => {
      const { imageKeys: [key] } = await put();
      const [problem] = await problemsAfter(() => unlink(join(root, key!)));
      expect(problem).to.deep.include({ what: 'image', range: { start: 0, end: 512 } });
      expect(problem!.message).to.contain('is not there; the manifest names it');
    });

    it('a piece of a split image that is gone, and still checks the others', async () => {
      const { imageKeys } = await put({ layout: tiny(512, 100, 2) });
      await unlink(join(root, imageKeys[0]!));
      const problems = await problemsAfter(() => tamper(imageKeys[1]!, flip(0)));
      expect(problems.map(({ range }) => range)).to.deep.equal([{ start: 0, end: 200 }, { start: 200, end: 300 }]);
    });

    it('a piece that the manifest does not name', async () => {
      await put();
      const extra = imageKey('case-1', 'vol-0123456789abcdef0', 7);
      const [problem] = await problemsAfter(() => store.putRecord(extra, Buffer.from('x'), 'text/plain', live()));
      expect(problem!.message).to.contain(`${extra} is there, and the manifest does not name it`);
    });

    it('an image without a manifest: it is not evidence', async () => {
      const problems = await problemsAfter(() => put({ omit: ['manifest.json'] }));
      expect(problems).to.have.length(1);
      expect(problems[0]).to.include({ what: 'manifest' });
      expect(problems[0]!.message).to.contain('not evidence').and.to.contain('vol-0123456789abcdef0.image.dd');
    });

    it('a missing custody log or capture log', async () => {
      const problems = await problemsAfter(() => put({ omit: ['custody.jsonl', 'capture.log'] }));
      expect(problems.map(({ what }) => what)).to.deep.equal(['custody', 'capture-log']);
    });

    it('a custody log whose last event was cut off', async () => {
      const { custodyKey } = await put();
      const problems = await problemsAfter(() => tamper(custodyKey, (bytes) => bytes.subarray(0, bytes.indexOf('\n') + 1)));
      expect(problems.map(({ what }) => what)).to.deep.equal(['custody', 'custody', 'custody']);
    });

    it('a custody log that is whole, and concludes otherwise than the manifest or not at all', async () => {
      const whole = { status: 'COMPLETE', sha256: sha256Hex(IMAGE) };
      const [length, sha256] = [captureLogOfImage(IMAGE).length, sha256Hex(captureLogOfImage(IMAGE))];
      for (const [index, [deed, ...said]] of ([
        [['conclude', { ...whole, status: 'PARTIAL' }], 'it concludes with the status "PARTIAL", the manifest says COMPLETE'],
        [['conclude', { ...whole, sha256: '\u001b[31m' }], `it concludes with the sha256 "\\x5cu001b[31m", the manifest says ${sha256Hex(IMAGE)}`],
        [
          ['conclude', { ...whole, captureLog: { key: 'another', length: 1, sha256 } }],
          'it concludes with a capture log whose key is "another", the manifest says case-1/disk_evidence/vol-2.capture.log',
          `it concludes with a capture log whose length is 1, the manifest says ${length}`,
        ],
        [
          ['conclude', { ...whole, captureLog: null }],
          'it concludes with a capture log whose key is undefined, the manifest says case-1/disk_evidence/vol-3.capture.log',
          `it concludes with a capture log whose length is undefined, the manifest says ${length}`,
          `it concludes with a capture log whose sha256 is undefined, the manifest says ${sha256}`,
        ],
        [['acquire', {}], "its last event is not how the manifest's acquisition 01JD0000000000000000000000 was concluded"],
      ] as const).entries()) {
        const { exhibitId } = await put({ exhibitId: `vol-${index}`, afterwards: [deed] });
        expect(only(await verify({ exhibitId })).problems).to.deep.equal(said.map((message) => ({ what: 'custody', message })));
      }
    });

    it('a whole exhibit of another case under this name', async () => {
      const { manifestKey } = await put();
      const other = await put({ caseId: 'case-2' });
      await rename(join(root, other.manifestKey), join(root, manifestKey));
      const [first] = (await verify({ caseId: 'case-1' })).exhibits;
      expect(first!.problems[0]).to.include({ what: 'manifest' });
      expect(first!.problems[0]!.message).to.contain('it is of case case-2');
    });

    it("another attempt's custody log that was changed, cut off, or is of another exhibit", async () => {
      const { custodyKey, caseId, exhibitId } = await put({ afterwards: [['fail', {}]] });
      const genuine = await readFile(join(root, custodyKey), 'utf8');
      const name = 'vol-2.01JD0000000000000000000009.custody.jsonl';
      await put({ caseId: 'case-2', exhibitId: 'vol-2' });
      const path = join(root, 'case-2/disk_evidence', name);
      const ofOther = genuine.replaceAll(exhibitId, 'vol-2').replaceAll(caseId, 'case-2');
      for (const [text, said] of [
        [genuine, 'event 0 is of case case-1'],
        [ofOther, 'line 1: hash is'],
        [genuine.slice(0, genuine.indexOf('\n') + 1), 'its last event is not how the attempt ended'],
        ['', 'is empty'],
      ] as const) {
        await writeFile(path, text);
        const { ok, problems } = only(await verify({ caseId: 'case-2' }));
        expect(ok).to.equal(false);
        expect(problems.every(({ what, message }) => what === 'custody' && message.startsWith(`${name}: `))).to.equal(true);
        expect(problems.map(({ message }) => message).join('\n')).to.contain(said);
      }
    });

    it("a manifest whose keys are another exhibit's, and reads none of them", async () => {
      const other = await put({ exhibitId: 'vol-2' });
      await put({ edit: (body) => ({ ...body, storage: { ...body.storage, objects: [{ ...body.storage.objects[0]!, key: other.imageKeys[0]! }] } }) });
      const [exhibit] = (await verify({ exhibitId: 'vol-0123456789abcdef0' })).exhibits;
      expect(exhibit).to.include({ ok: false, bytes: 0 });
      expect(exhibit!.problems[0]!.message).to.contain('expected case-1/disk_evidence/vol-0123456789abcdef0.image.dd');
    });

    it('a symbolic link where the image was, though it leads to the same bytes', async () => {
      const { imageKeys: [key] } = await put();
      const path = join(root, key!);
      const [problem] = await problemsAfter(async () => {
        await link(path, join(dir.path, 'elsewhere'));
        await unlink(path);
        await symlink(join(dir.path, 'elsewhere'), path);
      });
      expect(problem).to.include({ what: 'image' });
      expect(problem!.message).to.contain('not a regular file');
    });

    it('a manifest that is sealed, and contradicts itself', async () => {
      const problems = await problemsAfter(() =>
        put({ edit: (body) => ({ ...body, process: { ...body.process, badSectors: 2, sectorsIn: 3, exitCode: 1 } }) }),
      );
      expect(problems.every(({ what }) => what === 'manifest')).to.equal(true);
      expect(problems.map(({ message }) => message).join('\n'))
        .to.contain('exit status is 1').and.to.contain('3 sectors in of 512 bytes').and.to.contain('COMPLETE with 2 bad sectors');
    });

    it('a map of bad sectors that names others than the zeroes of the image', async () => {
      const problems = await problemsAfter(() => put({ image: BAD, layout: tiny(BAD.length, 768, 2), edit: (body) => partial(body, [[0, 0], [2, 4]]) }));
      expect(problems).to.deep.equal([
        { what: 'image', message: 'the map says that this range could not be read and is zeroes, but byte 0 is not', range: { start: 0, end: 512 } },
        { what: 'image', message: 'the map says that this range could not be read and is zeroes, but byte 2048 is not', range: { start: 1024, end: 2560 } },
      ]);
    });

    it('a byte that is no text, where the manifest has the very sign that stands for such bytes', async () => {
      const { manifestKey } = await put({ edit: (body) => ({ ...body, accountable: 'Zo\ufffd' }) });
      const sign = Buffer.from('\ufffd');
      const [problem] = await problemsAfter(() => tamper(manifestKey, (bytes) => {
        const at = bytes.indexOf(sign);
        return Buffer.concat([bytes.subarray(0, at), Buffer.from([0xff]), bytes.subarray(at + sign.length)]);
      }));
      expect(problem).to.include({ what: 'manifest' });
    });

    it('a part list that does not cover the image', async () => {
      const problems = await problemsAfter(() =>
        put({ edit: (body) => ({ ...body, integrity: { ...body.integrity, parts: body.integrity.parts.filter(({ part }) => part !== 2) } }) }),
      );
      expect(problems.map(({ message }) => message).join('\n')).to.contain('bytes 128 to 256 are in no part');
    });
  });

  describe('stays upright when a manifest is', () => {
    const hostile: [string, Buffer][] = [
      ['empty', Buffer.alloc(0)],
      ['not UTF-8', randomBytes(4096)],
      ['no JSON, with terminal escapes in it', Buffer.from('\u001b[2J\u202e\r\n\u0007')],
      ['JSON with terminal escapes in its names', Buffer.from(JSON.stringify({ '\u001b[2J\u202e\r\n\u0007': 1 }))],
      ['nested a million deep', Buffer.from('['.repeat(1e6) + ']'.repeat(1e6))],
      ['an object nested a million deep', Buffer.from(`${'{"a":'.repeat(1e6)}1${'}'.repeat(1e6)}`)],
      ['a list of a million wrong parts', Buffer.from(JSON.stringify({ integrity: { parts: Array.from({ length: 1e6 }, () => 0) } }))],
      ['one line of a million characters', Buffer.from(JSON.stringify({ schema: 'x'.repeat(1e6) }))],
    ];
    for (const [what, bytes] of hostile) {
      it(what, async () => {
        await put({ omit: ['manifest.json'] });
        await store.putRecord(recordKey('case-1', 'vol-0123456789abcdef0', 'manifest.json'), bytes, 'text/plain', live());
        const report = await verify();
        const { ok, problems } = only(report);
        expect(ok).to.equal(false);
        expect(problems[0]!.what).to.equal('manifest');
        expect(problems.length).to.be.below(60);
        for (const { message } of problems) expect(message).to.match(/^[\x20-\x7e]{1,1700}$/);
        const lines: string[] = [];
        printVerifyReport(report, (line) => lines.push(line));
        for (const line of lines) expect(line).to.match(/^[\x20-\x7e]{1,2000}$/);
      });
    }

    it('larger than 64 MiB: it is not read', async () => {
      const { manifestKey } = await put();
      await truncate(join(root, manifestKey), 64 * MiB + 1);
      const [problem] = only(await verify()).problems;
      expect(problem!.message).to.contain('67108865 bytes');
    });
  });

  it('verifies all cases, or only what it is asked for', async () => {
    await put();
    await put({ caseId: 'case-2', exhibitId: 'vol-a' });
    await put({ caseId: 'case-2', exhibitId: 'vol-b' });
    expect(await names({})).to.deep.equal(['case-1/vol-0123456789abcdef0', 'case-2/vol-a', 'case-2/vol-b']);
    expect(await names({ caseId: 'case-2' })).to.deep.equal(['case-2/vol-a', 'case-2/vol-b']);
    expect(await names({ caseId: 'case-2', exhibitId: 'vol-b' })).to.deep.equal(['case-2/vol-b']);
  });

  it('does not call nothing verified', async () => {
    const report = await verify();
    expect(report.ok).to.equal(false);
    expect(report.problems[0]).to.contain('holds no disk evidence');
    expect(exitForVerify(report)).to.equal(1);
    await rejectionOf(stat(root)); // and makes no directory of that name
    await put();
    expect((await verify({ caseId: 'case-9' })).problems[0]).to.contain('of case case-9');
  });

  describe('by a user who may not read all of it', () => {
    const asNobody = (...args: string[]) =>
      execa('setpriv', ['--reuid', '65534', '--regid', '65534', '--clear-groups', '--', process.execPath, COLLECTOR, 'verify', root, ...args], { reject: false });

    for (const which of ['manifest', 'custody', 'capture-log', 'image'] as const) {
      it(`says nothing against the evidence, and ends with 4 (${which})`, async () => {
        const exhibit = await put();
        await execa('chmod', ['-R', 'a+rX', dir.path]);
        const key = { manifest: exhibit.manifestKey, custody: exhibit.custodyKey, 'capture-log': exhibit.captureKey, image: exhibit.imageKeys[0]! }[which];
        await chmod(join(root, key), 0o600);
        const { exitCode, stdout } = await asNobody('--json');
        const { problems } = only(JSON.parse(stdout) as VerifyReport);
        expect(problems.map(({ what, unread }) => [what, unread])).to.satisfy((all: unknown[][]) => all.length > 0 && all.every(([what, unread]) => what === which && unread === true));
        expect(exitCode).to.equal(4);
      });
    }

    it('tells them who may', async () => {
      const exhibit = await put();
      await execa('chmod', ['-R', 'a+rX', dir.path]);
      expect((await asNobody()).exitCode).to.equal(0);
      await chmod(join(root, exhibit.manifestKey), 0o600);
      expect((await asNobody()).stdout).to.match(/verify again as a user who may read all of it, once the store answers$/).and.not.contain('do not rely');
    });

    it('still ends with 1 where what may be read is wrong', async () => {
      const exhibit = await put();
      await tamper(exhibit.custodyKey, () => Buffer.from('x'));
      await execa('chmod', ['-R', 'a+rX', dir.path]);
      await chmod(join(root, exhibit.imageKeys[0]!), 0o600);
      expect((await asNobody()).exitCode).to.equal(1);
    });
  });

  it('goes on with the next exhibit after one that is wrong', async () => {
    const first = await put({ exhibitId: 'vol-a' });
    await put({ exhibitId: 'vol-b' });
    await tamper(first.manifestKey, () => Buffer.from('{}'));
    expect((await verify()).exhibits.map(({ ok }) => ok)).to.deep.equal([false, true]);
  });

  it('tells how far it is', async () => {
    const image = randomBytes(3 * MiB);
    await storeExhibit(store, { image });
    const seen: VerifyProgress[] = [];
    await verify({ onProgress: (progress: VerifyProgress) => seen.push(progress) });
    expect(seen.map(({ bytes }) => bytes)).to.deep.equal([MiB, 2 * MiB, 3 * MiB]);
    expect(seen[0]).to.deep.equal({ caseId: 'case-1', exhibitId: 'vol-0123456789abcdef0', bytes: MiB, total: 3 * MiB });
  });

  it('stops when it is told to', async () => {
    await storeExhibit(store, { image: randomBytes(3 * MiB) });
    const controller = new AbortController();
    const error = await rejectionOf(verifyEvidence(store, { onProgress: () => controller.abort() }, controller.signal));
    expect(error.name).to.equal('AbortError');
  });

  it('prints what a person needs to know', async () => {
    const { imageKeys } = await put();
    await put({ exhibitId: 'vol-2' });
    await tamper(imageKeys[0]!, flip(130));
    const lines: string[] = [];
    printVerifyReport(await verify(), (line) => lines.push(line));
    expect(lines[0]).to.match(/^NOT VERIFIED case-1 vol-0123456789abcdef0: COMPLETE, 512 B read in \d+\.\d s$/);
    expect(lines[2]).to.match(/^ {2}image, part 2, bytes 128 to 256 \(exclusive\): differs: its SHA-256 is /);
    expect(lines[4]).to.match(/^verified {5}case-1 vol-2: COMPLETE/);
    expect(lines.at(-1)).to.equal(`${dirname(join(root, 'x'))}: 1 verified, 1 not; do not rely on what is not`);
  });

  describe('of the logs of an attempt that failed', () => {
    const ATTEMPT = { caseId: 'case-1', exhibitId: 'vol-0123456789abcdef0', acquisitionId: '01JD0000000000000000000009', accountable: 'responder' };
    const LOG = 'dc3dd 7.2.646 started\ndc3dd aborted\n';
    const name = `${ATTEMPT.exhibitId}.${ATTEMPT.acquisitionId}.capture.log`;
    const key = `case-1/disk_evidence/${name}`;

    /** Stores them as the collector does. @param said of its capture log, by each of these events */
    async function putAttempt(said: readonly (readonly [action: string, text: string, key?: string])[] = [['fail', LOG]], stored: string | null = LOG): Promise<void> {
      const custody = new CustodyLog(ATTEMPT);
      for (const [action, text, elsewhere] of said) {
        const captureLog = describeAttemptRecord(ATTEMPT, 'capture.log', text);
        custody.add(action, { captureLog: elsewhere === undefined ? captureLog : { ...captureLog, key: elsewhere } });
      }
      await storeAttemptRecord(store, ATTEMPT, 'custody.jsonl', custody.text(), live());
      if (stored !== null) await storeAttemptRecord(store, ATTEMPT, 'capture.log', stored, live());
    }

    it('catches every single byte that is changed in its capture log, and says where', async () => {
      await put();
      await putAttempt();
      expect(only(await verify())).to.include({ ok: true }).and.to.not.have.any.keys('unvouched', 'lacking');
      const path = join(root, key);
      await chmod(path, 0o600);
      for (let at = 0; at < LOG.length; at++) {
        await writeFile(path, flip(at, 1 << (at % 8))(Buffer.from(LOG)));
        const { ok, problems } = only(await verify());
        expect(ok, `byte ${at}`).to.equal(false);
        expect(problems[0]!.what).to.equal('capture-log');
        expect(problems[0]!.message).to.match(new RegExp(`^${name}: its SHA-256 is [0-9a-f]{64}, a custody log says ${sha256Hex(LOG)}$`));
      }
    });

    it('says of a capture log whose attempt may have ended before it was stored that it is not there, and misses one that was', async () => {
      await put();
      await putAttempt([['fail', LOG]], null);
      const report = await verify();
      expect(only(report)).to.deep.include({ ok: true, lacking: [key] });
      const lines: string[] = [];
      printVerifyReport(report, (line) => lines.push(line));
      expect(lines).to.include(`  not there, removed or never stored, as their attempt was ending: ${key}`);
      await unlink(join(root, key.replace('capture.log', 'custody.jsonl')));
      await putAttempt([['conclude', LOG], ['fail', LOG]], null);
      expect(await problemsAfter(async () => {})).to.deep.equal([{ what: 'capture-log', message: `${name}: is not there` }]);
    });

    it('believes no custody log that says two things of a capture log, and lists a bounded number of what it says', async () => {
      await put();
      await putAttempt([['conclude', LOG], ...Array.from({ length: 200 }, (_, index) => ['fail', String(index)] as const)]);
      const problems = await problemsAfter(async () => {});
      expect(problems).to.have.length.within(1, 51);
      expect(problems.every(({ what, message }) => what === 'capture-log' && message.includes(name) || message.includes('are not listed'))).to.equal(true);
    });

    it('keeps nothing of what a hostile custody log says but what is compared', async () => {
      const custody = new CustodyLog(ATTEMPT);
      custody.add('fail', { captureLog: { ...describeAttemptRecord(ATTEMPT, 'capture.log', LOG), versionId: 'x'.repeat(9000) } });
      const { key: custodyKey } = await storeAttemptRecord(store, ATTEMPT, 'custody.jsonl', custody.text(), live());
      const { named } = await verifyOtherCustody(store, custodyKey, ATTEMPT, live());
      expect(named).to.deep.equal([{ key, length: LOG.length, sha256: sha256Hex(LOG), mayLack: true }]);
    });

    it('reads nothing that a custody log names and its attempt cannot have stored', async () => {
      await put();
      const other = await put({ exhibitId: 'vol-2' });
      const another = key.replace('0009', '0008');
      await writeFile(join(root, another), LOG);
      await putAttempt([['fail', '', other.captureKey], ['fail', '', another], ['fail', '', '../../etc/passwd'], ['fail', LOG]]);
      const exhibit = only(await verify({ exhibitId: ATTEMPT.exhibitId }));
      expect(exhibit).to.deep.include({ ok: true, unvouched: [another] });
    });

    it("is not taken in by one attempt's custody log under the name of another's", async () => {
      await put();
      await putAttempt();
      const [from, to] = [key, key.replace('0009', '0008')].map((log) => join(root, log.replace('capture.log', 'custody.jsonl'))) as [string, string];
      const problems = await problemsAfter(() => rename(from, to));
      expect(problems).to.deep.equal([{ what: 'custody', message: `${basename(to)}: event 0 is of acquisition ${ATTEMPT.acquisitionId}` }]);
    });

    it('says which capture logs nothing vouches for: those of an attempt that was killed', async () => {
      await put();
      await storeAttemptRecord(store, ATTEMPT, 'capture.log', LOG, live());
      const lines: string[] = [];
      const report = await verify();
      printVerifyReport(report, (line) => lines.push(line));
      expect(only(report)).to.deep.include({ ok: true, unvouched: [key] });
      expect(lines).to.include(`  not verified, as no record has their digest: ${key}`);
    });
  });

  describe('with a store that has versions and faults', () => {
    it('reads the version that the manifest names, and says that another was put over it', async () => {
      await put({ edit: withVersion });
      const versions: (string | undefined)[] = [];
      const read: EvidenceStore['read'] = (key, range, signal, versionId) => {
        if (key.endsWith('.dd')) versions.push(versionId);
        return store.read(key, range, signal);
      };
      const report = await verifyEvidence(altered({ ...headOf({ versionId: 'v2', length: 9 }), read }), {}, live());
      expect(only(report).problems.map(({ message }) => message)).to.deep.equal([
        'the current version of case-1/disk_evidence/vol-0123456789abcdef0.image.dd is v2, the manifest names v1: something was put over it',
      ]);
      expect(versions).to.deep.equal(['v1']);
    });

    it('reads the version of a log that the manifest names, and says that another was put over it', async () => {
      await put({ edit: (body) => {
        const { captureLog, custodyLog } = body.records;
        return { ...body, records: { captureLog: { ...captureLog, versionId: 'v1' }, custodyLog: { ...custodyLog, versionId: 'v1' } } };
      } });
      for (const length of [9, 9000]) { // shorter and longer than what was recorded
        const head: EvidenceStore['head'] = async (key, signal) => {
          const found = await store.head(key, signal);
          return found && /\.(?:log|jsonl)$/.test(key) ? { ...found, versionId: 'v2', length } : found;
        };
        const { problems } = only(await verifyEvidence(altered({ head }), {}, live()));
        expect(problems.map(({ what, message }) => `${what}: ${message}`)).to.deep.equal([
          'custody: the current version of case-1/disk_evidence/vol-0123456789abcdef0.custody.jsonl is v2, the manifest names v1: something was put over it',
          'capture-log: the current version of case-1/disk_evidence/vol-0123456789abcdef0.capture.log is v2, the manifest names v1: something was put over it',
        ]);
      }
    });

    it('compares the checksum that the store reports', async () => {
      await put({ edit: withVersion });
      const report = await verifyEvidence(altered(headOf({ versionId: 'v1', checksum: 'sum-2' })), {}, live());
      expect(only(report).problems[0]!.message).to.contain('the store says checksum sum-2').and.to.contain('the manifest says sum-1');
    });

    it('takes a broken read up again where it stopped', async () => {
      await storeExhibit(store, { image: randomBytes(2 * MiB) });
      const starts: number[] = [];
      const read: EvidenceStore['read'] = async function* (key, range, signal) {
        if (key.endsWith('.dd')) starts.push(range!.start);
        for await (const chunk of store.read(key, range, signal)) {
          yield chunk;
          if (key.endsWith('.dd') && starts.length === 1) throw new StageError('store', 'STORE_FAILED', 'connection reset', { retryable: true });
        }
      };
      const report = await verifyEvidence(altered({ read }), {}, live());
      expect(only(report).problems).to.deep.equal([]);
      expect(starts).to.deep.equal([0, MiB]);
    });

    it('says which part cannot be read', async () => {
      await put();
      const [problem] = only(await verifyEvidence(altered({ read: faultyRead }), {}, live())).problems;
      expect(problem).to.deep.include({ what: 'image', part: 2, range: { start: 200, end: 512 } });
      expect(problem!.message).to.contain('input/output error');
    });
  });
});
