import { S3Bucket } from '@cdktf/provider-aws/lib/s3-bucket/index.js';
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
  /** COMPLIANCE: nobody shortens it, root included. GOVERNANCE: a role with a special right could; the seal denies that right, in the forensic accounts. */
  readonly mode: 'COMPLIANCE' | 'GOVERNANCE';
  /** Days an object version stays undeletable. */
  readonly days: number;
}

export interface ClosedBucketProps {
  /** Globally unique bucket name, 3 to 63 characters. */
  readonly bucketName: string;
  /** Builds the bucket's policy, given its ARN. */
  readonly policy: (bucketArn: string) => PolicyDocument;
  /** Key that objects are encrypted under. @default none: S3's own */
  readonly kmsKeyArn?: string;
  /** Lock of every new object version. @default none: the bucket has no Object Lock */
  readonly lock?: Retention;
}

/** A bucket that is closed to the public, versioned, encrypted, owned by its account alone, and that Terraform will not destroy. */
export class ClosedBucket extends Construct {
  readonly bucketName: string;
  readonly bucketArn: string;
  /** What has to stand before anything is delivered. */
  readonly policy: S3BucketPolicy;

  constructor(scope: Construct, id: string, props: ClosedBucketProps) {
    super(scope, id);
    const { lock } = props;
    const resource = new S3Bucket(this, 'Resource', {
      bucket: props.bucketName,
      objectLockEnabled: lock !== undefined,
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
    if (lock !== undefined) {
      new S3BucketObjectLockConfigurationA(this, 'Lock', {
        bucket,
        rule: { defaultRetention: { mode: lock.mode, days: lock.days } },
        dependsOn: [versioning], // S3 refuses a lock on an unversioned bucket
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
    this.policy = new S3BucketPolicy(this, 'Policy', {
      bucket,
      policy: policyJson(props.policy(resource.arn), 'bucket', `the policy of bucket ${props.bucketName}`),
      dependsOn: [access], // S3 checks a policy against the block that stands at that moment
    });
    this.bucketName = resource.id;
    this.bucketArn = resource.arn;
  }
}
