import { expect } from 'chai';
import { humanBytes, humanSeconds } from '../../agent/human.ts';

describe('figures for a person', () => {
  it('print bytes in the unit that fits, with a digit behind the point', () => {
    expect([0, 1, 1023, 1024, 1536, 1024 ** 2 - 1, 1024 ** 2, 5 * 1024 ** 3, 1024 ** 4, 64 * 1024 ** 4].map(humanBytes)).to.deep.equal([
      '0 B', '1 B', '1023 B', '1.0 KiB', '1.5 KiB', '1024.0 KiB', '1.0 MiB', '5.0 GiB', '1.0 TiB', '64.0 TiB',
    ]);
  });

  it('print a time in two units at most, rounded up, and never pretend to know what nobody can', () => {
    expect([0, 0.2, 45, 60, 200, 3600, 3720.5, 360_000].map(humanSeconds)).to.deep.equal(['0s', '1s', '45s', '1m00s', '3m20s', '1h00m', '1h02m', '100h00m']);
    expect(humanSeconds(Infinity)).to.equal('?');
    expect(humanSeconds(Number.NaN)).to.equal('?');
  });
});
