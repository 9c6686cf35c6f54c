import { expect } from 'chai';
import { CASES, NAME, type Case } from './cases.ts';
import { parseOptions, parseSize } from './options.ts';
import type { Run } from './run-case.ts';
import { spread, summarize, type CaseSummary } from './summary.ts';
import { judge } from './targets.ts';

const GiB = 1024 ** 3;

const summaryOf = (name: string, seconds: number, more: Partial<Run> = {}): CaseSummary => {
  const run: Run = { wallSeconds: seconds, cpuSeconds: 4, peakRssBytes: 0, peakPssBytes: 0, sinkBusy: 0, othersBusy: 0, ...more };
  return summarize(CASES.find((one) => one.name === name) as Case, [run], 2 * GiB);
};

describe('the bench report', () => {
  it('takes the median, which one slow run does not move', () => {
    expect(spread([5, 100, 4])).to.deep.equal({ median: 5, min: 4, max: 100 });
    expect(spread([4, 2])).to.deep.equal({ median: 3, min: 2, max: 4 });
  });

  it('knows every case that a target needs', () => {
    expect(CASES.map(({ name }) => name)).to.include.members(Object.values(NAME));
    expect(new Set(CASES.map(({ name }) => name)).size).to.equal(CASES.length);
  });

  it('says reached at the bound and not reached below it', () => {
    const [faster] = judge([summaryOf(NAME.first, 10), summaryOf(NAME.https, 4)]);
    expect(faster).to.include({ measured: '2.50 ×', reached: true });
    const [slower] = judge([summaryOf(NAME.first, 10), summaryOf(NAME.https, 4.01)]);
    expect(slower).to.include({ reached: false });
  });

  it('judges memory and CPU by what is used at most', () => {
    const limits = judge([
      summaryOf(NAME.part1Tib, 1, { peakRssBytes: 257 * 1024 ** 2 }),
      summaryOf(NAME.part48Tib, 1, { peakRssBytes: 512 * 1024 ** 2 }),
      summaryOf(NAME.first, 1, { cpuSeconds: 10 }),
      summaryOf(NAME.https, 1, { cpuSeconds: 4.2 }),
    ]);
    const verdict = (words: string) => limits.find(({ target }) => target.includes(words));
    expect(verdict('1 TiB')).to.include({ measured: '257 MiB', reached: false });
    expect(verdict('48 TiB')).to.include({ measured: '512 MiB', reached: true });
    expect(verdict('CPU')).to.include({ measured: '42 %', reached: false });
  });

  it('claims nothing about what was not measured', () => {
    expect(judge([summaryOf(NAME.https, 4)]).every(({ reached }) => reached === undefined)).to.equal(true);
  });

  it('names what it got and what it takes', () => {
    expect(parseSize('256MiB')).to.equal(256 * 1024 ** 2);
    expect(() => parseSize('2GB')).to.throw('got size "2GB"; allowed is a whole number of bytes, KiB, MiB, GiB or TiB');
    expect(() => parseOptions(['--runs', '0'])).to.throw('got --runs "0"; allowed is a whole number from 1');
    expect(() => parseOptions(['--only', '('])).to.throw('got --only "("; allowed is a regular expression');
    expect(() => parseOptions(['--fast'])).to.throw("Unknown option '--fast'");
  });
});
