import { expect } from 'chai';
import { parseEstate } from '../../infra/config.ts';
import { POLICY_QUOTAS, type PolicyKind } from '../../modules/policy.ts';
import { largeEstate } from './helpers/large-estate.ts';
import { synthEstate } from './helpers/synth.ts';
import { World } from './simulation/world.ts';

describe('an estate of 30 Regions and 200 monitored accounts', function () {
  const estate = parseEstate(largeEstate(30, 200), 'large');

  it('synthesises, stack by stack, without one growing with the others', () => {
    const stacks = synthEstate(estate);
    expect(stacks.size).to.equal(1 + 30 * 3 + 200 + 1);
    const small = synthEstate(parseEstate(largeEstate(3, 4), 'small'));
    const size = (of: ReadonlyMap<string, unknown>, id: string) => JSON.stringify(of.get(id)).length;
    for (const [kind, allowed] of [['log-archive', 1.1], ['forensics', 1.1], ['evidence', 1.6]] as const) {
      const id = `${kind}-xx-north-1`;
      expect(size(stacks, id) / size(small, id), id).to.be.lessThan(allowed);
    }
  });

  it('keeps every policy inside its quota', () => {
    const over = new World(estate, { sealed: true }).documents.filter(({ kind, document }) => JSON.stringify(document).length > POLICY_QUOTAS[kind as PolicyKind]);
    expect(over.map(({ name }) => name)).to.deep.equal([]);
  });
});
