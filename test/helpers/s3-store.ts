import { randomBytes } from 'node:crypto';
import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';
import type { PartChecksumAlgorithm } from '../../agent/adapters/stores/evidence-store.ts';
import { createS3Client } from '../../agent/adapters/stores/s3-client.ts';
import { S3Store } from '../../agent/adapters/stores/s3-store.ts';
import type { StoreUnderTest } from '../contract/evidence-store.ts';

export type Endpoint = { readonly endpoint: string; readonly accessKeyId?: string; readonly secretAccessKey?: string };

/** Runs work with credentials in the environment, where the collector's SDK looks for them. */
export function useCredentials({ accessKeyId = 'test', secretAccessKey = 'test' }: Omit<Endpoint, 'endpoint'> = {}): void {
  process.env['AWS_ACCESS_KEY_ID'] = accessKeyId;
  process.env['AWS_SECRET_ACCESS_KEY'] = secretAccessKey;
}

export const s3ClientOf = ({ endpoint }: Endpoint, requestTimeoutSeconds = 120): S3Client =>
  createS3Client({ endpoint, region: 'us-east-1', concurrency: 4, requestTimeoutSeconds });

/** A new bucket. Returns its name. */
export async function newBucket(client: S3Client, options: { objectLock?: boolean } = {}): Promise<string> {
  const bucket = `evidence-${randomBytes(6).toString('hex')}`;
  await client.send(new CreateBucketCommand({ Bucket: bucket, ...(options.objectLock ? { ObjectLockEnabledForBucket: true } : {}) }));
  return bucket;
}

/** A store in a bucket that is there. */
export const s3StoreIn = (where: Endpoint, bucket: string, algorithm: PartChecksumAlgorithm = 'SHA256'): S3Store =>
  new S3Store({ client: s3ClientOf(where), bucket, prefix: 'evidence', algorithm });

/** An S3 store in a bucket of its own, and a look behind it with the plain SDK. */
export async function s3StoreUnderTest(where: Endpoint, algorithm: PartChecksumAlgorithm): Promise<StoreUnderTest & { readonly bucket: string }> {
  useCredentials(where);
  const plain = s3ClientOf(where);
  const bucket = await newBucket(plain);
  const prefix = 'a/b';
  const open = (): S3Store => new S3Store({ client: s3ClientOf(where), bucket, prefix, algorithm });
  return {
    store: open(),
    bucket,
    another: () => Promise.resolve(open()),
    async visible() {
      const { Contents = [] } = await plain.send(new ListObjectsV2Command({ Bucket: bucket }));
      return Contents.map(({ Key }) => Key!.slice(prefix.length + 1)).toSorted();
    },
    async inspect(key) {
      const found = await plain.send(new GetObjectCommand({ Bucket: bucket, Key: `${prefix}/${key}` })).catch(() => undefined);
      return found && Buffer.from(await found.Body!.transformToByteArray());
    },
    cleanup: () => Promise.resolve(plain.destroy()),
  };
}
