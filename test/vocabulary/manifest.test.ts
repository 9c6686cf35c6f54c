import { createHash } from 'node:crypto';
import { expect } from 'chai';
import * as fc from 'fast-check';
import { directoryStore } from '../../agent/adapters/stores/directory-store.ts';
import { checkManifest, serializeManifest, type ManifestBody } from '../../modules/vocabulary/index.ts';
import { storeExhibit } from '../helpers/evidence.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

describe('a manifest', () => {
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let body: ManifestBody;
  let text: string;
  before(async () => {
    dir = await tempDir();
    const layout = { imageSize: 2048, partSize: 512, objectSize: 1024, objectCount: 2 };
    ({ body } = await storeExhibit(await directoryStore(dir.path), { image: Buffer.alloc(2048, 7), layout }));
    text = serializeManifest(body, sha256);
  });
  after(() => dir.remove());

  it('is read back as it was written', () => {
    const { manifest, problems } = checkManifest(text, sha256);
    expect(problems).to.deep.equal([]);
    const { selfSha256, ...rest } = manifest!;
    expect(rest).to.deep.equal(body);
    expect(selfSha256).to.match(/^[0-9a-f]{64}$/);
  });

  it('carries a digest that standard tools recompute: the text without its last field', () => {
    const without = text.replace(/,\n {2}"selfSha256": "[0-9a-f]{64}"\n\}\n$/, '\n}\n');
    expect(JSON.parse(text)).to.have.property('selfSha256', sha256(without));
  });

  it('shows any character that was changed', () => {
    fc.assert(
      fc.property(fc.nat({ max: text.length - 1 }), fc.integer({ min: 0x20, max: 0x7e }), (at, code) => {
        const changed = text.slice(0, at) + String.fromCharCode(code) + text.slice(at + 1);
        if (changed !== text) expect(checkManifest(changed, sha256).problems).to.not.deep.equal([]);
      }),
      { numRuns: 500 },
    );
  });

  it('shows white space that was put in, though no value changed', () => {
    expect(checkManifest(`${text} `, sha256).problems.join()).to.contain('not in the form it was written in');
    expect(checkManifest(JSON.stringify(JSON.parse(text)), sha256).problems.join()).to.contain('not in the form it was written in');
  });

  it('is never made of an image that is not proven', () => {
    expect(() => serializeManifest({ ...body, status: 'FAILED' as never }, sha256)).to.throw();
  });

  it('holds as many objects and parts as an image is cut into at most, and no more', () => {
    const [[object], [part]] = [body.storage.objects, body.integrity.parts];
    const withObjects = (length: number): ManifestBody => ({ ...body, storage: { ...body.storage, objects: Array.from({ length }, () => object!) } });
    const withParts = (length: number): ManifestBody => ({ ...body, integrity: { ...body.integrity, parts: Array.from({ length }, () => part!) } });
    for (const most of [withObjects(1000), withParts(100_000)]) expect(checkManifest(serializeManifest(most, sha256), sha256).problems).to.deep.equal([]);
    for (const [place, more] of [['storage.objects', withObjects(1001)], ['integrity.parts', withParts(100_001)]] as const) {
      const problems = [...checkManifest(`${JSON.stringify({ ...more, selfSha256: '0'.repeat(64) }, null, 2)}\n`, sha256).problems];
      expect(problems).to.have.length(1);
      expect(problems[0]).to.match(new RegExp(`^${place}: Too big: .*<=(1000|100000) items`));
    }
  });

  it('is refused at once where a list of it is longer than any acquisition makes one', () => {
    const lists = {
      'source.labels': (list: never[]) => ({ ...body, source: { ...body.source, labels: list } }),
      'source.holders': (list: never[]) => ({ ...body, source: { ...body.source, holders: list } }),
      'source.snapshotChain': (list: never[]) => ({ ...body, source: { ...body.source, snapshotChain: list } }),
      'tool.dc3dd.argv': (list: never[]) => ({ ...body, tool: { ...body.tool, dc3dd: { ...body.tool.dc3dd, argv: list } } }),
      'process.badRanges': (list: never[]) => ({ ...body, process: { ...body.process, badRanges: list } }),
      'process.deviations': (list: never[]) => ({ ...body, process: { ...body.process, deviations: list } }),
    };
    const nothing = Array.from({ length: 300_001 }, () => 0 as never);
    for (const [place, withList] of Object.entries(lists)) {
      const { problems } = checkManifest(JSON.stringify({ ...withList(nothing), selfSha256: '0'.repeat(64) }), sha256);
      expect(problems, place).to.have.length(1);
      expect(problems[0]).to.match(new RegExp(`^${place}: Too big`));
    }
  });

  it('takes no field that the schema does not know, and misses none', () => {
    expect(() => serializeManifest({ ...body, extra: 1 } as ManifestBody, sha256)).to.throw(/extra/);
    for (const key of Object.keys(body)) {
      const { [key as keyof ManifestBody]: _, ...fewer } = body;
      expect(() => serializeManifest(fewer as ManifestBody, sha256), key).to.throw();
    }
  });

  it('takes no label that is not inert', () => {
    const source = { ...body.source, labels: [{ escaped: 'a\nb', base64: 'YQ==' }] };
    expect(() => serializeManifest({ ...body, source }, sha256)).to.throw(/printable ASCII/);
  });

  it('never makes the check throw, whatever is stored in its place', () => {
    fc.assert(fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (other) => { expect(checkManifest(other, sha256).problems).to.not.deep.equal([]); }));
  });
});
