/**
 * What AWS publishes (prices, quotas, rates) and what an estimate otherwise rests on, in one place with its source and date.
 * Prices are list prices of us-east-1 in US dollars without tax; other Regions cost up to about a third more.
 */

/** When the values below were looked up. */
export const DATA_AS_OF = '2026-11-21';

/** Where a value comes from; `assumed` values are ours, and the estimate names them. */
export type Basis = 'published' | 'measured' | 'assumed';

export interface Datum {
  readonly value: number;
  readonly unit: string;
  readonly basis: Basis;
  readonly source: string;
}

const EBS_PRICING = 'https://aws.amazon.com/ebs/pricing/';
const EBS_QUOTAS = 'https://docs.aws.amazon.com/ebs/latest/userguide/ebs-resource-quotas.html';
const EBS_INITIALIZE = 'https://docs.aws.amazon.com/ebs/latest/userguide/initalize-volume.html';
const EC2_THROTTLING = 'https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html';
const SFN_QUOTAS = 'https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html';
const OWN_BENCH = 'npm run bench, 2 virtual cores';

const published = (value: number, unit: string, source: string): Datum => ({ value, unit, basis: 'published', source });
const measured = (value: number, unit: string, source: string): Datum => ({ value, unit, basis: 'measured', source });
const assumed = (value: number, unit: string, source: string): Datum => ({ value, unit, basis: 'assumed', source });

export const PRICES = {
  gp3GiBMonth: published(0.08, 'USD per GiB-month', EBS_PRICING),
  gp3ThroughputMonth: published(0.04, 'USD per MiB/s-month over 125', EBS_PRICING),
  gp3IopsMonth: published(0.005, 'USD per IOPS-month over 3,000', EBS_PRICING),
  magneticGiBMonth: published(0.05, 'USD per GiB-month', EBS_PRICING),
  magneticMillionIo: published(0.05, 'USD per million I/O requests', EBS_PRICING),
  snapshotGiBMonth: published(0.05, 'USD per GiB-month of written blocks', EBS_PRICING),
  initializationGiB: published(0.0036, 'USD per GiB of snapshot data at 300 MiB/s', EBS_PRICING),
  s3GiBMonth: published(0.023, 'USD per GiB-month, S3 Standard', 'https://aws.amazon.com/s3/pricing/'),
  s3PutThousand: published(0.005, 'USD per 1,000 PUT requests', 'https://aws.amazon.com/s3/pricing/'),
  kmsTenThousand: published(0.03, 'USD per 10,000 requests', 'https://aws.amazon.com/kms/pricing/'),
  stateTransitionThousand: published(0.025, 'USD per 1,000 state transitions', 'https://aws.amazon.com/step-functions/pricing/'),
  logsGiB: published(0.5, 'USD per GiB ingested', 'https://aws.amazon.com/cloudwatch/pricing/'),
} as const satisfies Record<string, Datum>;

/** Default quotas of one account and Region. */
export const QUOTAS = {
  copiesInFlight: published(20, 'snapshot copies in flight per destination Region', EBS_QUOTAS),
  pendingSnapshots: published(100, 'pending snapshots', EBS_QUOTAS),
  gp3Storage: published(50, 'TiB of gp3 volumes', EBS_QUOTAS),
  magneticStorage: published(50, 'TiB of magnetic volumes', EBS_QUOTAS),
  initializationRate: published(5_000, 'MiB/s of provisioned initialization rate over volumes being initialized', EBS_INITIALIZE),
  newAccountVcpus: published(5, 'vCPUs of on-demand standard instances in a new account', 'https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html'),
  mapConcurrency: published(40, 'concurrent iterations of an inline Map', SFN_QUOTAS),
  historyEvents: published(25_000, 'events of an execution history', SFN_QUOTAS),
  payloadBytes: published(262_144, 'bytes of a state\'s input or output', SFN_QUOTAS),
} as const satisfies Record<string, Datum>;

/** A token bucket: `capacity` at once, then `refill` a second. */
export interface Bucket {
  readonly capacity: number;
  readonly refill: number;
  readonly source: string;
}
const bucket = (capacity: number, refill: number, source = EC2_THROTTLING): Bucket => ({ capacity, refill, source });

/** Request rates of one account and Region, by action; `*` stands for the rest of its kind. */
export const RATES: Readonly<Record<string, Bucket>> = {
  'ec2:Describe*': bucket(100, 20),
  'ec2:*': bucket(50, 5), // the rest of the mutating calls: CopySnapshot, AttachVolume, LockSnapshot, ModifyInstanceAttribute
  'ec2:CreateSnapshots': bucket(100, 5),
  'ec2:ModifySnapshotAttribute': bucket(100, 5),
  'ec2:ModifyNetworkInterfaceAttribute': bucket(100, 5),
  'ec2:CreateVolume': bucket(100, 5),
  'ec2:DeleteVolume': bucket(100, 5),
  'ec2:DeleteSnapshot': bucket(100, 5),
  'ec2:CreateTags': bucket(100, 10),
  'ec2:RunInstances': bucket(5, 2),
  'ec2:RunInstances instances': bucket(1_000, 2),
  'ec2:TerminateInstances': bucket(100, 5),
  'kms:CreateGrant': bucket(50, 50, 'https://docs.aws.amazon.com/kms/latest/developerguide/requests-per-second.html'),
  'kms:cryptographic': bucket(10_000, 10_000, 'https://docs.aws.amazon.com/kms/latest/developerguide/requests-per-second.html (the lowest Region\'s)'),
  's3:PutObject prefix': bucket(3_500, 3_500, 'https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html'),
  'states:StartExecution': bucket(800, 150, `${SFN_QUOTAS} (the lower of the two Region groups)`),
  'states:StateTransition': bucket(800, 800, `${SFN_QUOTAS} (the lower of the two Region groups)`),
  'logs:FilterLogEvents': bucket(10, 10, 'https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html (5 to 25 by Region)'),
};

/** Limits of volumes. */
export const VOLUMES = {
  gp3Throughput: { least: published(125, 'MiB/s', EBS_PRICING), most: published(2_000, 'MiB/s', EBS_PRICING) },
  gp3Iops: { least: published(3_000, 'IOPS', EBS_PRICING), most: published(80_000, 'IOPS', EBS_PRICING) },
  gp3IopsPerGiB: published(500, 'IOPS per GiB', EBS_PRICING),
  gp3ThroughputPerIops: published(0.25, 'MiB/s per IOPS', EBS_PRICING),
  magneticThroughput: published(40, 'MiB/s, the lower end of 40–90', 'https://docs.aws.amazon.com/ebs/latest/userguide/ebs-volume-types.html'),
  magneticSize: published(1_024, 'GiB, the largest magnetic volume', 'https://docs.aws.amazon.com/ebs/latest/userguide/ebs-volume-types.html'),
  initializationRate: { least: published(100, 'MiB/s', EBS_INITIALIZE), most: published(300, 'MiB/s', EBS_INITIALIZE) },
  /** AWS says of the default only that it fluctuates. */
  defaultInitialization: assumed(40, 'MiB/s', 'sequential reads of a volume that is not initialized; AWS publishes no rate'),
  /** Small instances have their full EBS bandwidth for half an hour a day, then a baseline. */
  collectorBurst: published(1_800, 'seconds of full EBS bandwidth', 'https://docs.aws.amazon.com/ec2/latest/instancetypes/co.html'),
  collectorCeiling: measured(430, 'MiB/s that a collector hashes and uploads', OWN_BENCH),
} as const;

/** A size of collector: what it sustains on EBS after its burst, and what it costs. */
export interface CollectorSize {
  readonly instanceType: string;
  readonly vcpus: number;
  /** Baseline of EBS bandwidth, MiB/s. */
  readonly sustained: number;
  readonly usdPerHour: number;
}

const size = (instanceType: string, vcpus: number, megabits: number, usdPerHour: number): CollectorSize => ({
  instanceType,
  vcpus,
  sustained: Math.floor((megabits * 1e6) / 8 / 2 ** 20),
  usdPerHour,
});

/**
 * Sizes of collector, smallest first, by the architecture of its image. Baselines:
 * https://docs.aws.amazon.com/ec2/latest/instancetypes/co.html; prices: https://aws.amazon.com/ec2/pricing/on-demand/
 */
export const COLLECTOR_SIZES = {
  arm64: [size('c7g.large', 2, 630, 0.0725), size('c7g.xlarge', 4, 1_250, 0.145), size('c7g.2xlarge', 8, 2_500, 0.29), size('c7g.4xlarge', 16, 5_000, 0.58)],
  x86_64: [size('c7i.large', 2, 650, 0.08925), size('c7i.xlarge', 4, 1_250, 0.1785), size('c7i.2xlarge', 8, 2_500, 0.357), size('c7i.4xlarge', 16, 5_000, 0.714)],
} as const satisfies Record<string, readonly [CollectorSize, ...CollectorSize[]]>;
export type Architecture = keyof typeof COLLECTOR_SIZES;

const CALIBRATED = 'AWS publishes none; fitted so that the AWS disk-collection pipeline\'s own order of steps takes the 11 minutes that AWS states for 8 GB';

/** How long single steps take, in seconds unless the unit says otherwise. */
export const DURATIONS = {
  snapshotBase: assumed(90, 's', CALIBRATED),
  snapshotRate: assumed(130, 'MiB/s of written blocks', CALIBRATED),
  copyBase: assumed(90, 's', CALIBRATED),
  copyRate: assumed(130, 'MiB/s of written blocks', CALIBRATED),
  call: assumed(0.7, 's, one state with its API call', 'typical of SDK integrations'),
  functionCall: assumed(1.5, 's, one state with its function', 'warm functions answer in tenths of a second, cold ones in one to two'),
  volumeAvailable: assumed(8, 's', 'typical of EBS'),
  attach: assumed(6, 's', 'typical of EBS on Nitro, with udev'),
  collectorBoot: assumed(75, 's', 'from RunInstances to the collector\'s first log line, which CloudWatch then shows'),
  collectorStart: measured(1, 's, from the disk\'s appearance to its first byte', 'npm run quickstart'),
  collectorFinish: measured(2, 's, from the last byte to the manifest', 'npm run quickstart'),
  terminate: assumed(30, 's', 'typical of EC2'),
} as const satisfies Record<string, Datum>;

/** What AWS states of its own disk-collection pipeline, whatever the number of volumes. */
export const AWS_PIPELINE_SECONDS = published(660, 's for 8 GB volumes', 'https://aws.amazon.com/blogs/security/how-to-automate-forensic-disk-collection-in-aws/');
