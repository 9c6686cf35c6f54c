import { chooseVolume } from '../../../modules/acquisition-workflow/choose-volume.ts';
import { DURATIONS, QUOTAS } from '../../../modules/acquisition-workflow/estimate-data.ts';
import type { SimulatedAws } from './aws.ts';
import type { VirtualClock } from './clock.ts';
import { Refused, type SimulatedTime } from './quotas.ts';
import type { Execution } from './execution.ts';

/** One instance with its volumes, as an execution acquires it. */
export interface Suspect {
  readonly account: string;
  readonly sizesGiB: readonly number[];
  readonly route: 'direct' | 'transit';
}

export interface Surroundings {
  readonly clock: VirtualClock;
  readonly aws: SimulatedAws;
  /** Volumes of all executions of the Region. */
  readonly volumesInAll: number;
  /** Told when an image has been verified. */
  readonly imaged: () => void;
  /** Told what a stage of a volume's way took. */
  readonly spent: (stage: string, seconds: number) => void;
}

export type Model = (suspect: Suspect, run: Execution, around: Surroundings) => Promise<void>;

export const FORENSIC = 'forensic';
const { functionCall } = DURATIONS;

/** Pauses between two lookings: 5 s at first, then a twentieth of what was waited, at most 15 minutes. */
const patient = (waited: number): number => Math.max(5, Math.min(900, Math.floor(waited / 20)));

/**
 * Cleanroom's order: collectors start while the snapshots are made; the work volume comes straight from the shared snapshot;
 * the copy that is locked is made beside the imaging.
 */
export const cleanroom: Model = async ({ account, sizesGiB, route }, run, { clock, aws, volumesInAll, imaged, spent }) => {
  const lambda = () => run.task(() => aws.call(FORENSIC, 'lambda:Invoke', functionCall.value));
  const timed = async <Output>(stage: string, work: () => Promise<Output>): Promise<Output> => {
    const from = clock.now;
    const output = await work();
    spent(stage, clock.now - from);
    return output;
  };
  await timed('open', async () => {
    await lambda();
    for (const action of ['ec2:DescribeInstances', 'ec2:DescribeVolumes']) await run.task(() => aws.call(account, action));
    await lambda();
  });
  await timed('preserve', async () => {
    for (const action of ['ec2:GetConsoleScreenshot', 'ec2:GetConsoleOutput']) await run.task(() => aws.call(account, action));
    for (let index = 0; index < 2; index++) await run.task(() => aws.call(FORENSIC, 's3:PutObject'));
    for (let index = 0; index < 4; index++) await run.task(() => aws.call(account, 'ec2:ModifyInstanceAttribute'));
    await run.task(() => aws.call(account, 'autoscaling:DescribeAutoScalingInstances'));
    await lambda();
  });
  const sources = await run.task(() => aws.createSnapshots(account, sizesGiB));
  const starting = startCollectors(run, aws, sizesGiB.length);
  await timed('snapshot', () => run.until(() => aws.snapshotsReady(account, sources), patient));

  const one = async (source: string, index: number): Promise<void> => {
    let shared = source;
    if (route === 'transit') {
      shared = await timed('transit-copy', async () => {
        const copy = await run.task(() => aws.copySnapshot(account, source), { longestPause: 60 });
        await run.until(() => aws.snapshotsReady(account, [copy]), patient);
        return copy;
      });
    }
    await run.task(() => aws.call(account, 'ec2:ModifySnapshotAttribute'));
    const evidence = async () => {
      const from = clock.now;
      const copy = await run.task(() => aws.copySnapshot(FORENSIC, shared), { firstPause: 15, longestPause: 300 });
      await run.until(() => aws.snapshotsReady(FORENSIC, [copy]), patient);
      await run.task(() => aws.call(FORENSIC, 'ec2:LockSnapshot'));
      spent('evidence-copy', clock.now - from);
    };
    const image = async () => {
      const [volume, instance] = await timed('restore', async () => {
        const made = await restore(run, aws, clock, shared, sizesGiB[index] ?? 1, volumesInAll);
        await run.until(() => aws.volumeReady(FORENSIC, made), patient);
        const instances = await starting;
        await run.task(() => aws.attachVolume(FORENSIC, made));
        return [made, instances[index] ?? ''] as const;
      });
      await timed('image', () => run.until(() => aws.manifestThere(FORENSIC, volume), patient));
      await timed('verify', lambda);
      imaged();
      await run.task(() => aws.release(FORENSIC, volume, instance));
    };
    await Promise.all([evidence(), image()]);
  };
  await inLanes(sources, QUOTAS.mapConcurrency.value, one);
  await lambda();
};

/** Asks for the volume's share of what the Region fills at once; without one, it waits for one turn, and then takes AWS's own pace. */
async function restore(run: Execution, aws: SimulatedAws, clock: SimulatedTime, shared: string, sizeGiB: number, concurrent: number): Promise<string> {
  const { throughput = 125, initializationRate } = chooseVolume({ sizeGiB, deadlineMinutes: 24 * 60, volumeType: 'gp3', concurrent });
  const turn = initializationRate === undefined ? -25 : Math.ceil(sizeGiB * 10.24);
  for (let waited = 0; waited < turn + 25; ) {
    try {
      return await aws.createVolume(FORENSIC, shared, { throughput, ...(initializationRate === undefined ? {} : { initializationRate }) });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const seconds = Math.max(5, Math.min(120, error.code === 'RequestLimitExceeded' ? 5 : turn - waited));
      waited += seconds;
      await clock.sleep(seconds);
    }
  }
  return run.task(() => aws.createVolume(FORENSIC, shared, { throughput }));
}

/** One call starts the collectors of an instance's volumes; their readiness is looked for once for all of them. */
async function startCollectors(run: Execution, aws: SimulatedAws, count: number): Promise<readonly string[]> {
  const instances = await run.task(() => aws.runInstances(FORENSIC, count, 2));
  await run.until(() => aws.collectorsReady(FORENSIC, instances), patient);
  return instances;
}

/**
 * The AWS disk-collection pipeline's order, as published: one snapshot after another key after another account, half a minute
 * between two lookings, a collector a volume at the end. It ends when the volume is attached; nothing waits for the image.
 */
export const awsPipeline: Model = async ({ account, sizesGiB }, run, { clock, aws, imaged, spent }) => {
  const every30 = () => 30;
  const timed = async <Output>(stage: string, work: () => Promise<Output>): Promise<Output> => {
    const from = clock.now;
    const output = await work();
    spent(stage, clock.now - from);
    return output;
  };
  await inLanes(sizesGiB, QUOTAS.mapConcurrency.value, async (sizeGiB) => {
    const [source = ''] = await run.task(() => aws.createSnapshots(account, [sizeGiB]));
    await timed('snapshot', () => run.until(() => aws.snapshotsReady(account, [source]), every30));
    const shared = await timed('transit-copy', async () => {
      const copy = await run.task(() => aws.copySnapshot(account, source));
      await run.until(() => aws.snapshotsReady(account, [copy]), every30);
      return copy;
    });
    await run.task(() => aws.call(account, 'ec2:ModifySnapshotAttribute'));
    const final = await timed('evidence-copy', async () => {
      const copy = await run.task(() => aws.copySnapshot(FORENSIC, shared));
      await run.until(() => aws.snapshotsReady(FORENSIC, [copy]), every30);
      return copy;
    });
    await timed('restore', async () => {
      const volume = await run.task(() => aws.createVolume(FORENSIC, final, { throughput: 125 }));
      await run.until(() => aws.volumeReady(FORENSIC, volume), every30);
      const instances = await run.task(() => aws.runInstances(FORENSIC, 1, 2));
      await run.until(() => aws.collectorsReady(FORENSIC, instances), every30);
      await run.task(() => aws.attachVolume(FORENSIC, volume));
    });
    imaged();
  });
};

/** Works through items, so many at once: a Map with MaxConcurrency. */
async function inLanes<Item>(items: readonly Item[], lanes: number, work: (item: Item, index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async () => {
    for (let index = next++; index < items.length; index = next++) await work(items[index] as Item, index);
  };
  await Promise.all(Array.from({ length: Math.min(lanes, items.length) }, lane));
}
