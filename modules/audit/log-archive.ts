import { Construct } from 'constructs';
import type { Retention } from '../evidence/closed-bucket.ts';
import { GuardedKey } from '../evidence/guarded-key.ts';
import { LogBucket } from '../evidence/log-bucket.ts';
import { bucketName, keyAlias, type Place } from '../vocabulary/index.ts';
import { auditLogBucketPolicy } from './policies/audit-logs-bucket.ts';
import { auditLogKeyPolicy } from './policies/audit-logs-key.ts';

export interface LogArchiveProps {
  /** The log-archive account and the Region. */
  readonly place: Place;
  /** Forensic accounts and Regions whose logs are kept here. */
  readonly sources: readonly Place[];
  readonly keyAdministratorArns: readonly string[];
  /** Days that logs are kept, and locked. @default 731 */
  readonly retentionDays?: number;
  /**
   * Under GOVERNANCE an administrator of the log-archive account, which no seal binds, could delete what tells of him.
   * @default COMPLIANCE: nobody can before the retention is over, and the account cannot be cleared before
   */
  readonly lockMode?: Retention['mode'];
}

/** Where a Region's trails, configuration records and session transcripts go: out of the forensic accounts' reach. */
export class LogArchive extends Construct {
  readonly bucketName: string;
  readonly keyArn: string;

  constructor(scope: Construct, id: string, props: LogArchiveProps) {
    super(scope, id);
    const options = { ...props.place, sources: props.sources };
    const key = new GuardedKey(this, 'Key', {
      alias: keyAlias(props.place, 'audit'),
      description: 'Trails, configuration records and session transcripts of forensic accounts',
      policy: auditLogKeyPolicy(options, props.keyAdministratorArns),
    });
    const bucket = new LogBucket(this, 'Bucket', {
      bucketName: bucketName(props.place, 'audit-logs'),
      kmsKeyArn: key.keyArn,
      retentionDays: props.retentionDays ?? 731,
      lockMode: props.lockMode ?? 'COMPLIANCE',
      policy: (arn) => auditLogBucketPolicy(options, arn),
    });
    this.bucketName = bucket.bucketName;
    this.keyArn = key.keyArn;
  }
}
