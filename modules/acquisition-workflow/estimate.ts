import { chooseVolume, type VolumeChoice, type VolumeType } from './choose-volume.ts';
import { DATA_AS_OF, DURATIONS, PRICES, QUOTAS, RATES, type Architecture, type Datum } from './estimate-data.ts';

/** The stages that time and money are told by. Those marked "beside" run while others do. */
export const ESTIMATE_STAGES = ['open', 'preserve', 'snapshot', 'transit-copy', 'restore', 'image', 'verify', 'evidence-copy', 'close'] as const;
export type EstimateStage = (typeof ESTIMATE_STAGES)[number];

/** A volume that is to be imaged. */
export interface EstimatedVolume {
  readonly volumeId: string;
  readonly sizeGiB: number;
  /** Account that owns it: each has its own quotas. */
  readonly account: string;
  /**
   * How its snapshot reaches the forensic account: `direct` where it is not encrypted or its key may be used there, `transit`
   * where it has to be copied under the transit key first.
   */
  readonly route: 'direct' | 'transit';
}

export interface EstimateOptions {
  readonly volumeType: VolumeType;
  readonly deadlineMinutes: number;
  /** Volumes of other cases that the Region is initializing already; they share its quota. @default 0 */
  readonly othersInitializing?: number;
  /** Architecture of the collector's image. @default 'arm64' */
  readonly architecture?: Architecture;
  /** Seconds between two looks at a state of AWS. @default 10 */
  readonly pollSeconds?: number;
}

export interface Estimate {
  /** To the last verified image. */
  readonly seconds: number;
  /** To the end of the case: locked snapshots, released collectors. */
  readonly secondsToClose: number;
  /** Paid once. */
  readonly usd: number;
  /** Paid each month for as long as images and evidence snapshots are kept. */
  readonly usdPerMonth: number;
  readonly stages: readonly { readonly stage: EstimateStage; readonly seconds: number; readonly usd: number }[];
  /** The stage that the time to the last image mostly goes to. */
  readonly boundBy: EstimateStage;
  readonly meetsDeadline: boolean;
  readonly volumes: readonly ({ readonly volumeId: string } & VolumeChoice)[];
  /** Default quotas that are not enough, each with what is needed. */
  readonly quotas: readonly string[];
  /** What the numbers rest on that AWS does not publish. */
  readonly assumptions: readonly string[];
}

const MIB_PER_GIB = 1_024;
const HOURS_A_MONTH = 730;
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const most = (values: readonly number[]): number => Math.max(0, ...values);

/** Seconds that the last of `count` calls waits for a token. */
const queueSeconds = (action: string, count: number): number => {
  const { capacity, refill } = RATES[action] ?? { capacity: 1, refill: 1 };
  return Math.max(0, count - capacity) / refill;
};

const copySeconds = ({ sizeGiB }: EstimatedVolume): number => DURATIONS.copyBase.value + (sizeGiB * MIB_PER_GIB) / DURATIONS.copyRate.value;
const snapshotSeconds = ({ sizeGiB }: EstimatedVolume): number => DURATIONS.snapshotBase.value + (sizeGiB * MIB_PER_GIB) / DURATIONS.snapshotRate.value;

/** Copies run at most 20 at a time into one Region and account, longest first. */
function copyingSeconds(volumes: readonly EstimatedVolume[]): number {
  const lanes = Array.from({ length: Math.min(QUOTAS.copiesInFlight.value, volumes.length) }, () => 0);
  for (const seconds of volumes.map(copySeconds).toSorted((a, b) => b - a)) lanes[lanes.indexOf(Math.min(...lanes))]! += seconds;
  return most(lanes);
}

const ASSUMED: readonly [string, Datum][] = Object.entries(DURATIONS).filter(([, { basis }]) => basis === 'assumed');

/**
 * Time and money that imaging volumes takes, before it starts. Sizes count in full: how much of a volume is written is known
 * only when its snapshot is complete, so that this is an upper bound for both.
 */
export function estimateCase(volumes: readonly EstimatedVolume[], options: EstimateOptions): Estimate {
  const { volumeType, deadlineMinutes, othersInitializing = 0, architecture = 'arm64', pollSeconds = 10 } = options;
  const { call, functionCall, volumeAvailable, attach, collectorBoot, collectorStart, collectorFinish } = DURATIONS;
  const count = volumes.length;
  const poll = pollSeconds / 2 + call.value;
  const choices = volumes.map((volume) => ({ volumeId: volume.volumeId, ...chooseVolume({ sizeGiB: volume.sizeGiB, deadlineMinutes, volumeType, concurrent: count + othersInitializing, architecture }) }));
  const transit = volumes.filter(({ route }) => route === 'transit');
  const transitByAccount = [...Map.groupBy(transit, ({ account }) => account).values()];

  const snapshot = most(volumes.map(snapshotSeconds)) + poll;
  const transitCopy = transit.length === 0 ? 0 : most(transitByAccount.map(copyingSeconds)) + poll + call.value;
  // Collectors start while snapshots are made; only what is left of their start counts.
  const collectors = queueSeconds('ec2:RunInstances', count) + collectorBoot.value;
  const volumesReady = queueSeconds('ec2:CreateVolume', count) + volumeAvailable.value + poll;
  const restore = Math.max(volumesReady, collectors - snapshot - transitCopy) + queueSeconds('ec2:*', count) + attach.value + call.value;
  const image = most(choices.map(({ readSeconds }) => readSeconds)) + collectorStart.value + collectorFinish.value + poll;
  const evidenceCopy = copyingSeconds(volumes) + poll + call.value;
  const seconds: Record<EstimateStage, number> = {
    open: 2 * call.value + 2 * functionCall.value,
    preserve: 10 * call.value + functionCall.value,
    snapshot,
    'transit-copy': transitCopy,
    restore,
    image,
    verify: 2 * functionCall.value,
    'evidence-copy': evidenceCopy,
    close: 3 * functionCall.value + call.value,
  };
  const beforeImages = seconds.open + seconds.preserve + snapshot + transitCopy;
  const toImages = beforeImages + restore + image + seconds.verify;
  const usd = moneyByStage(volumes, choices, { restoreSeconds: restore, transitHours: (transitCopy + restore + image) / 3_600 });
  const onThePath = ESTIMATE_STAGES.filter((stage) => stage !== 'evidence-copy' && stage !== 'close');
  return {
    seconds: Math.round(toImages),
    secondsToClose: Math.round(Math.max(toImages, beforeImages + evidenceCopy) + seconds.close),
    usd: sum(Object.values(usd)),
    usdPerMonth: sum(volumes.map(({ sizeGiB }) => sizeGiB)) * (PRICES.s3GiBMonth.value + PRICES.snapshotGiBMonth.value),
    stages: ESTIMATE_STAGES.map((stage) => ({ stage, seconds: Math.round(seconds[stage]), usd: usd[stage] })),
    boundBy: onThePath.toSorted((a, b) => seconds[b] - seconds[a])[0] ?? 'image',
    meetsDeadline: choices.every(({ meetsDeadline }) => meetsDeadline),
    volumes: choices,
    quotas: quotasToRaise(volumes, choices, volumeType),
    assumptions: [`list prices of us-east-1, quotas and rates as published on ${DATA_AS_OF}`, 'every block of every volume counts as written', ...ASSUMED.map(([name, { value, unit, source }]) => `${name}: ${value} ${unit} (${source})`)],
  };
}

/** What is paid once, by the stage that it is paid for. */
function moneyByStage(
  volumes: readonly EstimatedVolume[],
  choices: readonly VolumeChoice[],
  { restoreSeconds, transitHours }: { readonly restoreSeconds: number; readonly transitHours: number },
): Record<EstimateStage, number> {
  const transitions = (count: number) => (count * volumes.length * PRICES.stateTransitionThousand.value) / 1_000;
  const perVolume = volumes.map((volume, index) => {
    const { volumeType = 'gp3', throughput = 0, iops = 0, initializationRate, readSeconds = 0, usdPerHour = 0 } = choices[index] ?? {};
    const hours = (restoreSeconds + readSeconds) / 3_600;
    const monthly =
      volumeType === 'standard'
        ? volume.sizeGiB * PRICES.magneticGiBMonth.value
        : volume.sizeGiB * PRICES.gp3GiBMonth.value + Math.max(0, throughput - 125) * PRICES.gp3ThroughputMonth.value + Math.max(0, iops - 3_000) * PRICES.gp3IopsMonth.value;
    const reads = volumeType === 'standard' ? (volume.sizeGiB * MIB_PER_GIB * 8 * PRICES.magneticMillionIo.value) / 1_000_000 : 0; // 128 KiB a request
    const parts = Math.max(1, Math.ceil((volume.sizeGiB * MIB_PER_GIB) / 16));
    const puts = Math.min(parts, 10_000);
    return {
      volume: (monthly * hours) / HOURS_A_MONTH + reads + (initializationRate === undefined ? 0 : volume.sizeGiB * PRICES.initializationGiB.value),
      image: usdPerHour * (hours + DURATIONS.collectorBoot.value / 3_600) + (puts * PRICES.s3PutThousand.value) / 1_000 + (puts * PRICES.kmsTenThousand.value) / 10_000,
      transit: volume.route === 'transit' ? (volume.sizeGiB * PRICES.snapshotGiBMonth.value * transitHours) / HOURS_A_MONTH : 0,
      source: (volume.sizeGiB * PRICES.snapshotGiBMonth.value * transitHours) / HOURS_A_MONTH,
    };
  });
  return {
    open: transitions(4),
    preserve: transitions(12),
    snapshot: sum(perVolume.map(({ source }) => source)) + transitions(30),
    'transit-copy': sum(perVolume.map(({ transit }) => transit)),
    restore: sum(perVolume.map(({ volume }) => volume)) + transitions(10),
    image: sum(perVolume.map(({ image }) => image)) + transitions(30),
    verify: transitions(6),
    'evidence-copy': transitions(30),
    close: transitions(5),
  };
}

/** Default quotas that these volumes go past, with what to ask for. */
function quotasToRaise(volumes: readonly EstimatedVolume[], choices: readonly VolumeChoice[], volumeType: VolumeType): readonly string[] {
  const vcpus = sum(choices.map((choice) => choice.vcpus));
  const tebibytes = sum(volumes.map(({ sizeGiB }) => sizeGiB)) / 1_024;
  const storage = volumeType === 'gp3' ? QUOTAS.gp3Storage : QUOTAS.magneticStorage;
  return [
    ...(vcpus > QUOTAS.newAccountVcpus.value ? [`${vcpus} vCPUs of on-demand standard instances are needed; a new account has ${QUOTAS.newAccountVcpus.value}`] : []),
    ...(tebibytes > storage.value ? [`${Math.ceil(tebibytes)} TiB of ${volumeType} volumes are needed; the default is ${storage.value}`] : []),
  ];
}

/** When an acquisition entered each of its stages, and when it ended; times as ISO 8601. */
export interface RecordedTimes {
  readonly openedAt: string;
  readonly endedAt: string;
  readonly stages: readonly { readonly stage: string; readonly at: string }[];
}

/**
 * What was used in the end: recorded times by stage, and the estimate's money scaled to them.
 * @param estimated by stage, where there was an estimate of the same stages
 */
export function actualOf({ openedAt, endedAt, stages }: RecordedTimes, estimated?: Pick<Estimate, 'usd' | 'seconds'>): {
  readonly seconds: number;
  readonly usd: number;
  readonly stages: readonly { readonly stage: string; readonly seconds: number; readonly usd: number }[];
} {
  const total = (Date.parse(endedAt) - Date.parse(openedAt)) / 1_000;
  if (!(total >= 0)) throw new RangeError(`an acquisition opened at ${openedAt} and ended at ${endedAt}; times in ISO 8601, the end not before the start, are allowed`);
  // Most of what is paid by the hour is the work volume and the collector; both live as long as the acquisition.
  const dollarsASecond = estimated === undefined || estimated.seconds === 0 ? 0 : estimated.usd / estimated.seconds;
  const inOrder = stages.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at));
  return {
    seconds: total,
    usd: dollarsASecond * total,
    stages: inOrder.map(({ stage, at }, index) => {
      const seconds = Math.max(0, (Date.parse(inOrder[index + 1]?.at ?? endedAt) - Date.parse(at)) / 1_000);
      return { stage, seconds, usd: dollarsASecond * seconds };
    }),
  };
}
