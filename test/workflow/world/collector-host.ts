import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { CASE_TAGS, logGroupName } from '../../../modules/vocabulary/index.ts';
import { publishTags, startMetadataServer, type MetadataServer } from '../../agent/metadata-support.ts';
import { type Cli, startCli } from '../../helpers/cli.ts';
import type { Disks } from '../../helpers/disks.ts';
import type { LoopDevice } from '../../../scripts/lab/loop.ts';
import { PLACE, type AwsWorld } from './aws-world.ts';
import type { AwsCall } from './dispatch.ts';

interface RunRequest {
  readonly TagSpecifications: readonly { readonly ResourceType: string; readonly Tags: readonly { readonly Key: string; readonly Value: string }[] }[];
  readonly MetadataOptions: object;
}

/**
 * What EC2 does and moto does not: it runs the instance, and it attaches the disk. The collector is the real one, as a process
 * of its own; it learns what it is for from the instance's tags, as on an instance. All of them share this machine's disks,
 * so that there is one at a time.
 */
export class CollectorHost {
  readonly #world: AwsWorld;
  readonly #disks: Disks;
  /** Image files that stand for the sources' contents, by volume. */
  readonly #contents: ReadonlyMap<string, string>;
  readonly #scratch: string;
  #queue: Promise<unknown> = Promise.resolve();
  readonly #running = new Map<string, { readonly cli: Cli; readonly metadata: MetadataServer; readonly volumeId: string; readonly free: () => void; loop?: LoopDevice }>();
  /** Tags of each collector, in the order of their start. */
  readonly started: Readonly<Record<string, string>>[] = [];

  /** What the collectors that have ended wrote, for whoever looks into a failure. */
  output = '';

  constructor(world: AwsWorld, disks: Disks, contents: ReadonlyMap<string, string>, scratch: string) {
    this.#world = world;
    this.#disks = disks;
    this.#contents = contents;
    this.#scratch = scratch;
  }

  /** Takes part in the calls that start, feed and end a collector. */
  hook = (call: AwsCall): Promise<unknown> | undefined => {
    if (call.inMember) return undefined;
    if (call.action === 'runInstances') return this.#run(call);
    if (call.action === 'attachVolume') return this.#attach(call);
    if (call.action === 'terminateInstances') return this.#end(call);
    return undefined;
  };

  async #run(call: AwsCall): Promise<unknown> {
    let free = (): void => undefined;
    const before = this.#queue;
    this.#queue = new Promise<void>((resolve) => (free = resolve));
    await before;
    const answer = (await call.real()) as { Instances: { InstanceId: string }[] };
    const { InstanceId } = answer.Instances[0]!;
    const request = call.args as unknown as RunRequest;
    const tags = Object.fromEntries(request.TagSpecifications.find(({ ResourceType }) => ResourceType === 'instance')!.Tags.map(({ Key, Value }) => [Key, Value]));
    this.started.push(tags);
    expect(request.MetadataOptions).to.deep.equal({ HttpEndpoint: 'enabled', HttpTokens: 'required', HttpPutResponseHopLimit: 1, InstanceMetadataTags: 'enabled' });
    const metadata = await startMetadataServer();
    metadata.answers.set('dynamic/instance-identity/document', JSON.stringify({ accountId: PLACE.account, region: PLACE.region, instanceId: InstanceId }));
    publishTags(metadata, tags);
    const { accessKeyId, secretAccessKey, sessionToken } = this.#world.forensic;
    const cli = startCli(['run', '--endpoint', this.#world.front.endpoint, '--force-path-style', '--logs', 'cloudwatch', '--scratch-dir', this.#scratch, '--json', '--rescan-seconds', '2', '--heartbeat-seconds', '5'], {
      env: {
        CLEANROOM_IMDS_ENDPOINT: metadata.endpoint,
        AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: this.#world.endpoint,
        AWS_ACCESS_KEY_ID: accessKeyId,
        AWS_SECRET_ACCESS_KEY: secretAccessKey,
        AWS_SESSION_TOKEN: sessionToken ?? '',
      },
    });
    this.#running.set(InstanceId, { cli, metadata, volumeId: tags[CASE_TAGS.exhibitId]!, free });
    void this.#onEnd(cli, free);
    await cli.event('collector.started');
    await this.#untilLogged(`${tags[CASE_TAGS.caseId]}/${InstanceId}/`, cli);
    return answer;
  }

  /** Until the log service has heard of it: how often the machine asks in between says nothing about the machine. */
  async #untilLogged(LogStreamNamePrefix: string, cli: Cli): Promise<void> {
    for (const end = Date.now() + 110_000; ; await sleep(200)) {
      const { Events } = (await this.#world.call('forensic', 'logs', 'filterLogEvents', { LogGroupName: logGroupName('readiness'), LogStreamNamePrefix })) as unknown as { Events?: unknown[] };
      if ((Events ?? []).length > 0) return;
      if (Date.now() > end) throw new Error(`the collector's events never came:\n${cli.stdout()}${cli.stderr()}`);
    }
  }

  /** A collector that failed is kept by the workflow; its place on this machine goes to the next one all the same. */
  async #onEnd(cli: Cli, free: () => void): Promise<void> {
    await cli.ended;
    this.output += `${cli.stdout()}${cli.stderr()}`;
    free();
  }

  async #attach(call: AwsCall): Promise<unknown> {
    const collector = this.#running.get(call.args['InstanceId'] as string)!;
    const answer = await call.real();
    collector.loop = await this.#disks.attach(this.#contents.get(collector.volumeId)!, { readOnly: true });
    return answer;
  }

  async #end(call: AwsCall): Promise<unknown> {
    const [id] = call.args['InstanceIds'] as [string];
    const answer = await call.real();
    await this.#put(id);
    return answer;
  }

  async #put(id: string): Promise<void> {
    const collector = this.#running.get(id);
    if (!collector) return;
    this.#running.delete(id);
    collector.cli.signal('SIGTERM');
    await collector.cli.ended;
    await collector.loop?.detach();
    await collector.metadata.stop();
    collector.free();
  }

  /** How a collector ended, or that it has not yet. */
  async waitForEnd(): Promise<void> {
    await Promise.race([...this.#running.values()].map(({ cli }) => cli.ended));
  }

  async stop(): Promise<void> {
    for (const id of this.#running.keys()) await this.#put(id);
  }
}
