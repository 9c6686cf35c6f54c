import { createHash } from 'node:crypto';
import { expect } from 'chai';
import * as fc from 'fast-check';
import { chainEvent, checkCustody, serializeCustody, type CustodyEvent } from '../../modules/vocabulary/index.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

function chainOf(details: readonly CustodyEvent['detail'][]): CustodyEvent[] {
  const chain: CustodyEvent[] = [];
  for (const [index, detail] of details.entries()) {
    const event = { time: '2026-01-02T03:04:05.678Z', caseId: 'c-1', exhibitId: 'vol-1', acquisitionId: '01JD0000000000000000000000', actor: 'responder', action: `step-${index}`, detail };
    chain.push(chainEvent(chain, event, sha256));
  }
  return chain;
}

const CHAIN = chainOf([{ device: 'loop0', size: 512 }, { sha256: 'aa', nested: { deep: [1, null, true] } }, {}, { last: 'ü\u202e\n' }]);
const TEXT = serializeCustody(CHAIN);
const problemsOf = (text: string): readonly string[] => checkCustody(text, sha256).problems;

describe('a custody log', () => {
  it('holds what was done, in order, and checks', () => {
    const { events, problems } = checkCustody(TEXT, sha256);
    expect(problems).to.deep.equal([]);
    expect(events).to.deep.equal(CHAIN);
    expect(events.map(({ sequence }) => sequence)).to.deep.equal([0, 1, 2, 3]);
  });

  it('checks whatever details it carries', () => {
    const details = fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { minLength: 1, maxLength: 4 });
    fc.assert(fc.property(details, (list) => {
      const chain = chainOf(list.map((detail) => JSON.parse(JSON.stringify(detail)) as CustodyEvent['detail']));
      expect(problemsOf(serializeCustody(chain))).to.deep.equal([]);
    }));
  });

  it('shows any character that was changed', () => {
    fc.assert(
      fc.property(fc.nat({ max: TEXT.length - 1 }), fc.integer({ min: 0x20, max: 0x7e }), (at, code) => {
        const changed = TEXT.slice(0, at) + String.fromCharCode(code) + TEXT.slice(at + 1);
        if (changed !== TEXT) expect(problemsOf(changed)).to.not.deep.equal([]);
      }),
      { numRuns: 500 },
    );
  });

  it('shows any character that was put in or taken out', () => {
    fc.assert(
      fc.property(fc.nat({ max: TEXT.length - 1 }), fc.constantFrom(' ', '\n', '0', '"', '{', ','), (at, extra) => {
        expect(problemsOf(TEXT.slice(0, at) + extra + TEXT.slice(at))).to.not.deep.equal([]);
        expect(problemsOf(TEXT.slice(0, at) + TEXT.slice(at + 1))).to.not.deep.equal([]);
      }),
      { numRuns: 500 },
    );
  });

  it('shows a line that was left out, moved or repeated', () => {
    const [a, b, c, d] = CHAIN as [CustodyEvent, CustodyEvent, CustodyEvent, CustodyEvent];
    for (const forged of [[b, c, d], [a, c, d], [a, b, d], [b, a, c, d], [a, b, b, c, d]]) {
      expect(problemsOf(serializeCustody(forged))).to.not.deep.equal([]);
    }
  });

  it('shows an event that was rewritten with a fresh hash, at the line after it', () => {
    const forged = [...CHAIN];
    const { schema: _, sequence: __, previous: ___, hash: ____, ...event } = CHAIN[1]!;
    forged[1] = chainEvent(CHAIN.slice(0, 1), { ...event, detail: { sha256: 'bb' } }, sha256);
    expect(problemsOf(serializeCustody(forged))).to.deep.equal(['line 3: does not follow the line before it']);
  });

  it('is not believed when it is empty, torn or not a log', () => {
    for (const text of ['', '\n', TEXT.slice(0, -1), TEXT.slice(0, 100), 'null\n', '{}\n', '[]\n', `${TEXT}{}\n`]) {
      expect(problemsOf(text), JSON.stringify(text.slice(0, 20))).to.not.deep.equal([]);
    }
  });

  it('is given up after a thousand problems, however many lines follow', () => {
    const problems = problemsOf('\n'.repeat(100_000));
    expect(problems).to.have.length(1001);
    expect(problems[999]).to.equal('line 1000: not JSON');
    expect(problems[1000]).to.equal('line 1001: after 1000 problems the rest is not read');
  });

  it('never makes the check throw', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => { expect(problemsOf(text)).to.not.deep.equal([]); }));
  });
});
