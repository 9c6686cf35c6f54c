import {
  GetBucketEncryptionCommand,
  GetBucketVersioningCommand,
  GetObjectLockConfigurationCommand,
  GetPublicAccessBlockCommand,
  HeadBucketCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { messageOf } from '../errors.ts';
import { fail, noAnswer, ok, warn, type Check, type Outcome } from './finding.ts';

export type BucketCheckOptions = {
  readonly client: S3Client;
  readonly bucket: string;
  /** The key that the configuration asks for, if any. */
  readonly kmsKeyId: string | undefined;
  /** Whether the bucket is S3's own: elsewhere a Region is but a name. */
  readonly inAws: boolean;
};

const TIMEOUT_MS = 20_000;
const limit = (): { abortSignal: AbortSignal } => ({ abortSignal: AbortSignal.timeout(TIMEOUT_MS) });

type ServiceError = Error & { $metadata?: { httpStatusCode?: number }; $response?: { headers?: Record<string, string> } };

const statusOf = (error: ServiceError): number => error.$metadata?.httpStatusCode ?? 0;
const describe = (error: ServiceError): string => `${error.name}: ${messageOf(error)}`;

/** Asks a question about the bucket; whoever may not ask, or a store that does not know the question, gets no verdict. */
async function ask<T>(question: Promise<T>, permission: string, judge: (answer: T) => Outcome, absent: Readonly<Record<string, Outcome>> = {}): Promise<Outcome> {
  try {
    return judge(await question);
  } catch (thrown) {
    const error = thrown as ServiceError;
    const known = Object.hasOwn(absent, error.name) ? absent[error.name] : undefined;
    if (known) return known;
    if (statusOf(error) === 403) return warn(`cannot tell: ${describe(error)}`, `grant ${permission} to whoever runs this, or ask somebody who has it`);
    if (statusOf(error) === 501 || statusOf(error) === 405) return warn(`the store does not know this: ${describe(error)}`, 'see to it by the means that the store has');
    return fail(describe(error), noAnswer(error));
  }
}

async function credentials({ client }: BucketCheckOptions): Promise<Outcome> {
  const advice = 'give the instance a profile, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY';
  try {
    const { accessKeyId, expiration } = await client.config.credentials();
    const who = `access key ${accessKeyId.slice(0, 4)}...${accessKeyId.slice(-4)}`;
    if (expiration === undefined) return ok(`${who}, without an expiry`);
    const minutes = Math.floor((expiration.getTime() - Date.now()) / 60_000);
    if (minutes < 0) return fail(`${who} has expired`, advice);
    const found = `${who}, valid for another ${minutes} minutes`;
    return minutes < 15 ? warn(found, 'unless they are renewed by themselves (instance profile, assumed role), get new ones before a long acquisition') : ok(found);
  } catch (error) {
    return fail(`no credentials: ${messageOf(error)}`, advice);
  }
}

async function reachable({ client, bucket, inAws }: BucketCheckOptions): Promise<Outcome> {
  try {
    const { BucketRegion } = await client.send(new HeadBucketCommand({ Bucket: bucket }), limit());
    const ours = await client.config.region();
    if (!inAws || BucketRegion === undefined || BucketRegion === ours) return ok(`${bucket} answers${BucketRegion === undefined ? '' : `, in ${BucketRegion}`}`);
    return fail(`${bucket} is in ${BucketRegion}, the Region in use is ${ours}`, `give --region ${BucketRegion}`);
  } catch (thrown) {
    const error = thrown as ServiceError;
    const region = error.$response?.headers?.['x-amz-bucket-region'];
    if (statusOf(error) === 301 || (statusOf(error) === 400 && region !== undefined)) {
      return fail(`${bucket} is in ${region ?? 'another Region'}`, `give --region ${region ?? 'with the bucket\'s Region'}`);
    }
    if (statusOf(error) === 404) return fail(`there is no bucket ${bucket}`, 'name the right bucket with --to, or have it made: the collector makes none');
    if (statusOf(error) === 403) return fail(`${bucket} may not be asked: ${describe(error)}`, 'grant s3:ListBucket on the bucket; if it is granted, look at bucket policy, endpoint policy and account');
    return fail(`${bucket} does not answer: ${describe(error)}`, noAnswer(error));
  }
}

const NO_LOCK = fail(
  'Object Lock is off: stored evidence can be deleted',
  'make the bucket with Object Lock, or switch it on for this one, with a default retention',
);

/** The bucket that evidence goes to. Whether it may be written is not tried: nothing is ever written for a test. */
export function bucketChecks(options: BucketCheckOptions): readonly Check[] {
  const { client, bucket: Bucket, kmsKeyId } = options;
  const versioning = (): Promise<Outcome> =>
    ask(client.send(new GetBucketVersioningCommand({ Bucket }), limit()), 's3:GetBucketVersioning', ({ Status }) =>
      Status === 'Enabled'
        ? ok('versioning is on')
        : fail(`versioning is ${Status === 'Suspended' ? 'suspended' : 'off'}: an object can be overwritten without a trace`, 'switch on versioning'));
  const objectLock = (): Promise<Outcome> =>
    ask(client.send(new GetObjectLockConfigurationCommand({ Bucket }), limit()), 's3:GetBucketObjectLockConfiguration', ({ ObjectLockConfiguration: lock }) => {
      if (lock?.ObjectLockEnabled !== 'Enabled') return NO_LOCK;
      const { Mode, Days, Years } = lock.Rule?.DefaultRetention ?? {};
      if (Mode === undefined) return fail('Object Lock is on, but without a default retention: new objects are not protected', 'set a default retention');
      const found = `new objects are locked for ${Days === undefined ? `${Years} years` : `${Days} days`} in ${Mode} mode`;
      return Mode === 'COMPLIANCE' ? ok(found) : warn(found, 'COMPLIANCE mode protects also from who may bypass governance');
    }, { ObjectLockConfigurationNotFoundError: NO_LOCK });
  const encryption = (): Promise<Outcome> =>
    ask(client.send(new GetBucketEncryptionCommand({ Bucket }), limit()), 's3:GetEncryptionConfiguration', ({ ServerSideEncryptionConfiguration: found }) => {
      const { SSEAlgorithm = 'none', KMSMasterKeyID } = found?.Rules?.[0]?.ApplyServerSideEncryptionByDefault ?? {};
      if (SSEAlgorithm.startsWith('aws:kms')) return ok(`objects are encrypted with ${SSEAlgorithm}, key ${kmsKeyId ?? KMSMasterKeyID ?? 'aws/s3'}`);
      if (kmsKeyId !== undefined) return ok(`the collector asks for SSE-KMS with key ${kmsKeyId}; the bucket's default is ${SSEAlgorithm}`);
      return warn(`the default encryption is ${SSEAlgorithm}, not SSE-KMS`, 'set SSE-KMS with the evidence key as the bucket\'s default, or give --kms-key-id');
    }, {
      ServerSideEncryptionConfigurationNotFoundError: kmsKeyId === undefined
        ? warn('the bucket has no default encryption', 'set SSE-KMS with the evidence key as the bucket\'s default, or give --kms-key-id')
        : ok(`the collector asks for SSE-KMS with key ${kmsKeyId}`),
    });
  const publicAccess = (): Promise<Outcome> => {
    const advice = 'block all public access to the bucket';
    return ask(client.send(new GetPublicAccessBlockCommand({ Bucket }), limit()), 's3:GetBucketPublicAccessBlock', ({ PublicAccessBlockConfiguration: block = {} }) => {
      const { BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets } = block;
      const open = Object.entries({ BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets }).filter(([, on]) => on !== true);
      return open.length === 0 ? ok('all public access is blocked') : fail(`public access is not blocked: ${open.map(([name]) => name).join(', ')}`, advice);
    }, { NoSuchPublicAccessBlockConfiguration: fail('public access is not blocked on the bucket', advice) });
  };
  return [
    { check: 'credentials', look: () => credentials(options) },
    { check: 'bucket', look: () => reachable(options) },
    { check: 'versioning', look: versioning },
    { check: 'object-lock', look: objectLock },
    { check: 'encryption', look: encryption },
    { check: 'public-access', look: publicAccess },
  ];
}

/** Seconds that this host's clock is ahead of the store's, by the Date of an answer, whatever the answer says. */
export async function clockSkew(client: S3Client, bucket: string): Promise<number | undefined> {
  const command = new HeadBucketCommand({ Bucket: bucket });
  let skew: number | undefined;
  command.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const { headers } = result.response as { headers?: Record<string, string> };
      const theirs = Date.parse(headers?.['date'] ?? '');
      if (!Number.isNaN(theirs)) skew = (Date.now() - theirs) / 1000;
      return result;
    },
    { step: 'deserialize', priority: 'low', name: 'readDate' },
  );
  await client.send(command, limit()).catch(() => {}); // a refusal has a date too
  return skew;
}
