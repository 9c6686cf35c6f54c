import { expect } from 'chai';
import { directoryStore } from '../../agent/adapters/stores/directory-store.ts';
import { type ManifestBody, manifestRules } from '../../modules/vocabulary/index.ts';
import { storeExhibit } from '../helpers/evidence.ts';
import { tempDir } from '../helpers/temp-dir.ts';

/** A manifest with its groups as lists of fields to replace. */
type Changes = { [Group in 'source' | 'process' | 'integrity' | 'storage' | 'records']?: Partial<ManifestBody[Group]> } & Partial<Pick<ManifestBody, 'status'>>;

const bad = (offset: number, length: number) => ({ offset, length, errno: 'EIO', tries: 3 });

describe('manifest rules', () => {
  let dir: Awaited<ReturnType<typeof tempDir>>;
  /** 2,048 bytes as objects of two parts of 512 each. */
  let genuine: ManifestBody;

  before(async () => {
    dir = await tempDir();
    const layout = { imageSize: 2048, partSize: 512, objectSize: 1024, objectCount: 2 };
    genuine = (await storeExhibit(await directoryStore(dir.path), { image: Buffer.alloc(2048, 7), layout })).body;
  });
  after(() => dir.remove());

  const problemsWith = ({ status = genuine.status, ...groups }: Changes): string[] => {
    const changed = Object.fromEntries(Object.entries(groups).map(([name, fields]) => [name, { ...genuine[name as 'source'], ...fields }]));
    return manifestRules({ ...genuine, status, ...changed });
  };
  const partsWith = (index: number, change: object): Changes => {
    const parts = structuredClone(genuine.integrity.parts);
    Object.assign(parts[index]!, change);
    return { integrity: { parts } };
  };
  const objectsWith = (index: number, change: object): Changes => {
    const objects = structuredClone(genuine.storage.objects);
    Object.assign(objects[index]!, change);
    return { storage: { objects } };
  };

  it('find nothing wrong with a genuine manifest', () => {
    expect(manifestRules(genuine)).to.deep.equal([]);
  });

  it('find nothing wrong with mapped bad sectors', () => {
    expect(problemsWith({ status: 'PARTIAL', process: { badSectors: 3, badRanges: [bad(0, 512), bad(1024, 1024)] } })).to.deep.equal([]);
  });

  it('believe a store that verified the parts without their being read back', () => {
    expect(problemsWith({ integrity: { reread: 'not-asked', storeChecksum: { algorithm: 'SHA256', type: 'COMPOSITE', verifiedByStore: true } } })).to.deep.equal([]);
  });

  it('let a clock be set back while the image is taken', () => {
    expect(problemsWith({ process: { endedAt: '1999-12-31T23:59:59.000Z' } })).to.deep.equal([]);
  });

  it('let an image file end inside a sector, counted or not', () => {
    const source = { kind: 'image-file', size: 2048 } as const;
    for (const sectors of [0, 1]) {
      const found = problemsWith({ source, process: { sectorSize: 4096, sectorsIn: sectors, sectorsOut: sectors } });
      expect(found).to.deep.equal([]);
    }
    expect(problemsWith({ source, process: { sectorSize: 4096, sectorsIn: 2, sectorsOut: 0 } })).to.have.length(1);
  });

  const cases: [string, () => Changes, RegExp][] = [
    ['an exit status other than 0', () => ({ process: { exitCode: 2 } }), /exit status is 2/],
    ['no exit status', () => ({ process: { exitCode: null } }), /exit status is unknown/],
    ['a signal', () => ({ process: { signal: 'SIGPIPE' } }), /signal SIGPIPE/],
    ['a footer that does not say completed', () => ({ process: { footer: 'missing' } }), /"missing", expected "completed"/],
    ['fewer bytes streamed than the source has', () => ({ process: { bytesStreamed: 2047 } }), /2047 bytes were streamed of a source of 2048/],
    ['too few sectors in', () => ({ process: { sectorsIn: 3 } }), /3 sectors in of 512 bytes are not the source's 2048/],
    ['too many sectors out', () => ({ process: { sectorsOut: 5 } }), /5 sectors out/],
    ['a disk that is not whole sectors', () => ({ source: { logicalSectorSize: 4096 } }), /not whole sectors of 4096/],
    ['a disk that could be written', () => ({ source: { readOnlyAfter: false } }), /not read-only/],
    ['COMPLETE with bad sectors', () => ({ process: { badSectors: 1, badRanges: [bad(0, 512)] } }), /COMPLETE with 1 bad sectors/],
    ['PARTIAL without bad sectors', () => ({ status: 'PARTIAL' }), /PARTIAL without a bad sector/],
    ['bad sectors that are not all mapped', () => ({ status: 'PARTIAL', process: { badSectors: 2, badRanges: [bad(0, 512)] } }), /2 bad sectors .* 512 bytes are mapped/],
    ['bad ranges that overlap', () => ({ status: 'PARTIAL', process: { badSectors: 3, badRanges: [bad(0, 1024), bad(512, 512)] } }), /overlaps/],
    ['PARTIAL of nothing but bad sectors', () => ({ status: 'PARTIAL', process: { badSectors: 4, badRanges: [bad(0, 2048)] } }), /every sector of the source is bad/],
    ['a bad range behind the end', () => ({ status: 'PARTIAL', process: { badSectors: 1, badRanges: [bad(2048, 512)] } }), /ends behind/],
    ['a bad range of half a sector', () => ({ status: 'PARTIAL', process: { badSectors: 1, badRanges: [bad(256, 512)] } }), /whole sectors/],
    ["a key of another exhibit's", () => objectsWith(1, { key: 'case-2/disk_evidence/vol-1.image.dd.001' }), /object 1 is case-2/],
    ['a log of another exhibit', () => ({ records: { captureLog: { ...genuine.records.captureLog, key: 'x' } } }), /the capture log is x/],
    ['a custody log of another exhibit', () => ({ records: { custodyLog: { ...genuine.records.custodyLog, key: 'y' } } }), /the custody log is y/],
    ['no object', () => ({ storage: { objects: [] } }), /names no object/],
    ['a gap between objects', () => objectsWith(1, { offset: 1025, length: 1023 }), /object 1 begins at 1025, the one before it ends at 1024/],
    ['objects that end too early', () => objectsWith(1, { length: 512 }), /objects end at 1536/],
    ['a gap between parts', () => partsWith(1, { offset: 600, length: 424 }), /bytes 512 to 600 are in no part/],
    ['parts that overlap', () => partsWith(1, { offset: 400, length: 624 }), /inside the part before it, which ends at 512/],
    ['a part of the wrong size', () => partsWith(2, { length: 511 }), /part 1 of object 1 has 511 bytes, the part size is 512/],
    ['a last part over the part size', () => partsWith(3, { length: 513 }), /has 513 bytes/],
    ['a part that is named twice', () => partsWith(1, { part: 1 }), /part 1 of object 0 stands where part 2 belongs/],
    ['a part of no object', () => partsWith(3, { object: 2 }), /part 2 of object 2 is of no object/],
    ['no parts', () => ({ integrity: { parts: [] } }), /the parts of object 0 end at 0/],
    ["another SHA-256 by the imaging tool", () => ({ integrity: { secondSha256: 'a'.repeat(64) } }), /own SHA-256 a{64} is not/],
    ['a checksum that is none and verified', () => ({ integrity: { storeChecksum: { algorithm: 'none', type: 'none', verifiedByStore: true } } }), /that there is none of/],
    ['what nobody compared after it was stored', () => ({ integrity: { reread: 'not-asked' } }), /neither verified by the store nor read back/],
  ];
  for (const [what, changes, problem] of cases) {
    it(`see ${what}`, () => {
      expect(problemsWith(changes()).join('\n')).to.match(problem);
    });
  }

  it('see an only part whose SHA-256 is not the image\'s', async () => {
    const layout = { imageSize: 512, partSize: 512, objectSize: 512, objectCount: 1 };
    const { body } = await storeExhibit(await directoryStore(`${dir.path}/one`), { image: Buffer.alloc(512), layout });
    expect(manifestRules(body)).to.deep.equal([]);
    expect(manifestRules({ ...body, integrity: { ...body.integrity, sha256: 'b'.repeat(64) } }).join()).to.match(/the only part's SHA-256/);
  });

  it('want one empty part for an empty image', async () => {
    const layout = { imageSize: 0, partSize: 512, objectSize: 512, objectCount: 1 };
    const { body } = await storeExhibit(await directoryStore(`${dir.path}/none`), { image: Buffer.alloc(0), layout });
    expect(manifestRules(body)).to.deep.equal([]);
    expect(manifestRules({ ...body, integrity: { ...body.integrity, parts: [] } }).join()).to.match(/object 0 has no part/);
  });
});
