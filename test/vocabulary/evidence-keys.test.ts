import { expect } from 'chai';
import * as fc from 'fast-check';
import { caseKey, diskEvidencePrefix, imageKey, instanceKey, parseExhibitKey, recordKey, type ExhibitRecord } from '../../modules/vocabulary/index.ts';

const ULID = '01JD0000000000000000000000';
const isDots = (text: string): boolean => text === '.' || text === '..';
const caseIds = fc.stringMatching(/^[A-Za-z0-9._-]{1,64}$/).filter((text) => !isDots(text));
/** Also ids that look like the endings of keys. */
const exhibitIds = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9._-]{1,128}$/).filter((text) => !isDots(text)),
  fc.constantFrom('a.image.dd', 'a.image.dd.000', '.image.dd', 'manifest.json', 'a.manifest.json', 'custody.jsonl', '...', '-', 'vol-0123456789abcdef0'),
);
const records = fc.constantFrom<ExhibitRecord>('capture.log', 'custody.jsonl', 'manifest.json');

const HOSTILE = ['', '.', '..', '../x', 'a/b', '/a', 'a/', 'a b', 'a\\b', 'a\nb', 'a\0b', 'ä', 'a\u202eb', '%2e%2e', 'a*', '$(id)', '`id`', 'a;b', '..\\x2f..', "a'b", 'a"b', 'a?b', 'a#b', 'a:b'];

describe('evidence keys', () => {
  it('are parsed back into what they were built from', () => {
    fc.assert(
      fc.property(caseIds, exhibitIds, fc.option(fc.integer({ min: 0, max: 999 }), { nil: undefined }), records, (caseId, exhibitId, objectIndex, record) => {
        const image = { caseId, exhibitId, kind: 'image', ...(objectIndex === undefined ? {} : { objectIndex }) };
        expect(parseExhibitKey(imageKey(caseId, exhibitId, objectIndex))).to.deep.equal(image);
        expect(parseExhibitKey(recordKey(caseId, exhibitId, record))).to.deep.equal({ caseId, exhibitId, kind: record });
      }),
    );
  });

  it('tell the logs of a further attempt from those of the exhibit, and both are of the exhibit', () => {
    const key = recordKey('c-1', 'vol-1', 'capture.log', ULID);
    expect(key).to.equal(`c-1/disk_evidence/vol-1.${ULID}.capture.log`);
    expect(parseExhibitKey(key)).to.deep.equal({ caseId: 'c-1', exhibitId: 'vol-1', kind: 'capture.log', acquisitionId: ULID });
    expect(() => recordKey('c-1', 'vol-1', 'capture.log', '../x')).to.throw();
  });

  it('leave no exhibit a name that the logs of another could have', () => {
    expect(() => recordKey('c-1', `vol-1.${ULID}`, 'capture.log')).to.throw(/further attempt/);
    for (const kind of ['image.dd', 'manifest.json']) expect(parseExhibitKey(`c-1/disk_evidence/vol-1.${ULID}.${kind}`)).to.equal(undefined);
  });

  it('are those that the design names', () => {
    expect(imageKey('c-1', 'vol-1')).to.equal('c-1/disk_evidence/vol-1.image.dd');
    expect(imageKey('c-1', 'vol-1', 7)).to.equal('c-1/disk_evidence/vol-1.image.dd.007');
    expect(recordKey('c-1', 'vol-1', 'custody.jsonl')).to.equal('c-1/disk_evidence/vol-1.custody.jsonl');
    expect(diskEvidencePrefix('c-1')).to.equal('c-1/disk_evidence/');
    expect(caseKey('c-1', 'event.json')).to.equal('c-1/event.json');
    expect(instanceKey('c-1', 'i-0123456789abcdef0', 'console.jpg')).to.equal('c-1/instance/i-0123456789abcdef0/console.jpg');
  });

  it('are never built from a segment that a shell, a URL or a file system could read as more than a name', () => {
    for (const bad of [...HOSTILE, 'x'.repeat(129)]) {
      for (const build of [
        () => imageKey(bad, 'vol-1'), () => imageKey('c', bad), () => recordKey(bad, 'vol-1', 'manifest.json'), () => recordKey('c', bad, 'manifest.json'),
        () => caseKey(bad, 'case.json'), () => diskEvidencePrefix(bad), () => instanceKey(bad, 'i-0123456789abcdef0', 'metadata.json'), () => instanceKey('c', bad, 'metadata.json'),
      ]) {
        expect(build, `${JSON.stringify(bad)} in ${String(build)}`).to.throw();
      }
    }
  });

  it('hold no character outside the safe ones, whatever they are asked to name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (caseId, exhibitId) => {
        let key: string;
        try {
          key = imageKey(caseId, exhibitId);
        } catch {
          return;
        }
        expect(key).to.match(/^[A-Za-z0-9._-]+\/disk_evidence\/[A-Za-z0-9._-]+\.image\.dd$/);
      }),
    );
  });

  it('of somebody else are none of ours', () => {
    for (const key of [
      '', 'c/case.json', 'c/disk_evidence/vol-1', 'c/disk_evidence/vol-1.image.dd.0', 'c/disk_evidence/vol-1.image.dd.0000', 'c/disk_evidence/.manifest.json',
      'c/d/disk_evidence/vol-1.image.dd', '../disk_evidence/vol-1.image.dd', 'c/disk_evidence/...image.dd', 'c/disk_evidence/a b.image.dd', 'c/disk_evidence/vol-1.manifest.json\n',
      `${'c'.repeat(65)}/disk_evidence/vol-1.image.dd`,
    ]) {
      expect(parseExhibitKey(key), JSON.stringify(key)).to.equal(undefined);
    }
  });
});
