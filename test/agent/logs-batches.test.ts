import { expect } from 'chai';
import * as fc from 'fast-check';
import { MAX_MESSAGE_BYTES, nextBatch, PUT_LIMITS, spooledLines, type SpooledLine } from '../../agent/adapters/logs/log-batches.ts';

const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 2, 1);

const linesOf = (items: readonly { time: number; length: number }[]): SpooledLine[] => {
  let end = 0;
  return items.map(({ time, length }) => {
    end += length + 1;
    return { text: 'x'.repeat(length), time, end };
  });
};

describe('a batch of log events', () => {
  it('is inside every limit of the service, and all batches together are everything, in order', () => {
    const item = fc.record({
      time: fc.integer({ min: NOW - 40 * 24 * HOUR, max: NOW + 10 * HOUR }),
      length: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: MAX_MESSAGE_BYTES })),
    });
    fc.assert(fc.property(fc.array(item, { maxLength: 40 }), (items) => {
      const lines = linesOf(items);
      let rest = lines;
      let notBefore = 0;
      const ends: number[] = [];
      while (rest.length > 0) {
        const { events, end, bytes } = nextBatch(rest, { now: NOW, notBefore, maxEvents: 7 });
        const stamps = events.map(({ timestamp = 0 }) => timestamp);
        const [first = 0, last = 0] = [stamps[0], stamps.at(-1)];
        expect(events.length).to.be.within(1, 7);
        expect(bytes).to.equal(events.reduce((sum, { message = '' }) => sum + Buffer.byteLength(message) + 26, 0));
        expect(bytes).to.be.at.most(PUT_LIMITS.maxBytes);
        expect(stamps).to.deep.equal(stamps.toSorted((a, b) => a - b));
        expect(first).to.be.at.least(Math.max(notBefore, NOW - PUT_LIMITS.maxAgeMs));
        expect(last).to.be.at.most(NOW + PUT_LIMITS.maxAheadMs);
        expect(last - first).to.be.below(PUT_LIMITS.maxSpanMs);
        expect(events.map(({ message }) => message)).to.deep.equal(rest.slice(0, events.length).map(({ text }) => text));
        ends.push(end);
        notBefore = last;
        rest = rest.slice(events.length);
      }
      expect(ends.at(-1) ?? 0).to.equal(lines.at(-1)?.end ?? 0);
    }), { numRuns: 50 });
  });

  it('holds at most 10,000 events', () => {
    const lines = linesOf(Array.from({ length: 10_001 }, () => ({ time: NOW, length: 1 })));
    expect(nextBatch(lines, { now: NOW }).events).to.have.length(10_000);
  });

  it('holds one event of the largest size, and not a byte more', () => {
    const one = linesOf([{ time: NOW, length: MAX_MESSAGE_BYTES }, { time: NOW, length: 1 }]);
    expect(nextBatch(one, { now: NOW })).to.deep.include({ bytes: 1024 ** 2, end: MAX_MESSAGE_BYTES + 1 });
  });

  it('keeps a time that the service takes as it is', () => {
    const times = [NOW - 13 * 24 * HOUR, NOW - 13 * 24 * HOUR + 1, NOW - 12.5 * 24 * HOUR];
    const { events } = nextBatch(linesOf(times.map((time) => ({ time, length: 1 }))), { now: NOW });
    expect(events.map(({ timestamp }) => timestamp)).to.deep.equal(times);
  });

  it('does not go back in time when the clock did', () => {
    const lines = linesOf([{ time: NOW - HOUR, length: 1 }, { time: NOW - 2 * HOUR, length: 1 }, { time: NOW, length: 1 }]);
    const { events } = nextBatch(lines, { now: NOW, notBefore: NOW - HOUR / 2 });
    expect(events.map(({ timestamp }) => timestamp)).to.deep.equal([NOW - HOUR / 2, NOW - HOUR / 2, NOW]);
  });
});

describe('the lines of a spool file', () => {
  const line = (event: string): string => JSON.stringify({ time: '2026-03-01T00:00:00.000Z', event });

  it('are read with their times and where they end', () => {
    const content = Buffer.from(`${line('a')}\n${line('ü')}\n`);
    expect(spooledLines(content, 0)).to.deep.equal({
      torn: 0,
      lines: [
        { text: line('a'), time: NOW, end: line('a').length + 1 },
        { text: line('ü'), time: NOW, end: content.length },
      ],
    });
    expect(spooledLines(content, line('a').length + 1).lines.map(({ text }) => text)).to.deep.equal([line('ü')]);
  });

  it('leave out a torn last line, and lines that are no records or too long, and count them', () => {
    const long = JSON.stringify({ time: '2026-03-01T00:00:00.000Z', event: 'x'.repeat(MAX_MESSAGE_BYTES) });
    const content = Buffer.from(`{"time":1e999}\n\n[]\nnull\n${long}\n${line('good')}\n${line('torn')}`);
    const { lines, torn } = spooledLines(content, 0);
    expect(lines.map(({ text }) => text)).to.deep.equal([line('good')]);
    expect(torn).to.equal(6);
  });
});
