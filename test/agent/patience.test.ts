import { stat } from 'node:fs/promises';
import { expect } from 'chai';
import { answered } from '../../agent/adapters/patience.ts';
import { rejectionOf } from '../helpers/rejection.ts';

describe('patience with a disk', () => {
  it('ends when nothing comes', async () => {
    const error = await rejectionOf(answered(new Promise(() => {}), 'the disk gave no answer', 50));
    expect(error).to.include({ code: 'SOURCE_STALLED', retryable: true });
  });

  it('does not end because the collector itself was stopped while the answer came', async () => {
    const answer = answered(stat('/'), 'the disk gave no answer', 50);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2000); // nothing runs in this thread meanwhile
    expect((await answer).isDirectory()).to.equal(true);
  });
});
