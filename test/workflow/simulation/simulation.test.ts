import { expect } from 'chai';
import { AWS_PIPELINE_SECONDS, DURATIONS, QUOTAS } from '../../../modules/acquisition-workflow/estimate-data.ts';
import { estimateCase } from '../../../modules/acquisition-workflow/estimate.ts';
import { VirtualClock } from './clock.ts';
import { SimulatedAws } from './aws.ts';
import { awsPipeline } from './models.ts';
import { Rates, Refused } from './quotas.ts';
import { simulate } from './simulate.ts';

describe('the virtual clock', () => {
  it('wakes sleepers in the order of their time, and those of one time in the order they fell asleep', async () => {
    const clock = new VirtualClock();
    const order: string[] = [];
    const sleeper = async (name: string, seconds: number) => {
      await clock.sleep(seconds);
      order.push(`${name}@${clock.now}`);
    };
    await clock.run(async () => {
      await Promise.all([sleeper('late', 3600), sleeper('b', 5), sleeper('c', 5), sleeper('a', 1), sleeper('now', 0)]);
    });
    expect(order).to.deep.equal(['now@0', 'a@1', 'b@5', 'c@5', 'late@3600']);
  });

  it('passes errors on, and says when nothing will ever happen', async () => {
    const failure = await new VirtualClock().run(() => Promise.reject(new Error('work failed'))).catch((error: Error) => error.message);
    expect(failure).to.equal('work failed');
    const stuck = await new VirtualClock().run(() => new Promise(() => undefined)).catch((error: Error) => error.message);
    expect(stuck).to.match(/waits for something that never comes/);
  });
});

describe('simulated AWS', () => {
  it('lets a burst through and then as many calls a second as it publishes', async () => {
    const clock = new VirtualClock();
    const rates = new Rates(clock, 1);
    const passed = (times: number) => Array.from({ length: times }).filter(() => {
      try {
        rates.take('a', 'ec2:RunInstances');
        return true;
      } catch (error) {
        if (error instanceof Refused) return false;
        throw error;
      }
    }).length;
    await clock.run(async () => {
      expect(passed(20)).to.equal(5);
      await clock.sleep(1);
      expect(passed(20)).to.equal(2);
      await clock.sleep(100);
      expect(passed(20)).to.equal(5);
    });
    expect(rates.tally('ec2:RunInstances')).to.deep.equal({ calls: 60, throttled: 48, refused: 0 });
  });

  it('has at most twenty copies in flight into an account', async () => {
    const clock = new VirtualClock();
    const aws = new SimulatedAws(clock, { vcpus: 0 });
    const codes = await clock.run(async () => {
      const [source = ''] = await aws.createSnapshots('a', [8]);
      const results = await Promise.allSettled(Array.from({ length: 21 }, () => aws.copySnapshot('a', source)));
      await aws.copySnapshot('b', source); // another account has its own
      return results.flatMap((result) => (result.status === 'rejected' ? [(result.reason as Refused).code] : []));
    });
    expect(codes).to.deep.equal(['ResourceLimitExceeded']);
    expect(aws.peaks.copies).to.equal(QUOTAS.copiesInFlight.value);
  });

  it('refuses a provisioned initialization over the Region\'s rate, and gives it back when blocks have arrived', async () => {
    const clock = new VirtualClock();
    const aws = new SimulatedAws(clock, { vcpus: 0 });
    await clock.run(async () => {
      const [source = ''] = await aws.createSnapshots('a', [8]);
      const create = () => aws.createVolume('a', source, { throughput: 300, initializationRate: 300 });
      const results = await Promise.allSettled(Array.from({ length: 17 }, create));
      expect(results.filter(({ status }) => status === 'rejected')).to.have.length(1);
      await clock.sleep((8 * 1024) / 300);
      await create();
    });
  });
});

describe('acquisitions on the virtual clock', function () {
  this.timeout(60_000);

  it('give verified images of 8 GiB volumes in under six minutes where no transit copy is needed', async () => {
    for (const volumes of [1, 4]) expect((await simulate({ volumes, accounts: 1 })).minutes.last, String(volumes)).to.be.below(6);
  });

  it('take what the estimate said, within a tenth', async () => {
    for (const route of ['direct', 'transit'] as const) {
      const simulated = await simulate({ volumes: 1, accounts: 1, route });
      const estimated = estimateCase([{ volumeId: 'v', sizeGiB: 8, account: 'a', route }], { volumeType: 'gp3', deadlineMinutes: 1440 });
      expect((simulated.minutes.last * 60) / estimated.seconds, route).to.be.within(0.9, 1.1);
    }
  });

  it('show the AWS pipeline\'s own eleven minutes for its own order of steps, without its image', async () => {
    const { minutes } = await simulate({ volumes: 1, accounts: 1, model: awsPipeline });
    expect((minutes.last * 60) / AWS_PIPELINE_SECONDS.value).to.be.within(0.85, 1.1);
  });

  it('lose no volume to a quota: every one of a thousand is imaged, inside every quota and history', async () => {
    const outcome = await simulate({ volumes: 1_000, accounts: 50 });
    expect(outcome.calls.get('ec2:LockSnapshot')?.calls).to.be.at.least(1_000);
    expect(outcome.peaks.copies).to.be.at.most(QUOTAS.copiesInFlight.value);
    expect(outcome.peaks.initializing).to.be.at.most(QUOTAS.initializationRate.value);
    expect(outcome.historyEvents).to.be.below(QUOTAS.historyEvents.value / 2);
    expect(outcome.minutes.last).to.be.below(15);
    // A thousand locked copies, twenty at a time, are what the end of the last case waits for.
    const copy = DURATIONS.copyBase.value + (8 * 1024) / DURATIONS.copyRate.value;
    expect(outcome.minutes.closed * 60).to.be.at.least((1_000 / 20) * copy);
  });

  it('wait for collectors where the account may run few, and come to an end', async () => {
    const { minutes, peaks } = await simulate({ volumes: 8, accounts: 2, volumesPerInstance: 1, vcpus: 4 });
    expect(peaks.vcpus).to.equal(4);
    expect(minutes.last).to.be.above((await simulate({ volumes: 8, accounts: 2, volumesPerInstance: 1 })).minutes.last);
  });

  it('are the same in every run', async () => {
    const [one, other] = [await simulate({ volumes: 100, accounts: 10 }), await simulate({ volumes: 100, accounts: 10 })];
    expect(one.minutes).to.deep.equal(other.minutes);
    expect([...one.calls]).to.deep.equal([...other.calls]);
  });
});
