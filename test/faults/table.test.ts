import { expect } from 'chai';
import type { RowResult } from './row.ts';
import { isExpected } from './row.ts';
import { printTable } from './table.ts';

const result = (more: Partial<RowResult>): RowResult => ({
  area: 'store', fault: 'a fault', tries: 2, outcome: 'COMPLETE', expected: 'COMPLETE', ok: true, broken: [], told: [], seconds: 1.25, ...more,
});

describe('the table of faults', () => {
  it('has a row for each fault with tries, outcome and whether it was expected', () => {
    expect(printTable([result({})]).split('\n')).to.deep.equal([
      '| area  | fault   | tries | outcome  | expected    | time  |',
      '|-------|---------|-------|----------|-------------|-------|',
      '| store | a fault | 2     | COMPLETE | as expected | 1.3 s |',
      '1 faults as expected, 0 not',
      '',
    ]);
  });

  it('says what was expected, and what else did not hold', () => {
    const table = printTable([result({ ok: false, outcome: 'PARTIAL', broken: ['1 writes reached the source'] })]);
    expect(table).to.include('NOT AS EXPECTED: COMPLETE').and.to.include('a fault: 1 writes reached the source\n').and.to.include('0 faults as expected, 1 not');
  });

  it('takes any of several outcomes where a race decides', () => {
    expect([isExpected('A', 'A'), isExpected('A', 'AB'), isExpected('B', ['A', 'B']), isExpected('C', ['A', 'B'])]).to.deep.equal([true, false, true, false]);
  });
});
