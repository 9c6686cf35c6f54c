import { S3Bucket } from '@cdktf/provider-aws/lib/s3-bucket/index.js';
import { S3BucketInventory } from '@cdktf/provider-aws/lib/s3-bucket-inventory/index.js';
import { S3BucketLifecycleConfiguration } from '@cdktf/provider-aws/lib/s3-bucket-lifecycle-configuration/index.js';
import { S3BucketLoggingA } from '@cdktf/provider-aws/lib/s3-bucket-logging/index.js';
import { S3BucketObjectLockConfigurationA } from '@cdktf/provider-aws/lib/s3-bucket-object-lock-configuration/index.js';
import { S3BucketOwnershipControls } from '@cdktf/provider-aws/lib/s3-bucket-ownership-controls/index.js';
import { S3BucketPolicy } from '@cdktf/provider-aws/lib/s3-bucket-policy/index.js';
import { S3BucketPublicAccessBlock } from '@cdktf/provider-aws/lib/s3-bucket-public-access-block/index.js';
import { S3BucketServerSideEncryptionConfigurationA } from '@cdktf/provider-aws/lib/s3-bucket-server-side-encryption-configuration/index.js';
import { S3BucketVersioningA } from '@cdktf/provider-aws/lib/s3-bucket-versioning/index.js';
import { Construct } from 'constructs';
import type { PolicyDocument } from '../policy.ts';
import { policyJson } from '../render-policy.ts';

/** How long, and how firmly, object versions of a bucket are kept. */
export interface Retention {
  /** COMPLIANCE: nobody shortens it, root included. GOVERNANCE: a role with a special right could; the seal denies that right. */
  readonly mode: 'COMPLIANCE' | 'GOVERNANCE';
  /** Days an object version stays undeletable. */
  readonly days: number;
}

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
    const resource = new S3Bucket(this, 'Resource', {
      bucket: props.bucketName,
      objectLockEnabled: true,
      forceDestroy: false,
      lifecycle: { preventDestroy: true },
    });
    const bucket = resource.id;
    const access = new S3BucketPublicAccessBlock(this, 'PublicAccess', {
      bucket,
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    });
    new S3BucketOwnershipControls(this, 'Ownership', { bucket, rule: { objectOwnership: 'BucketOwnerEnforced' } });
    const versioning = new S3BucketVersioningA(this, 'Versioning', { bucket, versioningConfiguration: { status: 'Enabled' } });
    new S3BucketObjectLockConfigurationA(this, 'Lock', {
      bucket,
      rule: { defaultRetention: { mode: retention.mode, days: retention.days } },
      dependsOn: [versioning], // S3 refuses a lock on an unversioned bucket
    });
    new S3BucketServerSideEncryptionConfigurationA(this, 'Encryption', {
      bucket,
      rule: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: 'aws:kms', kmsMasterKeyId: props.kmsKeyArn }, bucketKeyEnabled: true }],
    });
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
    new S3BucketPolicy(this, 'Policy', {
      bucket,
      policy: policyJson(props.policy(resource.arn), 'bucket', `the policy of bucket ${props.bucketName}`),
      dependsOn: [access], // S3 checks a policy against the block that stands at that moment
    });
    this.bucketName = resource.id;
    this.bucketArn = resource.arn;
  }
}
