import { COLLECTOR_SIZES, QUOTAS, VOLUMES, type Architecture, type CollectorSize } from './estimate-data.ts';

export type VolumeType = 'gp3' | 'standard';

/** The work volume that a snapshot is restored to, as CreateVolume takes it, and the collector that reads it. */
export interface VolumeChoice {
  readonly volumeType: VolumeType;
  /** MiB/s; gp3 only. */
  readonly throughput?: number;
  /** gp3 only. */
  readonly iops?: number;
  /** MiB/s at which EBS fetches the snapshot's blocks, to ask for; absent for AWS's own pace, which nothing guarantees. gp3 only. */
  readonly initializationRate?: number;
  /** Type of the collector. */
  readonly instanceType: string;
  readonly vcpus: number;
  readonly usdPerHour: number;
  /** MiB/s at which a collector can be expected to read it. */
  readonly readRate: number;
  /** Seconds that reading all of it takes at that rate. */
  readonly readSeconds: number;
  /** Whether that is within the deadline. */
  readonly meetsDeadline: boolean;
  /** What limits the reading. */
  readonly boundBy: 'initialization rate' | 'default initialization' | 'magnetic volume' | 'collector' | 'collector\'s sustained bandwidth';
}

export interface VolumeNeed {
  /** Size of the source volume. */
  readonly sizeGiB: number;
  /** Minutes from the start of imaging to the manifest. */
  readonly deadlineMinutes: number;
  readonly volumeType: VolumeType;
  /** Volumes of the Region that are initialized at the same time, this one included: they share a quota. @default 1 */
  readonly concurrent?: number;
  /** Architecture of the collector's image. @default 'arm64' */
  readonly architecture?: Architecture;
}

const MIB_PER_GIB = 1_024;
const { gp3Iops, gp3IopsPerGiB, gp3Throughput, gp3ThroughputPerIops, initializationRate: RATE } = VOLUMES;
const clamp = (value: number, least: number, most: number): number => Math.min(most, Math.max(least, value));

/** Volumes that are filled at the least rate in one turn. */
const IN_A_TURN = QUOTAS.initializationRate.value / RATE.least.value;

/** Volumes at once that are filled in two turns; one more turn takes longer than AWS's own pace. */
export const MOST_IN_TURNS = 2 * IN_A_TURN;

/** The fastest initialization that this volume's share of the Region's quota leaves, and the turns until the last volume has it. */
function shareOf(concurrent: number): { readonly rate: number; readonly turns: number } {
  const rate = clamp(Math.floor(QUOTAS.initializationRate.value / concurrent), RATE.least.value, RATE.most.value);
  return { rate, turns: Math.ceil(concurrent / IN_A_TURN) };
}

/** Seconds to read a volume: a collector has its burst bandwidth for half an hour, and its baseline after it. */
function secondsToRead(mebibytes: number, rate: number, { sustained }: CollectorSize): number {
  const burst = VOLUMES.collectorBurst.value;
  const inBurst = rate * burst;
  return mebibytes <= inBurst || rate <= sustained ? mebibytes / rate : burst + (mebibytes - inBurst) / sustained;
}

/** A larger collector that is more than this many times as fast costs no more: it runs for less long. */
const WORTH_IT = 1.1;

/** The smallest collector that reads about as fast as the largest would. */
function chooseCollector(mebibytes: number, rate: number, architecture: Architecture): { readonly size: CollectorSize; readonly seconds: number; readonly sustained: boolean } {
  const sizes = COLLECTOR_SIZES[architecture].map((size) => ({ size, seconds: secondsToRead(mebibytes, rate, size) }));
  const best = Math.min(...sizes.map(({ seconds }) => seconds));
  const chosen = sizes.find(({ seconds }) => seconds <= best * WORTH_IT) ?? { size: COLLECTOR_SIZES[architecture][0], seconds: best };
  return { ...chosen, sustained: chosen.seconds > mebibytes / rate };
}

/**
 * The volume that meets a deadline. Speed is the default, because it is nearly free: a rate of 300 MiB/s costs $0.0036 a GiB.
 * Throughput follows the initialization rate: a single pass over a fresh volume can be no faster than its blocks arrive.
 * @throws RangeError where a magnetic volume cannot be as large as the source
 */
export function chooseVolume({ sizeGiB, deadlineMinutes, volumeType, concurrent = 1, architecture = 'arm64' }: VolumeNeed): VolumeChoice {
  if (!(sizeGiB > 0)) throw new RangeError(`a volume of ${sizeGiB} GiB was asked for; a size over 0 is allowed`);
  if (volumeType === 'standard' && sizeGiB > VOLUMES.magneticSize.value) {
    throw new RangeError(`a magnetic volume of ${sizeGiB} GiB was asked for; at most ${VOLUMES.magneticSize.value} GiB are allowed: choose the volume type gp3 for this case`);
  }
  const { rate, turns } = shareOf(Math.max(1, concurrent));
  const own = concurrent > MOST_IN_TURNS;
  const arriving = own ? VOLUMES.defaultInitialization.value : rate / turns;
  const mebibytes = sizeGiB * MIB_PER_GIB;
  const limits = [
    { boundBy: own ? ('default initialization' as const) : ('initialization rate' as const), limit: arriving },
    { boundBy: 'collector' as const, limit: VOLUMES.collectorCeiling.value },
    ...(volumeType === 'standard' ? [{ boundBy: 'magnetic volume' as const, limit: VOLUMES.magneticThroughput.value }] : []),
  ].toSorted((a, b) => a.limit - b.limit);
  const { boundBy = 'collector', limit: readRate = 0 } = limits[0] ?? {};
  const { size, seconds, sustained } = chooseCollector(mebibytes, readRate, architecture);
  return {
    volumeType,
    ...(volumeType === 'gp3' ? { ...provisioned(sizeGiB, rate), ...(own ? {} : { initializationRate: rate }) } : {}),
    instanceType: size.instanceType,
    vcpus: size.vcpus,
    usdPerHour: size.usdPerHour,
    readRate,
    readSeconds: seconds,
    meetsDeadline: seconds <= deadlineMinutes * 60,
    boundBy: sustained ? 'collector\'s sustained bandwidth' : boundBy,
  };
}

/** Throughput and IOPS of a gp3 volume that is read at a rate, inside what its size allows. */
function provisioned(sizeGiB: number, rate: number): { readonly throughput: number; readonly iops: number } {
  const mostIops = clamp(sizeGiB * gp3IopsPerGiB.value, gp3Iops.least.value, gp3Iops.most.value);
  const throughput = clamp(rate, gp3Throughput.least.value, Math.min(gp3Throughput.most.value, mostIops * gp3ThroughputPerIops.value));
  return { throughput, iops: clamp(Math.ceil(throughput / gp3ThroughputPerIops.value), gp3Iops.least.value, mostIops) };
}
