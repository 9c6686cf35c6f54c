import { expect } from 'chai';
import { QUOTAS } from '../../../modules/acquisition-workflow/estimate-data.ts';
import { runDefinition } from './definition/run-definition.ts';
import { simulate, type Scenario } from './simulate.ts';

/** The virtual minutes are the same on any machine; what they cost in real time is not. */
describe('the state machine itself on the virtual clock', function () {
  this.timeout(600_000);

  const scenarios: readonly Scenario[] = [{ volumes: 1, accounts: 1 }, { volumes: 4, accounts: 1 }, { volumes: 1, accounts: 1, route: 'transit' }];
  for (const scenario of scenarios) {
    it(`takes what the model says, within a tenth: ${scenario.volumes} volume${scenario.volumes > 1 ? 's' : ''}, ${scenario.route ?? 'direct'}`, async () => {
      const [{ minutes, results }, model] = await Promise.all([runDefinition(scenario), simulate(scenario)]);
      expect(results.map(({ status, cause }) => cause ?? status)).to.deep.equal(results.map(() => 'SUCCEEDED'));
      expect(minutes.last / model.minutes.last).to.be.within(0.9, 1.1);
      if (scenario.route === undefined) expect(minutes.last).to.be.below(6);
    });
  }

  it('images a hundred volumes in under six minutes with the quotas that every account has, as the model says within a tenth', async () => {
    const scenario = { volumes: 100, accounts: 10 };
    const { minutes, results, aws } = await runDefinition(scenario);
    expect(results.filter(({ status }) => status !== 'SUCCEEDED')).to.deep.equal([]);
    expect(minutes.last).to.be.below(6);
    expect(minutes.last / (await simulate(scenario)).minutes.last).to.be.within(0.9, 1.1);
    expect(aws.peaks.initializing).to.equal(QUOTAS.initializationRate.value);
    // A hundred ask at once, fifty have the least share there is, and fifty more have theirs when those are filled.
    expect(aws.rates.tally('ec2:CreateVolume')).to.deep.equal({ calls: 150, throttled: 0, refused: 50 });
  });
});
