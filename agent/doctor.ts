import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import type { S3Client } from '@aws-sdk/client-s3';
import { listDisks } from './adapters/block-devices.ts';
import type { AssessedDisk } from './adapters/disk.ts';
import { logsToCloudWatch, S3_LOCATION, type CollectorConfig } from './config.ts';
import { bucketChecks, clockSkew } from './doctor/bucket-checks.ts';
import { clockCheck } from './doctor/clock-check.ts';
import { directoryCheck, scratchCheck } from './doctor/directory-checks.ts';
import { diskChecks } from './doctor/disk-checks.ts';
import { runChecks, type Check, type Finding } from './doctor/finding.ts';
import { hostChecks, isSysAdmin, type HostCheckOptions } from './doctor/host-checks.ts';
import { logGroupChecks } from './doctor/log-group-checks.ts';

export type { Finding, FindingLevel } from './doctor/finding.ts';
export { printFindings } from './doctor/print-findings.ts';

export type DoctorDeps = HostCheckOptions & {
  /** Needed when evidence goes to S3. */
  readonly s3?: S3Client;
  /** Needed when events go to CloudWatch Logs. */
  readonly logs?: CloudWatchLogsClient;
  /** @default lists this host's */
  readonly listDisks?: () => Promise<readonly AssessedDisk[]>;
};

/** Whether anything was found that has to be put right first. */
export const isFit = (findings: readonly Finding[]): boolean => findings.every(({ level }) => level !== 'fail');

function destinationChecks(config: CollectorConfig, s3: S3Client | undefined, largestDisk: () => Promise<number>): readonly Check[] {
  const [, bucket] = S3_LOCATION.exec(config.to) ?? [];
  if (bucket === undefined) return [directoryCheck(config.to, largestDisk)];
  if (!s3) throw new TypeError('evidence goes to S3: the doctor needs a client for it');
  return bucketChecks({ client: s3, bucket, kmsKeyId: config.kmsKeyId, inAws: config.endpoint === undefined });
}

/**
 * Preflight: looks at this host and this destination, changes nothing, writes nothing, and says of each thing how it is and
 * what to do. Takes as long as the slowest answer, at most 30 seconds for what never answers.
 */
export async function doctor(config: CollectorConfig, deps: DoctorDeps = {}): Promise<Finding[]> {
  const { s3, logs } = deps;
  let listed: Promise<readonly AssessedDisk[]> | undefined;
  const disks = (): Promise<readonly AssessedDisk[]> =>
    (listed ??= deps.listDisks?.() ?? listDisks({ includeInstanceStore: config.includeInstanceStore }));
  const largestDisk = async (): Promise<number> =>
    Math.max(0, ...(await disks()).filter(({ verdict }) => verdict.eligible).map(({ disk }) => disk.size));
  const [, bucket] = S3_LOCATION.exec(config.to) ?? [];
  const toCloudWatch = logsToCloudWatch(config);
  if (toCloudWatch && !logs) throw new TypeError('events go to CloudWatch Logs: the doctor needs a client for it');
  return runChecks([
    ...hostChecks(deps),
    ...diskChecks(disks, () => isSysAdmin(deps.root)),
    scratchCheck(config.scratchDir),
    clockCheck(async () => (s3 && bucket !== undefined ? clockSkew(s3, bucket) : undefined)),
    ...destinationChecks(config, s3, largestDisk),
    ...(toCloudWatch && logs ? logGroupChecks(logs, config.logGroupPrefix) : []),
  ]);
}
