import { expect } from 'chai';
import { AdaptiveLimit } from '../../agent/adapters/adaptive-limit.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Work that ends when told to, and knows how much of it runs at once. */
function workload(limit: AdaptiveLimit): { add(): Promise<void>; running: () => number; started: () => number; end(count: number): Promise<void> } {
  const ends: (() => void)[] = [];
  let running = 0;
  let started = 0;
  return {
    running: () => running,
    started: () => started,
    add: () =>
      limit.run(async () => {
        running++;
        started++;
        await new Promise<void>((resolve) => ends.push(resolve));
        running--;
      }),
    async end(count) {
      for (const end of ends.splice(0, count)) end();
      await turn();
    },
  };
}

describe('the limit on parts at once', () => {
  it('is never exceeded, and is used in full', async () => {
    const limit = new AdaptiveLimit(3);
    const work = workload(limit);
    const all = Promise.all(Array.from({ length: 7 }, () => work.add()));
    await turn();
    expect(work.running()).to.equal(3);
    await work.end(1);
    expect([work.running(), work.started()]).to.deep.equal([3, 4]);
    await work.end(3);
    await work.end(3);
    await all;
    expect(work.started()).to.equal(7);
  });

  it('lets work in in the order it came', async () => {
    const limit = new AdaptiveLimit(1);
    const order: number[] = [];
    await Promise.all([0, 1, 2, 3].map((index) => limit.run(async () => {
      await turn();
      order.push(index);
    })));
    expect(order).to.deep.equal([0, 1, 2, 3]);
  });

  it('halves when the store asks for less, down to one at a time and never to none', async () => {
    const limit = new AdaptiveLimit(8);
    const seen = Array.from({ length: 5 }, () => {
      limit.slowDown();
      return limit.limit;
    });
    expect(seen).to.deep.equal([4, 2, 1, 1, 1]);
    expect(await limit.run(() => Promise.resolve('done'))).to.equal('done');
  });

  it('grows by one for each run of successes, and never over where it began', () => {
    const limit = new AdaptiveLimit(4);
    limit.slowDown();
    limit.slowDown();
    const grown = Array.from({ length: 12 }, () => {
      limit.succeeded();
      return limit.limit;
    });
    expect(grown).to.deep.equal([2, 2, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4]);
  });

  it('lets waiting work in at once when it grows', async () => {
    const limit = new AdaptiveLimit(2);
    limit.slowDown();
    const work = workload(limit);
    const all = Promise.all([work.add(), work.add()]);
    await turn();
    expect(work.running()).to.equal(1);
    limit.succeeded();
    await turn();
    expect(work.running()).to.equal(2);
    await work.end(2);
    await all;
  });

  it('gives the place of work that failed to the next', async () => {
    const limit = new AdaptiveLimit(1);
    const failed = limit.run(() => Promise.reject(new Error('no')));
    const next = limit.run(() => Promise.resolve('next'));
    expect(await failed.catch((error: unknown) => String(error))).to.equal('Error: no');
    expect(await next).to.equal('next');
  });
});
