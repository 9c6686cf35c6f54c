/**
 * The composition root: turns a configuration into the things that the commands work with. What only some configurations
 * use is loaded only for them: the SDK's clients alone are a third of the start.
 */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { hostname, release } from 'node:os';
import { join } from 'node:path';
import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import type { S3Client } from '@aws-sdk/client-s3';
import { ulid } from 'ulid';
import { collectorStream, escapeHostile } from '../modules/vocabulary/index.ts';
import { createEventLog, type FanOutLog } from './adapters/logs/create-event-log.ts';
import type { LogSink } from './adapters/logs/sink.ts';
import { stdoutSink } from './adapters/logs/stdout-sink.ts';
import type { InstanceMetadata } from './adapters/instance-metadata.ts';
import { ensureScratchDir } from './adapters/scratch.ts';
import type { EvidenceStore, PartChecksumAlgorithm } from './adapters/stores/evidence-store.ts';
import { logsToCloudWatch, S3_LOCATION, type CollectorConfig } from './config.ts';
import { consoleSink } from './console-sink.ts';
import { messageOf, StageError } from './errors.ts';
import type { CollectOptions } from './pipeline.ts';
import type { HostFacts } from './stages/manifest.ts';
import { VERSION } from './version.ts';

/** Where evidence goes, taken apart; undefined for a directory. */
export function s3Location(to: string): { bucket: string; prefix: string } | undefined {
  const match = S3_LOCATION.exec(to);
  return match ? { bucket: match[1]!, prefix: (match[2] ?? '').replaceAll(/^\/|\/$/g, '') } : undefined;
}

const ALGORITHMS = { sha256: 'SHA256', crc32: 'CRC32', md5: 'MD5' } as const satisfies Record<string, PartChecksumAlgorithm>;

/** The SDK wants a Region for every endpoint; S3-compatible stores mostly ignore it. */
const regionOf = ({ region, endpoint }: CollectorConfig): { region?: string } => {
  const chosen = region ?? process.env['AWS_REGION'] ?? (endpoint === undefined ? undefined : 'us-east-1');
  return chosen === undefined ? {} : { region: chosen };
};

export async function s3ClientFor(config: CollectorConfig): Promise<S3Client> {
  const { createS3Client } = await import('./adapters/stores/s3-client.ts');
  return createS3Client({
    ...regionOf(config),
    ...(config.endpoint === undefined ? {} : { endpoint: config.endpoint }),
    ...(config.forcePathStyle ? { forcePathStyle: true } : {}),
    concurrency: config.concurrency * config.parallel, // the disks share the client; a request that waits for a connection is given up
    requestTimeoutSeconds: config.requestTimeoutSeconds,
  });
}

/** CloudWatch Logs of the same Region; another endpoint comes from AWS_ENDPOINT_URL_CLOUDWATCH_LOGS. */
export async function logsClientFor(config: CollectorConfig): Promise<CloudWatchLogsClient> {
  const { CloudWatchLogsClient: Client } = await import('@aws-sdk/client-cloudwatch-logs');
  return new Client(regionOf(config));
}

/** @throws StageError code NO_REGION, before every request fails for the want of one */
async function assertRegion(client: S3Client, to: string): Promise<void> {
  try {
    await client.config.region();
  } catch (cause) {
    throw new StageError('configure', 'NO_REGION', `there is no Region in which to look for ${to}: ${messageOf(cause)}`, {
      retryable: false,
      cause,
      advice: 'Give --region, or set AWS_REGION.',
    });
  }
}

/** @throws StageError code NOT_A_STORE */
async function assertStored(to: string): Promise<void> {
  if ((await stat(to).catch(() => undefined))?.isDirectory()) return;
  throw new StageError('configure', 'NOT_A_STORE', `${escapeHostile(to)} is neither a directory nor s3://bucket[/prefix]`, {
    retryable: false,
    advice: 'Name the place that --to named when the disk was imaged.',
  });
}

/**
 * The store that the configuration names. A directory is made when it is missing; a bucket never is.
 * @param isStored whether a directory has to be there already, for what only reads
 * @throws StageError code NO_REGION, NOT_A_STORE, STORE_SILENT
 */
export async function openStore(config: CollectorConfig, isStored = false): Promise<EvidenceStore> {
  const location = s3Location(config.to);
  if (!location) {
    const [{ directoryStore }, { PatientStore }] = await Promise.all([import('./adapters/stores/directory-store.ts'), import('./adapters/stores/patient-store.ts')]);
    const open = async (): Promise<EvidenceStore> => {
      if (isStored) await assertStored(config.to);
      return directoryStore(config.to);
    };
    return PatientStore.open(config.to, open, config.stallSeconds * 1000);
  }
  const { S3Store } = await import('./adapters/stores/s3-store.ts');
  const { kmsKeyId, partChecksum } = config;
  const client = await s3ClientFor(config);
  await assertRegion(client, config.to);
  const options = { client, ...location, algorithm: ALGORITHMS[partChecksum] };
  return new S3Store(kmsKeyId === undefined ? options : { ...options, kmsKeyId });
}

/** Names where events go, so that what an earlier run left is never delivered to somewhere else. */
const destinationOf = (config: CollectorConfig): string => {
  const { AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: own, AWS_ENDPOINT_URL: all } = process.env;
  return createHash('sha256').update(JSON.stringify([regionOf(config), own ?? all, config.logGroupPrefix])).digest('hex').slice(0, 16);
};

/** Whether a person watches: then a bar and sentences take the place of log lines. */
export const personWatches = ({ json, progress }: CollectorConfig): boolean => !json && progress && process.stderr.isTTY === true;

/** The event log: the terminal or standard output, and CloudWatch Logs where the configuration says so. */
export async function openEventLog(config: CollectorConfig, host: HostFacts): Promise<FanOutLog> {
  const sinks: LogSink[] = [personWatches(config) ? consoleSink() : stdoutSink({ json: config.json })];
  if (logsToCloudWatch(config)) {
    const { cloudWatchSink } = await import('./adapters/logs/cloudwatch-sink.ts');
    sinks.push(
      cloudWatchSink({
        client: await logsClientFor(config),
        prefix: config.logGroupPrefix,
        stream: collectorStream(config.caseId ?? 'no-case', host.instanceId ?? host.host, ulid()),
        spoolDir: join(config.scratchDir, 'spool', destinationOf(config)),
      }),
    );
  }
  return createEventLog({ sinks });
}

/** What can be known of this host; the instance's own facts only on EC2. */
export async function hostFacts(metadata: InstanceMetadata | undefined): Promise<HostFacts> {
  const identity = await metadata?.identity().catch(() => undefined);
  return {
    collectorVersion: VERSION,
    node: process.version,
    kernel: release(),
    host: hostname(),
    ...(identity === undefined ? {} : { account: identity.account, region: identity.region, instanceId: identity.instanceId }),
  };
}

/**
 * What an acquisition needs of the configuration. A store that checks nothing itself is read back.
 * @throws StageError code UNPROVABLE where that is forbidden, SCRATCH_UNFIT
 */
export async function collectOptions(config: CollectorConfig, store: EvidenceStore): Promise<CollectOptions> {
  if (config.reread === 'never' && !store.partChecksum.verifiedByStore) {
    throw new StageError('configure', 'UNPROVABLE', `${store.location} verifies nothing itself: with --reread never no image there would be proven`, {
      retryable: false,
      advice: 'Leave --reread away, or give --reread always.',
    });
  }
  await ensureScratchDir(config.scratchDir);
  return {
    secondHash: config.secondHash,
    ...(config.partSize === undefined ? {} : { partSize: config.partSize }),
    ...(config.maxObjectSize === undefined ? {} : { maxObjectSize: config.maxObjectSize }),
    ringSize: config.ringSize,
    concurrency: config.concurrency,
    partTries: config.partTries,
    stallSeconds: config.stallSeconds,
    resume: config.resume,
    ...(config.kmsKeyId === undefined ? {} : { kmsKeyId: config.kmsKeyId }),
    scratchDir: config.scratchDir,
    reread: config.reread === 'always' || (config.reread === 'auto' && !store.partChecksum.verifiedByStore),
  };
}
