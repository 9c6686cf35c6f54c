import { S3Bucket } from '@cdktf/provider-aws/lib/s3-bucket/index.js';
import { S3BucketLifecycleConfiguration } from '@cdktf/provider-aws/lib/s3-bucket-lifecycle-configuration/index.js';
import { S3BucketObjectLockConfigurationA } from '@cdktf/provider-aws/lib/s3-bucket-object-lock-configuration/index.js';
import { S3BucketOwnershipControls } from '@cdktf/provider-aws/lib/s3-bucket-ownership-controls/index.js';
import { S3BucketPolicy } from '@cdktf/provider-aws/lib/s3-bucket-policy/index.js';
import { S3BucketPublicAccessBlock } from '@cdktf/provider-aws/lib/s3-bucket-public-access-block/index.js';
import { S3BucketServerSideEncryptionConfigurationA } from '@cdktf/provider-aws/lib/s3-bucket-server-side-encryption-configuration/index.js';
import { S3BucketVersioningA } from '@cdktf/provider-aws/lib/s3-bucket-versioning/index.js';
import { Construct } from 'constructs';
import type { PolicyDocument } from '../policy.ts';
import { policyJson } from '../render-policy.ts';

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
   * Whether versions are locked for the retention's length. S3 delivers no access logs into a bucket that has a default
   * lock, so the bucket for those cannot have one.
   */
  readonly locked: boolean;
}

/** A bucket that services deliver logs to; they expire when their retention is over. */
export class LogBucket extends Construct {
  readonly bucketName: string;
  readonly bucketArn: string;
  /** What has to stand before anything is delivered. */
  readonly policy: S3BucketPolicy;

  constructor(scope: Construct, id: string, props: LogBucketProps) {
    super(scope, id);
    const resource = new S3Bucket(this, 'Resource', {
      bucket: props.bucketName,
      objectLockEnabled: props.locked,
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
    if (props.locked) {
      new S3BucketObjectLockConfigurationA(this, 'Lock', {
        bucket,
        rule: { defaultRetention: { mode: 'GOVERNANCE', days: props.retentionDays } },
        dependsOn: [versioning],
      });
    }
    new S3BucketServerSideEncryptionConfigurationA(this, 'Encryption', {
      bucket,
      rule: [
        props.kmsKeyArn === undefined
          ? { applyServerSideEncryptionByDefault: { sseAlgorithm: 'AES256' } }
          : { applyServerSideEncryptionByDefault: { sseAlgorithm: 'aws:kms', kmsMasterKeyId: props.kmsKeyArn }, bucketKeyEnabled: true },
      ],
    });
    new S3BucketLifecycleConfiguration(this, 'Lifecycle', {
      bucket,
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
    this.policy = new S3BucketPolicy(this, 'Policy', {
      bucket,
      policy: policyJson(props.policy(resource.arn), 'bucket', `the policy of bucket ${props.bucketName}`),
      dependsOn: [access],
    });
    this.bucketName = resource.id;
    this.bucketArn = resource.arn;
  }
}
