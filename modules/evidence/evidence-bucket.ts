import { S3BucketInventory } from '@cdktf/provider-aws/lib/s3-bucket-inventory/index.js';
import { S3BucketLifecycleConfiguration } from '@cdktf/provider-aws/lib/s3-bucket-lifecycle-configuration/index.js';
import { S3BucketLoggingA } from '@cdktf/provider-aws/lib/s3-bucket-logging/index.js';
import { Construct } from 'constructs';
import type { PolicyDocument } from '../policy.ts';
import { ClosedBucket, type Retention } from './closed-bucket.ts';

export interface EvidenceBucketProps {
  /** Globally unique bucket name, 3 to 63 characters. */
  readonly bucketName: string;
  /** Key that objects are encrypted under. */
  readonly kmsKeyArn: string;
  /** @default COMPLIANCE, 2555 days (seven years) */
  readonly retention?: Retention;
  /** Builds the bucket's policy, given its ARN. */
  readonly policy: (bucketArn: string) => PolicyDocument;
  /** Bucket of the same account and Region that keeps access logs and inventories. */
  readonly logBucketName: string;
  readonly logBucketArn: string;
  /** Days after which an upload that nobody finished is dropped; resuming a large disk may take weeks. @default 90 */
  readonly abandonedUploadDays?: number;
}

/** An append-only bucket: versioned, object-locked, encrypted, private, logged and listed every day. */
export class EvidenceBucket extends Construct {
  readonly bucketName: string;
  readonly bucketArn: string;

  constructor(scope: Construct, id: string, props: EvidenceBucketProps) {
    super(scope, id);
    const { retention = { mode: 'COMPLIANCE', days: 2555 }, abandonedUploadDays = 90 } = props;
    const closed = new ClosedBucket(this, 'Resource', { bucketName: props.bucketName, policy: props.policy, kmsKeyArn: props.kmsKeyArn, lock: retention });
    const bucket = closed.bucketName;
    new S3BucketLifecycleConfiguration(this, 'Lifecycle', {
      bucket,
      // The only rule there is: nothing here may ever expire a version.
      rule: [
        {
          id: 'drop-abandoned-uploads',
          status: 'Enabled',
          filter: [{ prefix: '' }],
          abortIncompleteMultipartUpload: [{ daysAfterInitiation: abandonedUploadDays }],
        },
      ],
    });
    new S3BucketLoggingA(this, 'Logging', { bucket, targetBucket: props.logBucketName, targetPrefix: `access/${props.bucketName}/` });
    new S3BucketInventory(this, 'Inventory', {
      bucket,
      name: 'every-version',
      includedObjectVersions: 'All',
      schedule: { frequency: 'Daily' },
      optionalFields: [
        'ChecksumAlgorithm',
        'EncryptionStatus',
        'ETag',
        'LastModifiedDate',
        'ObjectLockLegalHoldStatus',
        'ObjectLockMode',
        'ObjectLockRetainUntilDate',
        'Size',
      ],
      destination: { bucket: { format: 'Parquet', bucketArn: props.logBucketArn, prefix: 'inventory' } },
    });
    this.bucketName = closed.bucketName;
    this.bucketArn = closed.bucketArn;
  }
}
