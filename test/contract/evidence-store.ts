import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { EvidenceStore, ImageUpload, PartDigests, UploadOptions } from '../../agent/adapters/stores/evidence-store.ts';
import { type ImageLayout, MiB, type PartRange, imageKey, objectLength, partsOf, planLayout, recordKey } from '../../modules/vocabulary/index.ts';
import { type CountedSource, type SlabOptions, digestsOf, partSourceOf } from '../helpers/slabs.ts';
import { rejectionOf } from '../helpers/rejection.ts';

/** A store to be tested, empty, and a way to look behind its interface. */
export type StoreUnderTest = {
  readonly store: EvidenceStore;
  /** A second handle on the same place, as another collector or a later run has it. */
  another(): Promise<EvidenceStore>;
  /** Everything that a bystander finds in the place as an object, sorted, not read through the store. */
  visible(): Promise<string[]>;
  /** The object's bytes, not read through the store; undefined when there is none. */
  inspect(key: string): Promise<Buffer | undefined>;
  cleanup(): Promise<void>;
};

export type StoreTraits = {
  /** Makes an empty place, anew for every test. */
  create(): Promise<StoreUnderTest>;
  /** Whether the store refuses a second holder of one upload while the first is alive. */
  readonly exclusive: boolean;
};

const CASE = 'case-1';
const KEY = imageKey(CASE, 'vol-1');
const PART = 5 * MiB; // S3's smallest
const IMAGE = randomBytes(2 * PART + 123_457);
const live = (): AbortSignal => new AbortController().signal;

const planOf = (image: Uint8Array): ImageLayout => planLayout(image.length, { partSize: PART });
const optionsOf = (image: Uint8Array): UploadOptions => ({ layout: planOf(image), objectIndex: 0, metadata: { source: 'vol-1' } });

/** The sources of all parts of an image. */
const sourcesOf = (image: Uint8Array, options?: SlabOptions): CountedSource[] =>
  [...partsOf(planOf(image))].map((range) => partSourceOf(image, range, options));

async function collect(chunks: AsyncIterable<Uint8Array>, largest = Infinity): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) {
    expect(chunk.length).to.be.at.most(largest);
    all.push(Buffer.from(chunk));
  }
  return Buffer.concat(all);
}

async function allOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** What a pipeline does: stores every part, then completes with the digests in order and the whole object's CRC32. */
async function storeImage(store: EvidenceStore, key: string, image: Uint8Array): Promise<void> {
  const upload = await store.openImage(key, optionsOf(image), live());
  const sources = sourcesOf(image);
  await Promise.all(sources.map((source) => upload.putPart(source, live())));
  await upload.complete(await digestsIn(sources), live());
}

const digestsIn = (sources: readonly CountedSource[]): Promise<PartDigests[]> => Promise.all(sources.map(({ digests }) => digests));

/** Runs the promises of EvidenceStore on a store. */
export function describeEvidenceStore(name: string, traits: StoreTraits): void {
  describe(`${name} keeps the promises of an evidence store:`, () => {
    let under: StoreUnderTest;
    let store: EvidenceStore;
    let uploads: ImageUpload[];

    beforeEach(async () => {
      under = await traits.create();
      store = under.store;
      uploads = [];
    });
    afterEach(async () => {
      await Promise.all(uploads.map((upload) => upload.release()));
      await store.close();
      await under.cleanup();
    });

    async function open(image: Uint8Array, by: EvidenceStore = store): Promise<ImageUpload> {
      const upload = await by.openImage(KEY, optionsOf(image), live());
      uploads.push(upload);
      return upload;
    }

    describe('an image', () => {
      it('is what was put, whatever the order and the size of the slabs', async () => {
        const upload = await open(IMAGE);
        const sources = sourcesOf(IMAGE, { slabSize: 333_333 });
        const stored = await Promise.all(sources.toReversed().map((source) => upload.putPart(source, live())));
        const info = await upload.complete(await digestsIn(sources), live());

        expect(stored.map(({ partNumber, length }) => [partNumber, length])).to.deep.equal([[3, 123_457], [2, PART], [1, PART]]);
        expect(info).to.include({ key: KEY, length: IMAGE.length });
        expect((await under.inspect(KEY))?.equals(IMAGE)).to.equal(true);
        expect((await collect(store.read(KEY, undefined, live()), MiB)).equals(IMAGE)).to.equal(true);
        expect(await store.head(KEY, live())).to.include({ key: KEY, length: IMAGE.length });
      });

      it('is not visible before it is complete', async () => {
        const upload = await open(IMAGE);
        for (const source of sourcesOf(IMAGE)) await upload.putPart(source, live());

        expect(await store.head(KEY, live())).to.equal(undefined);
        expect(await allOf(store.list('', live()))).to.deep.equal([]);
        expect(await under.visible()).to.deep.equal([]);
        expect(await under.inspect(KEY)).to.equal(undefined);
        expect((await rejectionOf(collect(store.read(KEY, undefined, live())))).code).to.equal('MISSING');
      });

      it('leaves nothing else in sight once it is complete', async () => {
        await storeImage(store, KEY, IMAGE);
        expect(await under.visible()).to.deep.equal([KEY]);
        expect(await allOf(store.list('', live()))).to.deep.equal([KEY]);
        expect(await allOf(store.unfinished('', live()))).to.deep.equal([]);
      });

      it('may be empty', async () => {
        await storeImage(store, KEY, Buffer.alloc(0));
        expect(await store.head(KEY, live())).to.include({ length: 0 });
        expect(await collect(store.read(KEY, undefined, live()))).to.have.length(0);
        expect(await under.inspect(KEY)).to.have.length(0);
      });

      it('may be cut into several objects', async () => {
        const layout = planLayout(IMAGE.length, { partSize: PART, maxObjectSize: PART });
        expect(layout.objectCount).to.equal(3);
        for (const range of partsOf(layout)) {
          const key = imageKey(CASE, 'vol-1', range.objectIndex);
          const upload = await store.openImage(key, { layout, objectIndex: range.objectIndex, metadata: {} }, live());
          const source = partSourceOf(IMAGE, range);
          await upload.putPart(source, live());
          const piece = IMAGE.subarray(range.offset, range.offset + range.length);
          const info = await upload.complete([await source.digests], live());
          expect(info.length).to.equal(objectLength(layout, range.objectIndex));
          expect((await under.inspect(key))?.equals(piece)).to.equal(true);
        }
      });

      it('is never overwritten', async () => {
        await storeImage(store, KEY, IMAGE);
        const error = await rejectionOf(store.openImage(KEY, optionsOf(IMAGE), live()));
        expect(error).to.include({ name: 'StageError', stage: 'store', code: 'EXISTS', retryable: false });
        expect(error.advice).to.be.a('string');
        expect((await under.inspect(KEY))?.equals(IMAGE)).to.equal(true);
      });

      it('is not overwritten by an upload that was open before something else took its name', async () => {
        const upload = await open(IMAGE);
        const sources = sourcesOf(IMAGE);
        await Promise.all(sources.map((source) => upload.putPart(source, live())));
        await store.putRecord(KEY, Buffer.from('first'), 'text/plain', live());

        const error = await rejectionOf(upload.complete(await digestsIn(sources), live()));
        expect(error.code).to.equal('EXISTS');
        expect((await under.inspect(KEY))?.toString()).to.equal('first');
      });

      it('is not completed while a part is missing', async () => {
        const upload = await open(IMAGE);
        const sources = sourcesOf(IMAGE);
        await upload.putPart(sources[0]!, live());
        await upload.putPart(sources[2]!, live());
        const digests = sources.map(({ range }) => digestsOf(IMAGE.subarray(range.offset, range.offset + range.length)));

        const error = await rejectionOf(upload.complete(digests, live()));
        expect(error.code).to.equal('PARTS_MISSING');
        const fewer = await rejectionOf(upload.complete(digests.slice(0, 1), live()));
        expect(fewer.code).to.equal('PARTS_MISSING');
        expect(await under.visible()).to.deep.equal([]);

        await upload.putPart(sources[1]!, live());
        await upload.complete(digests, live());
        expect((await under.inspect(KEY))?.equals(IMAGE)).to.equal(true);
      });

      it('is not completed with digests that are not those of its parts', async () => {
        const upload = await open(IMAGE);
        const sources = sourcesOf(IMAGE);
        await Promise.all(sources.map((source) => upload.putPart(source, live())));
        const digests = await digestsIn(sources);
        if (store.partChecksum.algorithm === 'MD5') return; // such a store has only its ETags to compare
        await rejectionOf(upload.complete([digests[0]!, digestsOf(Buffer.from('other')), digests[2]!], live()));
        expect(await under.visible()).to.deep.equal([]);
      });
    });

    describe('a part', () => {
      it('gives each slab back exactly once when it was stored', async () => {
        const upload = await open(IMAGE);
        const [source] = sourcesOf(IMAGE, { slabSize: 700_001 });
        await upload.putPart(source!, live());
        expect(source!.releases).to.deep.equal(Array.from({ length: 8 }, () => 1));
      });

      it('rejects when its source breaks off, gives the slabs back, and can be put again', async () => {
        const upload = await open(IMAGE);
        const [, broken] = sourcesOf(IMAGE, { breakAt: 3 * MiB });
        await rejectionOf(upload.putPart(broken!, live()));
        await broken!.allReleased();
        expect(broken!.releases).to.deep.equal([1, 1, 1]);

        const sources = sourcesOf(IMAGE);
        for (const source of sources) await upload.putPart(source, live());
        await upload.complete(await digestsIn(sources), live());
        expect((await under.inspect(KEY))?.equals(IMAGE)).to.equal(true);
      });

      it('is not stored when its digests fail, and the failure is the one that is told', async () => {
        const upload = await open(IMAGE);
        const changed = new Error('the second reading differs from the first');
        const [bad, ...rest] = sourcesOf(IMAGE, {}).map((source, index) =>
          index === 0 ? partSourceOf(IMAGE, source.range, { digestsFail: changed }) : source,
        );
        const error = await rejectionOf(upload.putPart(bad!, live()));
        expect(`${error.message} ${String(error.cause)}`).to.contain(changed.message);
        expect(bad!.releases.every((count) => count === 1)).to.equal(true);

        await Promise.all(rest.map((source) => upload.putPart(source, live())));
        const digests = sourcesOf(IMAGE).map(({ range }) => digestsOf(IMAGE.subarray(range.offset, range.offset + range.length)));
        expect((await rejectionOf(upload.complete(digests, live()))).code).to.equal('PARTS_MISSING');
      });

      for (const [what, length] of [['shorter', PART - 1], ['longer', PART + 1]] as const) {
        it(`is refused when its slabs are ${what} than its range`, async () => {
          const upload = await open(IMAGE);
          const range = partsOf(planOf(IMAGE)).next().value as PartRange;
          const source = partSourceOf(IMAGE, range, { length, slabSize: 600_000 });
          await rejectionOf(upload.putPart(source, live()));
          await source.allReleased();
          expect(source.releases.every((count) => count === 1)).to.equal(true);
          await upload.release();
          expect([...(await open(IMAGE)).stored.keys()]).to.deep.equal([]);
        });
      }

      it('does no harm to its neighbour when it comes too long', async () => {
        const upload = await open(IMAGE);
        const sources = sourcesOf(IMAGE);
        await upload.putPart(sources[1]!, live());
        await rejectionOf(upload.putPart(partSourceOf(IMAGE, sources[0]!.range, { length: PART + 7 }), live()));
        await upload.putPart(sources[0]!, live());
        await upload.putPart(sources[2]!, live());
        await upload.complete(await digestsIn(sources), live());
        expect((await under.inspect(KEY))?.equals(IMAGE)).to.equal(true);
      });

      it('stops when it is aborted, though its source hangs', async () => {
        const upload = await open(IMAGE);
        const source = partSourceOf(IMAGE, partsOf(planOf(IMAGE)).next().value as PartRange, { hangAt: 2 * MiB });
        const controller = new AbortController();
        const put = rejectionOf(upload.putPart(source, controller.signal));
        await new Promise((wake) => setTimeout(wake, 100));
        controller.abort();
        await put;
        await source.allReleased();
        expect(source.releases).to.deep.equal([1, 1]);

        source.goOn(); // a slab that was on its way when the part was given up
        await new Promise((wake) => setTimeout(wake, 20));
        await source.allReleased();
        expect(source.releases.every((count) => count === 1)).to.equal(true);
      });
    });

    describe('an interrupted upload', () => {
      it('is taken over with what it stored, and completed by another', async () => {
        const first = await open(IMAGE);
        const sources = sourcesOf(IMAGE);
        await first.putPart(sources[2]!, live());
        await first.putPart(sources[0]!, live());
        await first.release();

        const later = await under.another();
        const second = await open(IMAGE, later);
        expect(second.uploadId).to.equal(first.uploadId);
        expect([...second.stored.keys()].toSorted((a, b) => a - b)).to.deep.equal([1, 3]);
        for (const [partNumber, part] of second.stored) {
          const { offset, length } = sources[partNumber - 1]!.range;
          expect(part).to.include({ partNumber, length });
          if (store.partChecksum.algorithm === 'SHA256') {
            expect(part.sha256?.toString('hex')).to.equal(digestsOf(IMAGE.subarray(offset, offset + length)).sha256.toString('hex'));
          }
        }
        await second.putPart(sources[1]!, live());
        await second.complete(await digestsIn(sources), live());
        expect((await under.inspect(KEY))?.equals(IMAGE)).to.equal(true);
        await later.close();
      });

      it('is told of, with its age and what it holds', async () => {
        const before = Date.now();
        const upload = await open(IMAGE);
        const sources = sourcesOf(IMAGE);
        await upload.putPart(sources[0]!, live());
        await upload.putPart(sources[2]!, live());
        await upload.release();

        const [found, ...more] = await allOf(store.unfinished(`${CASE}/`, live()));
        expect(more).to.deep.equal([]);
        expect(found).to.include({ key: KEY, uploadId: upload.uploadId, storedBytes: PART + 123_457, storedParts: 2 });
        expect(found!.startedAt.getTime()).to.be.within(before - 5000, Date.now() + 5000);
        expect(await allOf(store.unfinished('case-2/', live()))).to.deep.equal([]);
      });

      it('is left as it is, and listed, when the image is begun anew beside it', async () => {
        const first = await open(IMAGE);
        const sources = sourcesOf(IMAGE);
        await first.putPart(sources[0]!, live());
        await first.release();

        const later = await under.another();
        const second = await later.openImage(KEY, { ...optionsOf(IMAGE), anew: true }, live());
        expect(second.stored.size).to.equal(0);
        expect(second.uploadId).to.not.equal(first.uploadId);
        const again = sourcesOf(IMAGE);
        await Promise.all(again.map((source) => second.putPart(source, live())));
        await second.complete(await digestsIn(again), live());
        expect((await under.inspect(KEY))?.equals(IMAGE)).to.equal(true);
        const [left, ...more] = await allOf(store.unfinished(`${CASE}/`, live()));
        expect(left).to.include({ key: KEY, uploadId: first.uploadId, storedBytes: PART, storedParts: 1 });
        expect(more).to.deep.equal([]);
        expect(await under.visible()).to.deep.equal([KEY]);
        await later.close();
      });

      it('is not taken over any more once the image was begun anew beside it, however much more of it is stored', async () => {
        const sources = sourcesOf(IMAGE);
        const first = await open(IMAGE);
        await first.putPart(sources[0]!, live());
        await first.putPart(sources[1]!, live());
        await first.release();

        const later = await under.another();
        const second = await later.openImage(KEY, { ...optionsOf(IMAGE), anew: true }, live());
        await second.putPart(sourcesOf(IMAGE)[2]!, live());
        await second.release();
        const listed = await allOf(store.unfinished(`${CASE}/`, live()));
        expect(listed.map(({ storedParts, setAside = false }) => ({ storedParts, setAside }))).to.have.deep.members([{ storedParts: 2, setAside: true }, { storedParts: 1, setAside: false }]);

        const third = await later.openImage(KEY, optionsOf(IMAGE), live());
        expect({ uploadId: third.uploadId, parts: [...third.stored.keys()] }).to.deep.equal({ uploadId: second.uploadId, parts: [3] });
        await third.release();
        await later.close();
      });

      if (traits.exclusive) {
        it('has one holder at a time: a second is told BUSY, and gets in once the first lets go', async () => {
          const first = await open(IMAGE);
          const later = await under.another();
          const error = await rejectionOf(later.openImage(KEY, optionsOf(IMAGE), live()));
          expect(error).to.include({ name: 'StageError', code: 'BUSY', retryable: true });
          expect(error.advice).to.contain('Wait');
          await first.release();
          await open(IMAGE, later);
        });
      }
    });

    if (!traits.exclusive) {
      describe('an upload beside that of another collector', () => {
        /** Begins an upload of its own, as if the first had begun in the same moment, and stores every part of an image. */
        async function beside(image = IMAGE): Promise<{ upload: ImageUpload; digests: PartDigests[] }> {
          const upload = await store.openImage(KEY, { ...optionsOf(image), anew: true }, live());
          const sources = sourcesOf(image);
          await Promise.all(sources.map((source) => upload.putPart(source, live())));
          return { upload, digests: await digestsIn(sources) };
        }
        const left = async (): Promise<string[]> => (await allOf(store.unfinished(`${CASE}/`, live()))).map(({ uploadId }) => uploadId);

        it('is ended once the same image is stored, and only then', async () => {
          const one = await beside();
          const other = await beside();
          expect(await other.upload.withdraw!(other.digests, live()), 'before').to.include(`${other.upload.uploadId} of ${KEY} stays, with 3 parts`);
          await one.upload.complete(one.digests, live());
          expect(await rejectionOf(other.upload.complete(other.digests, live()))).to.include({ code: 'EXISTS' });
          expect(await left()).to.deep.equal([other.upload.uploadId]);
          expect(await other.upload.withdraw!(other.digests, live()), 'after').to.include(`${other.upload.uploadId} of ${KEY}, which held nothing that the other does not have, was ended`);
          expect(await left()).to.deep.equal([]);
          expect((await under.inspect(KEY))?.equals(IMAGE)).to.equal(true);
        });

        it('stays when what is stored is not the same', async () => {
          const one = await beside();
          const other = await beside(Buffer.alloc(IMAGE.length, 'x'));
          await one.upload.complete(one.digests, live());
          expect(await other.upload.withdraw!(other.digests, live())).to.include('stays');
          expect(await left()).to.deep.equal([other.upload.uploadId]);
        });

        it('is ended while it is empty, stays when somebody else stored in it, and is never ended by who took it over', async () => {
          const empty = await store.openImage(KEY, optionsOf(IMAGE), live());
          const taken = await store.openImage(KEY, optionsOf(IMAGE), live());
          expect(taken.uploadId).to.equal(empty.uploadId);
          expect(await taken.withdraw!(undefined, live())).to.equal(undefined);
          await taken.putPart(sourcesOf(IMAGE)[0]!, live());
          expect(await empty.withdraw!(undefined, live())).to.include('stays, with 1 parts');
          const further = await store.openImage(KEY, { ...optionsOf(IMAGE), anew: true }, live());
          expect(await further.withdraw!(undefined, live())).to.include('was ended');
          expect(await left()).to.deep.equal([empty.uploadId]);
        });

        it('is already gone when it is the one that was completed', async () => {
          const one = await beside();
          await one.upload.complete(one.digests, live());
          expect(await one.upload.withdraw!(one.digests, live())).to.equal(undefined);
          expect((await under.inspect(KEY))?.equals(IMAGE)).to.equal(true);
        });
      });
    }

    describe('a record', () => {
      const key = recordKey(CASE, 'vol-1', 'manifest.json');

      it('is what was put', async () => {
        const info = await store.putRecord(key, Buffer.from('{"a":1}\n'), 'application/json', live());
        expect(info).to.include({ key, length: 8 });
        expect((await under.inspect(key))?.toString()).to.equal('{"a":1}\n');
        expect((await collect(store.read(key, undefined, live()))).toString()).to.equal('{"a":1}\n');
      });

      it('may be empty', async () => {
        expect(await store.putRecord(key, Buffer.alloc(0), 'text/plain', live())).to.include({ length: 0 });
        expect(await under.inspect(key)).to.have.length(0);
      });

      it('is never overwritten', async () => {
        await store.putRecord(key, Buffer.from('first'), 'text/plain', live());
        const error = await rejectionOf(store.putRecord(key, Buffer.from('second'), 'text/plain', live()));
        expect(error).to.include({ name: 'StageError', stage: 'store', code: 'EXISTS', retryable: false });
        expect((await under.inspect(key))?.toString()).to.equal('first');
      });

      it('is put by exactly one of several at once', async () => {
        const bodies = Array.from({ length: 5 }, (_, index) => `body ${index}`);
        const outcomes = await Promise.allSettled(bodies.map((body) => store.putRecord(key, Buffer.from(body), 'text/plain', live())));
        const winners = outcomes.flatMap(({ status }, index) => (status === 'fulfilled' ? [index] : []));
        expect(winners).to.have.length(1);
        expect((await under.inspect(key))?.toString()).to.equal(bodies[winners[0]!]);
      });
    });

    describe('reading', () => {
      it('gives any range of an object, in chunks of at most 1 MiB', async () => {
        await storeImage(store, KEY, IMAGE);
        for (const [start, end] of [[0, 1], [0, IMAGE.length], [MiB - 1, 3 * MiB + 1], [IMAGE.length - 1, IMAGE.length]] as const) {
          const bytes = await collect(store.read(KEY, { start, end }, live()), MiB);
          expect(bytes.equals(IMAGE.subarray(start, end)), `${start} to ${end}`).to.equal(true);
        }
        expect(await collect(store.read(KEY, { start: 7, end: 7 }, live()))).to.have.length(0);
      });

      it('says MISSING of what is not there', async () => {
        expect((await rejectionOf(collect(store.read(KEY, undefined, live())))).code).to.equal('MISSING');
        expect(await store.head(KEY, live())).to.equal(undefined);
      });

      it('stops when it is aborted', async () => {
        await storeImage(store, KEY, IMAGE);
        const controller = new AbortController();
        let read = 0;
        await rejectionOf(
          (async () => {
            for await (const chunk of store.read(KEY, undefined, controller.signal)) {
              read += chunk.length;
              controller.abort();
            }
          })(),
        );
        expect(read).to.be.below(IMAGE.length);
      });
    });

    it('lists the keys under a prefix, in the order of their bytes', async () => {
      const keys = ['case-1/case.json', 'case-1/disk_evidence/vol-2.manifest.json', 'case-1/disk_evidence/vol-10.capture.log',
        'case-1.a/case.json', 'case-10/case.json', 'Case/event.json'];
      for (const key of keys) await store.putRecord(key, Buffer.from(key), 'text/plain', live());
      expect(await allOf(store.list('', live()))).to.deep.equal(keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
      expect(await allOf(store.list('case-1/', live()))).to.deep.equal([
        'case-1/case.json', 'case-1/disk_evidence/vol-10.capture.log', 'case-1/disk_evidence/vol-2.manifest.json',
      ]);
      expect(await allOf(store.list('case-1/disk_evidence/vol-2', live()))).to.deep.equal(['case-1/disk_evidence/vol-2.manifest.json']);
      expect(await allOf(store.list('nothing/', live()))).to.deep.equal([]);
    });

    it('starts nothing once it was told to stop', async () => {
      const stopped = AbortSignal.abort();
      await rejectionOf(store.openImage(KEY, optionsOf(IMAGE), stopped));
      await rejectionOf(store.putRecord(KEY, Buffer.from('x'), 'text/plain', stopped));
      expect(await under.visible()).to.deep.equal([]);
    });
  });
}
