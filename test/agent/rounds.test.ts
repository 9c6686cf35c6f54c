import { expect } from 'chai';
import { Rounds } from '../../agent/adapters/stores/rounds.ts';
import { rejectionOf } from '../helpers/rejection.ts';

describe('rounds of work for all that wait', () => {
  /** Work whose every round the test ends itself. */
  const controlled = () => {
    const begun: (readonly number[])[] = [];
    const ends: PromiseWithResolvers<void>[] = [];
    const rounds = new Rounds<number>((items) => {
      begun.push(items);
      ends.push(Promise.withResolvers<void>());
      return ends.at(-1)!.promise;
    });
    return { rounds, begun, ends };
  };

  it('never lets anything join a round that has begun, and takes all that waited in one', async () => {
    const { rounds, begun, ends } = controlled();
    const settled: number[] = [];
    const join = (item: number): Promise<void> => rounds.join(item).then(() => void settled.push(item));
    const all = [1, 2, 3].map(join);
    expect(begun).to.deep.equal([[1]]);
    ends[0]!.resolve();
    await all[0];
    expect(begun).to.deep.equal([[1], [2, 3]]);
    expect(settled).to.deep.equal([1]);
    ends[1]!.resolve();
    await Promise.all(all);
    expect(settled).to.deep.equal([1, 2, 3]);
  });

  it('fails everything that comes after a round that failed, as that failed', async () => {
    const { rounds, begun, ends } = controlled();
    const failure = new Error('no room');
    const all = [1, 2].map((item) => rejectionOf(rounds.join(item)));
    rounds.assertSound();
    ends[0]!.reject(failure);
    expect(await Promise.all(all)).to.deep.equal([failure, failure]);
    expect(await rejectionOf(rounds.join(3))).to.equal(failure);
    expect(begun).to.deep.equal([[1]]);
    expect(() => rounds.assertSound()).to.throw(failure.message);
  });
});
