import { S3BucketLifecycleConfiguration } from '@cdktf/provider-aws/lib/s3-bucket-lifecycle-configuration/index.js';
import type { S3BucketPolicy } from '@cdktf/provider-aws/lib/s3-bucket-policy/index.js';
import { Construct } from 'constructs';
import type { PolicyDocument } from '../policy.ts';
import { ClosedBucket, type Retention } from './closed-bucket.ts';

export interface LogBucketProps {
  /** Globally unique bucket name, 3 to 63 characters. */
  readonly bucketName: string;
  /** Builds the bucket's policy, given its ARN. */
  readonly policy: (bucketArn: string) => PolicyDocument;
  /** Key for the objects. @default none: S3's own (access logs can be delivered under no other) */
  readonly kmsKeyArn?: string;
  /** Days that logs are kept, and locked. */
  readonly retentionDays: number;
  /**
   * Lock of every version for the retention's length. S3 delivers no access logs into a bucket that has a default lock, so the
   * bucket for those cannot have one. @default none
   */
  readonly lockMode?: Retention['mode'];
}

/** A bucket that services deliver logs to; they expire when their retention is over. */
export class LogBucket extends Construct {
  readonly bucketName: string;
  readonly bucketArn: string;
  /** What has to stand before anything is delivered. */
  readonly policy: S3BucketPolicy;

  constructor(scope: Construct, id: string, props: LogBucketProps) {
    super(scope, id);
    const bucket = new ClosedBucket(this, 'Resource', {
      bucketName: props.bucketName,
      policy: props.policy,
      ...(props.kmsKeyArn === undefined ? {} : { kmsKeyArn: props.kmsKeyArn }),
      ...(props.lockMode === undefined ? {} : { lock: { mode: props.lockMode, days: props.retentionDays } }),
    });
    new S3BucketLifecycleConfiguration(this, 'Lifecycle', {
      bucket: bucket.bucketName,
      rule: [
        {
          id: 'expire',
          status: 'Enabled',
          filter: [{ prefix: '' }],
          expiration: [{ days: props.retentionDays }],
          noncurrentVersionExpiration: [{ noncurrentDays: 30 }],
          abortIncompleteMultipartUpload: [{ daysAfterInitiation: 7 }],
        },
      ],
    });
    this.policy = bucket.policy;
    this.bucketName = bucket.bucketName;
    this.bucketArn = bucket.bucketArn;
  }
}
