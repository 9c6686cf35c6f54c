/** The network the machine lives in: an S3 server and a log service on port 443 of two addresses, and nothing else. */
import { createHash } from 'node:crypto';
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command, PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3';
import { execa } from 'execa';
import { checkManifest, logGroupName, parseReadiness, type ReadinessRecord } from '../../modules/vocabulary/index.ts';
import { startMoto } from '../helpers/moto.ts';
import { startS3Front } from '../helpers/s3-front.ts';
import { forward, type Forwarder } from './forward.ts';

export const TAP = 'tap0';
export const GUEST = '10.77.0.2/24';
export const HOST = '10.77.0.1';
/** A port where something answers that the machine must not reach. */
export const FORBIDDEN = `${HOST}:8080`;
/** The log service has an address of its own: the firewall lets only one port out. */
const LOGS_HOST = '10.77.0.3';
const PREFIX = '/image/';
const REGION = 'eu-central-1';
const BUCKET = 'evidence';
const CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test' };

/** Settings by which a collector in the machine finds the services. */
export const SETTINGS = {
  endpoint: `http://${HOST}:443`, forcePathStyle: true, region: REGION, logs: 'cloudwatch', logGroupPrefix: PREFIX,
} as const;
export const TO_BUCKET = `s3://${BUCKET}`;
export const ENVIRONMENT = {
  AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId, AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey, AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: `http://${LOGS_HOST}:443`,
} as const;

/** An image with a manifest that holds: what the manifest says of it, and the digest of what is there. */
export type ImageFound = { readonly sha256: string; readonly status: string; readonly bytes: number; readonly stored: string };

export type Site = {
  /** Lets no manifest arrive in the store from now on, or lets them again; whoever sends one waits for an answer. */
  holdManifests(hold: boolean): void;
  /** Whether a manifest was sent that is held. */
  holdsManifest(): boolean;
  /** What answers where the machine must not reach. */
  readonly outside: Forwarder;
  /** Records of the readiness contract of one case, as the log service has them. */
  records(group: 'readiness' | 'audit', caseId: string): Promise<ReadinessRecord[]>;
  /** Every image in the bucket that has a manifest. @throws Error when a manifest does not hold */
  images(): Promise<ImageFound[]>;
  stop(): Promise<void>;
};

const sha256 = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex');

/** What a manifest says of the image beside it. @throws Error when the manifest does not hold */
export function imageOf(key: string, manifestText: string, image: Uint8Array): ImageFound {
  const { manifest, problems } = checkManifest(manifestText, sha256);
  if (!manifest || problems.length > 0) throw new Error(`${key}: ${problems.join('; ')}`);
  return { sha256: manifest.integrity.sha256, status: manifest.status, bytes: manifest.source.size, stored: sha256(image) };
}

/** A network name space of our own: loopback, and a TAP interface behind which the machine is alone with us. */
async function makeNetwork(): Promise<void> {
  await execa('ip', ['link', 'set', 'lo', 'up']);
  await execa('ip', ['tuntap', 'add', 'dev', TAP, 'mode', 'tap']);
  for (const address of [HOST, LOGS_HOST]) await execa('ip', ['addr', 'add', `${address}/24`, 'dev', TAP]);
  await execa('ip', ['link', 'set', TAP, 'up']);
}

async function imagesIn(s3: S3Client): Promise<ImageFound[]> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: BUCKET }));
  const get = async (key: string): Promise<Uint8Array> => (await s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: key }))).Body!.transformToByteArray();
  const found = [];
  for (const { Key } of Contents) {
    if (Key === undefined || !Key.endsWith('.manifest.json')) continue;
    found.push(imageOf(Key, Buffer.from(await get(Key)).toString(), await get(Key.replace('.manifest.json', '.image.dd'))));
  }
  return found;
}

/** Starts the services. Needs a network name space of its own. */
export async function startSite(): Promise<Site> {
  await makeNetwork();
  const moto = await startMoto();
  let hold = false;
  const front = await startS3Front({
    upstream: moto.endpoint, requireChecksum: true,
    faults: ({ operation, key }) => (hold && operation === 'PutObject' && key?.endsWith('.manifest.json') ? { kind: 'black-hole' } : undefined),
  });
  const portOf = (endpoint: string): number => Number(new URL(endpoint).port);
  const outside = await forward(HOST, 8080, portOf(moto.endpoint));
  const doors = [outside, await forward(HOST, 443, portOf(front.endpoint)), await forward(LOGS_HOST, 443, portOf(moto.endpoint))];
  const s3 = new S3Client({ endpoint: front.endpoint, region: REGION, forcePathStyle: true, credentials: CREDENTIALS });
  const logs = new CloudWatchLogsClient({ endpoint: moto.endpoint, region: REGION, credentials: CREDENTIALS });
  await s3.send(new CreateBucketCommand({ Bucket: BUCKET, CreateBucketConfiguration: { LocationConstraint: REGION } }));
  await s3.send(new PutBucketVersioningCommand({ Bucket: BUCKET, VersioningConfiguration: { Status: 'Enabled' } }));
  return {
    holdManifests: (held) => void (hold = held),
    holdsManifest: () => front.requests.some(({ fault }) => fault === 'black-hole'),
    outside,
    async records(group, caseId) {
      const answer = await logs.send(new FilterLogEventsCommand({ logGroupName: logGroupName(group, PREFIX), logStreamNamePrefix: `${caseId}/` })).catch(() => undefined);
      return (answer?.events ?? []).flatMap(({ message }) => parseReadiness(message ?? '') ?? []);
    },
    images: () => imagesIn(s3),
    async stop() {
      await Promise.all(doors.map((door) => door.close()));
      await front.stop();
      await moto.stop();
    },
  };
}
