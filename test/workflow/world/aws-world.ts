import type { S3Client } from '@aws-sdk/client-s3';
import { createS3Client } from '../../../agent/adapters/stores/s3-client.ts';
import { policyDocument } from '../../../modules/policy.ts';
import { alertTopicName, bucketName, iamPath, logGroupName, roleName } from '../../../modules/vocabulary/index.ts';
import { AwsBridge, type Credentials, type Told } from '../../helpers/aws/bridge.ts';
import { type Moto, startMoto } from '../../helpers/moto.ts';
import { type S3Front, startS3Front } from '../../helpers/s3-front.ts';
import { useCredentials } from '../../helpers/s3-store.ts';
import { newLockedBucket } from './locked-bucket.ts';
import { MEMBER, PLACE } from './place.ts';
import { makeSurroundings } from './surroundings.ts';

export { MEMBER, PLACE };
/** Whoever comes to moto without having assumed a role. */
const NOBODY: Credentials = { accessKeyId: 'test', secretAccessKey: 'test' };

/** moto asks for a policy, and does not look at it. */
const ANYTHING = { Sid: 'Anything', Effect: 'Allow', Action: '*', Resource: '*' } as const;

type Answer = Readonly<Record<string, never>>;

/** AWS as moto plays it, with a forensic and a monitored account, and a bucket that checks and locks what S3 checks and locks. */
export class AwsWorld {
  readonly bucket = bucketName(PLACE, 'active');
  readonly #moto: Moto;
  readonly #clients: { destroy(): void }[] = [];
  readonly front: S3Front;
  readonly bridge: AwsBridge;
  readonly s3: S3Client;
  /** An image that moto has; asked for once, since it has very many. */
  imageId = '';
  /** Where people are told. */
  topicArn = '';
  /** What Service Quotas lists of a service; what it does not, has AWS's published value. */
  readonly quotas: Record<string, { QuotaName: string; Value: number }[]> = { ec2: [{ QuotaName: 'Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances', Value: 10_000 }] };
  /** What KMS answers to a dry run of a grant on a source key, by the name of its error. */
  grantDryRun = 'DryRunOperationException';
  readonly forensic: Credentials;
  readonly member: Credentials;

  private constructor(moto: Moto, front: S3Front, bridge: AwsBridge, forensic: Credentials, member: Credentials) {
    this.#moto = moto;
    this.front = front;
    this.bridge = bridge;
    this.forensic = forensic;
    this.member = member;
    this.s3 = createS3Client({ endpoint: front.endpoint, region: PLACE.region, concurrency: 4, requestTimeoutSeconds: 60 });
  }

  static async start(): Promise<AwsWorld> {
    const moto = await startMoto();
    const front = await startS3Front({ upstream: moto.endpoint, requireChecksum: true });
    const bridge = await AwsBridge.start();
    const enter = (account: string): Promise<Credentials> => assume(bridge, moto.endpoint, NOBODY, `arn:aws:iam::${account}:role/test`, 'test');
    const forensic = await enter(PLACE.account);
    useCredentials(forensic);
    process.env['AWS_SESSION_TOKEN'] = forensic.sessionToken ?? '';
    process.env['AWS_ENDPOINT_URL_STS'] = moto.endpoint;
    const world = new AwsWorld(moto, front, bridge, forensic, await enter(MEMBER));
    const { Images } = (await world.call('member', 'ec2', 'describeImages', { Owners: ['amazon'] })) as unknown as { Images: { ImageId: string }[] };
    world.imageId = Images[0]!.ImageId;
    await newLockedBucket(world.s3, world.bucket);
    for (const group of ['readiness', 'capture', 'audit'] as const) await world.call('forensic', 'logs', 'createLogGroup', { LogGroupName: logGroupName(group) });
    await world.call('forensic', 'iam', 'createPolicy', { PolicyName: roleName(PLACE, 'collector'), Path: iamPath(PLACE), PolicyDocument: JSON.stringify(policyDocument(ANYTHING)) });
    await world.call('forensic', 'iam', 'createPolicy', { PolicyName: `${PLACE.prefix}-pipeline-boundary-${PLACE.region}`, Path: iamPath(PLACE), PolicyDocument: JSON.stringify(policyDocument(ANYTHING)) });
    world.topicArn = ((await world.call('forensic', 'sns', 'createTopic', { Name: alertTopicName(PLACE) })) as unknown as { TopicArn: string }).TopicArn;
    await makeSurroundings(world);
    return world;
  }

  get endpoint(): string {
    return this.#moto.endpoint;
  }

  /** One call in one of the two accounts, or with other credentials. */
  call(as: 'forensic' | 'member' | Credentials, service: string, action: string, parameters: object = {}, told?: Told): Promise<Answer> {
    const credentials = as === 'forensic' ? this.forensic : as === 'member' ? this.member : as;
    // S3 goes through the front, which checks what moto does not.
    const endpoint = service === 's3' ? this.front.endpoint : this.#moto.endpoint;
    return this.bridge.call({ service, action, parameters, region: PLACE.region, endpoint, credentials }, told) as Promise<Answer>;
  }

  /** What Step Functions does for a state with `Credentials`: the role, with the state machine's ARN as external id and no tags. */
  assume(roleArn: string, externalId: string): Promise<Credentials> {
    return assume(this.bridge, this.#moto.endpoint, this.forensic, roleArn, externalId);
  }

  /** A client that is closed when the world ends. */
  closes<Client extends { destroy(): void }>(client: Client): Client {
    this.#clients.push(client);
    return client;
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.destroy();
    delete process.env['AWS_SESSION_TOKEN'];
    delete process.env['AWS_ENDPOINT_URL_STS'];
    useCredentials();
    this.s3.destroy();
    await this.bridge.stop();
    await this.front.stop();
    await this.#moto.stop();
  }
}

const assume = async (bridge: AwsBridge, endpoint: string, credentials: Credentials, RoleArn: string, ExternalId: string): Promise<Credentials> => {
  const parameters = { RoleArn, RoleSessionName: 'workflow', ExternalId };
  const answer = await bridge.call({ service: 'sts', action: 'assumeRole', parameters, region: PLACE.region, endpoint, credentials });
  const { Credentials: given } = answer as { Credentials: { AccessKeyId: string; SecretAccessKey: string; SessionToken: string } };
  return { accessKeyId: given.AccessKeyId, secretAccessKey: given.SecretAccessKey, sessionToken: given.SessionToken };
};
