import { expect } from 'chai';
import { chooseVolume } from '../../../modules/acquisition-workflow/choose-volume.ts';
import { AWS_PIPELINE_SECONDS, DURATIONS, PRICES, QUOTAS, VOLUMES, type Datum } from '../../../modules/acquisition-workflow/estimate-data.ts';
import { actualOf, estimateCase, type EstimatedVolume } from '../../../modules/acquisition-workflow/estimate.ts';

const DAY = 24 * 60;
const volumes = (count: number, sizeGiB: number, more: Partial<EstimatedVolume> = {}): readonly EstimatedVolume[] =>
  Array.from({ length: count }, (_, index) => ({ volumeId: `vol-${index}`, sizeGiB, account: '200000000001', route: 'direct', ...more }));
const gp3 = { volumeType: 'gp3', deadlineMinutes: DAY } as const;
const secondsOf = (estimate: ReturnType<typeof estimateCase>, stage: string): number => estimate.stages.find((entry) => entry.stage === stage)?.seconds ?? -1;

describe('the choice of a work volume', () => {
  it('restores as fast as EBS guarantees, with the throughput to read as fast', () => {
    expect(chooseVolume({ sizeGiB: 8, ...gp3 })).to.deep.include({ initializationRate: 300, throughput: 300, iops: 3000, readRate: 300, instanceType: 'c7g.large', boundBy: 'initialization rate' });
  });

  it('shares the Region\'s initialization rate, in two turns where a share is under what EBS takes, and asks for none where that is slower than AWS\'s own pace', () => {
    const rateAmong = (concurrent: number) => chooseVolume({ sizeGiB: 8, ...gp3, concurrent }).initializationRate;
    expect([1, 16, 17, 50, 51, 100, 101].map(rateAmong)).to.deep.equal([300, 300, 294, 100, 100, 100, undefined]);
    for (const concurrent of [1, 7, 16, 17, 33, 50]) expect((rateAmong(concurrent) ?? 0) * concurrent).to.be.at.most(QUOTAS.initializationRate.value);
  });

  it('stays inside what gp3 takes at every size', () => {
    for (const sizeGiB of [1, 2, 8, 100, 1024, 16_384, 65_536]) {
      for (const concurrent of [1, 20, 100]) {
        const { throughput = 0, iops = 0 } = chooseVolume({ sizeGiB, ...gp3, concurrent });
        expect(throughput).to.be.within(125, 2000);
        expect(iops).to.be.within(3000, Math.max(3000, sizeGiB * 500));
        expect(throughput).to.be.at.most(iops * 0.25);
      }
    }
  });

  it('takes a larger collector where a small one\'s bandwidth would fall after half an hour', () => {
    expect(chooseVolume({ sizeGiB: 500, ...gp3 }).instanceType).to.equal('c7g.large');
    expect(chooseVolume({ sizeGiB: 16_384, ...gp3 })).to.deep.include({ instanceType: 'c7g.2xlarge', meetsDeadline: true });
    expect(chooseVolume({ sizeGiB: 16_384, ...gp3, architecture: 'x86_64' }).instanceType).to.equal('c7i.2xlarge');
    expect(chooseVolume({ sizeGiB: 16_384, ...gp3, deadlineMinutes: 60 }).meetsDeadline).to.equal(false);
  });

  it('reads a magnetic volume at its own pace, and refuses one that cannot be made', () => {
    expect(chooseVolume({ sizeGiB: 100, deadlineMinutes: DAY, volumeType: 'standard' })).to.deep.include({ readRate: 40, boundBy: 'magnetic volume' }).and.not.have.any.keys('throughput', 'iops');
    expect(() => chooseVolume({ sizeGiB: 2000, deadlineMinutes: DAY, volumeType: 'standard' })).to.throw(RangeError, /2000 GiB .* at most 1024 GiB .* choose the volume type gp3/);
    expect(() => chooseVolume({ sizeGiB: 0, ...gp3 })).to.throw(RangeError, /0 GiB .* over 0/);
  });
});

describe('the estimate of a case', () => {
  it('of an 8 GB volume is under six minutes where no transit copy is needed', () => {
    const estimate = estimateCase(volumes(1, 8), gp3);
    expect(estimate.seconds).to.be.below(360);
    expect(estimate).to.deep.include({ boundBy: 'snapshot', meetsDeadline: true, quotas: [] });
  });

  it('counts a transit copy as one more snapshot\'s time, and beats the AWS pipeline with it', () => {
    const direct = estimateCase(volumes(1, 8), gp3);
    const transit = estimateCase(volumes(1, 8, { route: 'transit' }), gp3);
    expect(transit.seconds - direct.seconds).to.equal(secondsOf(transit, 'transit-copy'));
    expect(secondsOf(direct, 'transit-copy')).to.equal(0);
    expect(transit.seconds).to.be.below(AWS_PIPELINE_SECONDS.value);
  });

  it('keeps the locked copy off the way to the images', () => {
    const estimate = estimateCase(volumes(100, 8), gp3);
    expect(secondsOf(estimate, 'evidence-copy')).to.be.above(estimate.seconds);
    expect(estimate.secondsToClose).to.be.above(secondsOf(estimate, 'evidence-copy'));
    const onTheWay = estimate.stages.filter(({ stage }) => !['evidence-copy', 'close'].includes(stage)).reduce((sum, { seconds }) => sum + seconds, 0);
    expect(Math.abs(onTheWay - estimate.seconds)).to.be.below(4); // each stage is rounded
  });

  it('makes copies wait for the twenty that one account and Region has in flight', () => {
    const copies = (count: number) => secondsOf(estimateCase(volumes(count, 8, { route: 'transit' }), gp3), 'transit-copy');
    expect(copies(20)).to.equal(copies(1));
    expect(copies(21)).to.be.above(1.9 * copies(1));
    const spread = volumes(40, 8, { route: 'transit' }).map((volume, index) => ({ ...volume, account: String(index % 2) }));
    expect(secondsOf(estimateCase(spread, gp3), 'transit-copy')).to.equal(copies(1));
  });

  it('grows with every volume and every gibibyte, in time and in money', () => {
    const [one, larger, more] = [estimateCase(volumes(1, 8), gp3), estimateCase(volumes(1, 80), gp3), estimateCase(volumes(10, 8), gp3)];
    expect(larger.seconds).to.be.above(one.seconds);
    expect(larger.usd).to.be.above(one.usd);
    expect(more.usd).to.be.closeTo(10 * one.usd, one.usd);
    expect(more.usdPerMonth).to.be.closeTo(10 * one.usdPerMonth, 1e-9);
    expect(one.usdPerMonth).to.be.closeTo(8 * (0.023 + 0.05), 1e-9);
  });

  it('adds up by stage', () => {
    const estimate = estimateCase([...volumes(3, 100), ...volumes(2, 50, { route: 'transit' })], gp3);
    expect(estimate.stages.reduce((sum, { usd }) => sum + usd, 0)).to.be.closeTo(estimate.usd, 1e-9);
  });

  it('names the default quotas that are not enough', () => {
    expect(estimateCase(volumes(100, 1024), gp3).quotas).to.deep.equal([
      '200 vCPUs of on-demand standard instances are needed; a new account has 5',
      '100 TiB of gp3 volumes are needed; the default is 50',
    ]);
  });

  it('says what it assumes', () => {
    expect(estimateCase(volumes(1, 8), gp3).assumptions.join('\n')).to.match(/as published on \d{4}-\d{2}-\d{2}/).and.contain('snapshotBase: 90 s');
  });
});

describe('the actual of a case', () => {
  const recorded = {
    openedAt: '2026-11-21T10:00:00Z',
    endedAt: '2026-11-21T10:05:00Z',
    stages: [{ stage: 'snapshot', at: '2026-11-21T10:00:10Z' }, { stage: 'open', at: '2026-11-21T10:00:00Z' }, { stage: 'image', at: '2026-11-21T10:03:00Z' }],
  };

  it('is the recorded time of each stage, in order, and the estimate\'s money at that length', () => {
    expect(actualOf(recorded, { usd: 1, seconds: 600 })).to.deep.equal({
      seconds: 300,
      usd: 0.5,
      stages: [{ stage: 'open', seconds: 10, usd: 10 / 600 }, { stage: 'snapshot', seconds: 170, usd: 170 / 600 }, { stage: 'image', seconds: 120, usd: 120 / 600 }],
    });
  });

  it('has no money without an estimate, and refuses times that are none', () => {
    expect(actualOf(recorded).usd).to.equal(0);
    expect(() => actualOf({ ...recorded, endedAt: 'yesterday' })).to.throw(RangeError, /ended at yesterday/);
    expect(() => actualOf({ ...recorded, endedAt: '2026-11-21T09:00:00Z' })).to.throw(RangeError);
  });
});

describe('what the estimate rests on', () => {
  it('has a source for every value, and an address for every published one', () => {
    const data: Datum[] = [...Object.values(PRICES), ...Object.values(QUOTAS), ...Object.values(DURATIONS), VOLUMES.magneticThroughput, VOLUMES.collectorBurst];
    for (const { value, unit, basis, source } of data) {
      expect(value, unit).to.be.above(0);
      if (basis === 'published') expect(source, unit).to.match(/^https:\/\//);
      else expect(source.length, unit).to.be.above(5);
    }
  });

  it('gives the AWS pipeline\'s eleven minutes for the AWS pipeline\'s order of steps', () => {
    const { snapshotBase, snapshotRate, copyBase, copyRate, collectorBoot, volumeAvailable, attach } = DURATIONS;
    const snapshot = snapshotBase.value + (8 * 1024) / snapshotRate.value;
    const copy = copyBase.value + (8 * 1024) / copyRate.value;
    const polls = 5 * 15; // waits of half a minute, half of which is lost on average
    const steps = snapshot + 2 * copy + volumeAvailable.value + collectorBoot.value + attach.value + polls;
    expect(steps / AWS_PIPELINE_SECONDS.value).to.be.within(0.9, 1.1);
  });
});
