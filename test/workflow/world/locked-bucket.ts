import { CreateBucketCommand, PutObjectLockConfigurationCommand, type S3Client } from '@aws-sdk/client-s3';

/** A versioned bucket that locks every object for a day. */
export async function newLockedBucket(s3: S3Client, Bucket: string): Promise<void> {
  const region = await s3.config.region();
  await s3.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true, CreateBucketConfiguration: { LocationConstraint: region as 'eu-west-1' } }));
  await s3.send(new PutObjectLockConfigurationCommand({
    Bucket,
    ChecksumAlgorithm: 'CRC32',
    ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled', Rule: { DefaultRetention: { Mode: 'COMPLIANCE', Days: 1 } } },
  }));
}
