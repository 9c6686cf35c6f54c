import { stat } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { expect } from 'chai';
import { hasAbandonedWork, readAnswered } from '../../agent/adapters/patience.ts';
import { rejectionOf } from '../helpers/rejection.ts';

describe('patience with a disk', () => {
  it('ends when nothing comes', async () => {
    const reading = Promise.withResolvers<void>();
    const error = await rejectionOf(readAnswered(reading.promise, 'the disk gave no answer', 50));
    expect(error).to.include({ code: 'SOURCE_STALLED', retryable: true });
    expect(hasAbandonedWork()).to.equal(true);
    reading.resolve();
    await reading.promise;
    await setImmediate();
    expect(hasAbandonedWork(), 'when the answer came after all').to.equal(false);
  });

  for (const [patience, stopped] of [[50, 2000], [3000, 3500]] as const) {
    it(`of ${patience} ms does not end because the collector itself was stopped for ${stopped} ms while the answer came`, async () => {
      const answer = readAnswered(stat('/'), 'the disk gave no answer', patience);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, stopped); // nothing runs in this thread meanwhile
      expect((await answer).isDirectory()).to.equal(true);
    });
  }
});
