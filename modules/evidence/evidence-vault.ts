import { Token } from 'cdktf';
import { Construct } from 'constructs';
import type { Perimeter } from '../perimeter.ts';
import {
  bucketArn,
  bucketName,
  EVIDENCE_BUCKETS,
  handlerRolePattern,
  keyAlias,
  memberRolePattern,
  roleArn,
  type EvidenceBucketPurpose,
  type Place,
} from '../vocabulary/index.ts';
import type { Retention } from './closed-bucket.ts';
import { EvidenceBucket } from './evidence-bucket.ts';
import { GuardedKey } from './guarded-key.ts';
import { LogBucket } from './log-bucket.ts';
import { accessLogBucketPolicy } from './policies/access-logs.ts';
import { evidenceBucketPolicy } from './policies/bucket.ts';
import { evidenceKeyPolicy, transitKeyPolicy } from './policies/keys.ts';

export interface EvidenceVaultProps {
  /** Account and Region, with the estate's prefix and partition. */
  readonly place: Place;
  readonly perimeter: Perimeter;
  /** Retention of each bucket. */
  readonly retention: Readonly<Record<EvidenceBucketPurpose, Retention>>;
  /** VPC endpoints that evidence is reached through. @default none: not bound to a network */
  readonly endpointIds?: readonly string[];
  /** ARN patterns of those who administer the keys. They cannot use them. */
  readonly keyAdministratorArns: readonly string[];
  /** Accounts whose acquisition role may use the transit key and upload into the incoming bucket. @default none */
  readonly memberAccounts?: readonly string[];
  /** Shortest retention, in days, that an object's may be set to later; a new one's is the bucket's, or longer. @default 1 */
  readonly minimumRetentionDays?: number;
  /** Days that access logs and inventories are kept. @default 731 */
  readonly logRetentionDays?: number;
  /** Days after which an unfinished upload counts as abandoned. @default 90 */
  readonly abandonedUploadDays?: number;
  /** Days between a key deletion's schedule and the deletion. @default 30 */
  readonly keyDeletionWindowDays?: number;
}

/**
 * Where evidence is kept in one Region: `incoming` for what is sent in from elsewhere, `active` for what collectors store
 * and investigators read, `legal-hold` for what a court has asked to keep; the evidence key, and the transit key under
 * which monitored accounts hand their snapshots over.
 */
export class EvidenceVault extends Construct {
  readonly evidenceKeyArn: string;
  readonly transitKeyArn: string;
  readonly bucketNames: Readonly<Record<EvidenceBucketPurpose, string>>;
  readonly bucketArns: Readonly<Record<EvidenceBucketPurpose, string>>;
  readonly accessLogBucketName: string;

  constructor(scope: Construct, id: string, props: EvidenceVaultProps) {
    super(scope, id);
    const { place, memberAccounts = [], logRetentionDays = 731 } = props;
    const keyOptions = { ...place, administratorArns: props.keyAdministratorArns, memberAccounts };
    const deletionWindowDays = props.keyDeletionWindowDays ?? 30;
    const evidenceKey = new GuardedKey(this, 'EvidenceKey', {
      alias: keyAlias(place, 'evidence'),
      description: 'Forensic evidence at rest',
      policy: evidenceKeyPolicy(keyOptions),
      deletionWindowDays,
    });
    const transitKey = new GuardedKey(this, 'TransitKey', {
      alias: keyAlias(place, 'transit'),
      description: 'Snapshots on their way from monitored accounts',
      policy: transitKeyPolicy(keyOptions),
      deletionWindowDays,
    });
    const logs = new LogBucket(this, 'AccessLogs', {
      bucketName: bucketName(place, 'access-logs'),
      retentionDays: logRetentionDays,
      policy: (arn) =>
        accessLogBucketPolicy({
          bucketArn: arn,
          account: place.account,
          sourceBucketArns: EVIDENCE_BUCKETS.map((purpose) => bucketArn(place, purpose)),
        }),
    });
    const breakGlassArns = [roleArn(place, 'break-glass')];
    const outside = [...(['responder', 'data-custodian', 'analyst', 'workflow', 'break-glass'] as const).map((role) => roleArn(place, role)), handlerRolePattern(place)];
    const make = (purpose: EvidenceBucketPurpose) => {
      const uploads = purpose === 'incoming' && memberAccounts.length > 0;
      const rolePattern = memberRolePattern(place);
      const bucket = new EvidenceBucket(this, purpose, {
        bucketName: bucketName(place, purpose),
        kmsKeyArn: evidenceKey.keyArn,
        retention: props.retention[purpose],
        logBucketName: logs.bucketName,
        logBucketArn: logs.bucketArn,
        abandonedUploadDays: props.abandonedUploadDays ?? 90,
        policy: (arn) =>
          evidenceBucketPolicy({
            bucketArn: arn,
            evidenceKeyArn: evidenceKey.keyArn,
            perimeter: props.perimeter,
            endpointIds: props.endpointIds ?? [],
            endpointExemptArns: uploads ? [...outside, rolePattern] : outside,
            custodianArns: [roleArn(place, 'data-custodian')],
            breakGlassArns,
            minimumRetentionDays: props.minimumRetentionDays ?? 1,
            lock: { mode: props.retention[purpose].mode, days: Token.asString(props.retention[purpose].days) },
            ...(uploads ? { uploaders: { accounts: memberAccounts, rolePattern } } : {}),
          }),
      });
      bucket.node.addDependency(logs.policy); // S3 checks that it may deliver
      return bucket;
    };
    const buckets = { incoming: make('incoming'), active: make('active'), 'legal-hold': make('legal-hold') };
    this.evidenceKeyArn = evidenceKey.keyArn;
    this.transitKeyArn = transitKey.keyArn;
    this.bucketNames = mapValues(buckets, (bucket) => bucket.bucketName);
    this.bucketArns = mapValues(buckets, (bucket) => bucket.bucketArn);
    this.accessLogBucketName = logs.bucketName;
  }
}

const mapValues = <K extends string, V, W>(record: Record<K, V>, map: (value: V) => W): Record<K, W> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value as V)])) as Record<K, W>;
