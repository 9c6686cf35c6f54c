import { createHash } from 'node:crypto';
import { expect } from 'chai';
import * as fc from 'fast-check';
import { spooledLines } from '../../agent/adapters/logs/log-batches.ts';
import { lineOf, newHeader, parseJournal } from '../../agent/adapters/stores/directory-journal.ts';
import { StageError } from '../../agent/errors.ts';
import { bounded } from './settings.ts';

const sha256 = (part: number): Buffer => createHash('sha256').update(String(part)).digest();
const header = newHeader('case-1/disk_evidence/vol-1.image.dd', 'u-1', { layout: { imageSize: 9000, partSize: 1000, objectSize: 9000, objectCount: 1 }, objectIndex: 0, metadata: { source: 'vol-1' } });
const lines = [header, ...Array.from({ length: 9 }, (_, index) => lineOf({ partNumber: index + 1, length: 1000, sha256: sha256(index + 1) }))].map((line) => `${JSON.stringify(line)}\n`);
const JOURNAL = lines.join('');

/** A text with some of its pieces cut out, doubled or replaced. */
const damaged = (genuine: string) =>
  fc.array(fc.tuple(fc.nat(genuine.length), fc.nat(300), fc.string({ unit: 'binary', maxLength: 60 })), { minLength: 1, maxLength: 4 })
    .map((edits) => edits.reduce((text, [at, length, put]) => `${text.slice(0, at)}${put}${text.slice(at + length)}`, genuine));

describe('what an interrupted collector left on a disk', () => {
  it('is a journal that, cut off anywhere, tells of the parts before the cut and of no other', () => {
    for (let length = 0; length <= JOURNAL.length; length++) {
      const read = parseJournal(JOURNAL.slice(0, length), 'journal');
      const whole = JOURNAL.slice(0, length).split('\n').length - 1;
      expect([...(read?.parts.keys() ?? [])], `cut at ${length}`).to.deep.equal(Array.from({ length: Math.max(0, whole - 1) }, (_, index) => index + 1));
      expect(read?.validBytes ?? 0).to.equal(lines.slice(0, whole).join('').length);
    }
  });

  it('is a journal that, damaged anyhow, is refused or tells of parts with a whole digest each', () => {
    fc.assert(fc.property(fc.oneof({ weight: 3, arbitrary: damaged(JOURNAL) }, { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 2000 }) }), (text) => {
      try {
        const read = parseJournal(text, 'journal');
        for (const [number, part] of read?.parts ?? []) {
          expect(part).to.include({ partNumber: number });
          expect(number).to.be.at.least(1);
          expect(part.sha256).to.have.length(32);
        }
        expect(read?.validBytes ?? 0).to.be.at.most(Buffer.byteLength(text));
      } catch (error) {
        if (!(error instanceof StageError)) throw error;
        expect(error.code).to.equal('JOURNAL_DAMAGED');
      }
    }), bounded(500));
  });

  it('is a spool whose whole lines are delivered, and whose other bytes are counted', () => {
    const record = fc.record({ time: fc.date({ noInvalidDate: true }).map((date) => date.toISOString()), event: fc.string({ unit: 'binary', maxLength: 30 }) }).map((value) => JSON.stringify(value));
    const torn = fc.oneof(fc.string({ unit: 'binary', maxLength: 40 }).map((text) => text.replaceAll('\n', '')), fc.constantFrom('null', '[]', '{"time":1e9}', '{"time":"tomorrow"}', '{'));
    fc.assert(fc.property(fc.array(fc.oneof(record.map((text) => ({ text, whole: true })), torn.map((text) => ({ text, whole: false }))), { maxLength: 12 }), fc.string({ maxLength: 20 }), (all, rest) => {
      const last = rest.replaceAll('\n', '');
      const content = Buffer.from(`${all.map(({ text }) => `${text}\n`).join('')}${last}`);
      const { lines: read, torn: count } = spooledLines(content, 0);
      expect(read.map(({ text }) => text)).to.deep.equal(all.filter(({ whole }) => whole).map(({ text }) => text));
      expect(count).to.equal(all.filter(({ whole }) => !whole).length + (last === '' ? 0 : 1));
      expect(read.every(({ time, end }, index) => Number.isFinite(time) && end > (read[index - 1]?.end ?? 0))).to.equal(true);
    }), bounded(500));
  });
});
