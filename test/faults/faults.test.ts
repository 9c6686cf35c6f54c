import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { startMoto, type Moto } from '../helpers/moto.ts';
import { useCredentials } from '../helpers/s3-store.ts';
import { ensureUdev } from '../helpers/udev.ts';
import type { RowResult } from './row.ts';
import { ROWS } from './rows.ts';
import { startRows } from './run-rows.ts';

/** The short form of the fault suite; `npm run test:faults -- --long` is the long one. */
const SHORT = ROWS.filter(({ long }) => long !== true);

describe('whatever goes wrong, nothing false is called evidence and nothing stored is lost', () => {
  const seed = process.env['CLEANROOM_TEST_SEED'] ?? randomBytes(4).toString('hex');
  let moto: Moto;
  let results: readonly Promise<RowResult>[];
  before(async () => {
    useCredentials();
    moto = await startMoto();
    await ensureUdev();
    results = startRows(SHORT, { moto, seed, long: false });
  });
  after(async () => {
    await Promise.allSettled(results);
    await moto.stop();
  });

  for (const [index, { area, fault, expected }] of SHORT.entries()) {
    const promise = typeof expected === 'string' ? expected : expected.join(' or ');
    it(`${area}: ${fault}: ${promise}`, async () => {
      const { ok, outcome, broken, told } = await results[index]!;
      expect({ ok, outcome, broken }, [`seed ${seed}`, ...told].join('\n')).to.deep.equal({ ok: true, outcome, broken: [] });
      expect(outcome, `seed ${seed}`).to.be.oneOf(typeof expected === 'string' ? [expected] : [...expected]);
    }).timeout(900_000);
  }
});
