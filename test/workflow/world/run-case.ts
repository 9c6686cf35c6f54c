import { AslError } from '../../helpers/asl/errors.ts';
import { randomBytes } from 'node:crypto';
import { S3Store } from '../../../agent/adapters/stores/s3-store.ts';
import type { Records } from '../../../modules/acquisition-workflow/handlers/records.ts';
import { type AcquisitionInput, MiB, planLayout } from '../../../modules/vocabulary/index.ts';
import { VirtualClock } from '../../helpers/asl/clock.ts';
import { Execution, type ExecutionResult, Tokens } from '../../helpers/asl/interpreter.ts';
import { type ExhibitPlan, storeExhibit } from '../../helpers/evidence.ts';
import { MACHINE } from '../definition/names.ts';
import type { AwsWorld } from './aws-world.ts';
import { MACHINE_ARN, nameOf } from './case.ts';
import { type AwsCall, dispatchTo, type Hook } from './dispatch.ts';
import { handlersOf } from './handlers.ts';
import type { Trail } from './trail.ts';

const IMAGE = randomBytes(MiB);

export interface RunOptions {
  readonly world: AwsWorld;
  readonly records: Records;
  readonly input: AcquisitionInput;
  /** Decides over a call before AWS does: where a fault comes from. */
  readonly hook?: Hook;
  /** What the collector of a volume does once the volume is attached. @default it stores a genuine image and ends */
  readonly collector?: Partial<Collector>;
  readonly tokens?: Tokens;
  readonly clock?: VirtualClock;
  /** The error in which the answer of a call gets lost that has been carried out; undefined where it is heard. */
  readonly loses?: (call: AwsCall) => Error | undefined;
  /** Takes down what AWS answered, as CloudTrail does. */
  readonly trail?: Trail;
  /** Name of the execution. @default the one that its case and instance give */
  readonly name?: string;
}

/** How a collector behaves that is not there: only the faults need one; the end-to-end test runs the real one. */
export interface Collector {
  /** Whether it ever says that it is ready. */
  readonly starts: boolean;
  /** Seconds after the attachment for which it goes on sending heartbeats. */
  readonly livesFor: number;
  /** Pages of its log that are empty, before the one with its lines. @default 0 */
  readonly emptyPages: number;
  /** Whether it says that it has stopped when its life ends. */
  readonly saysGoodbye: boolean;
  /** Whether it stores an image and a manifest, and what is changed in them. */
  readonly stores: false | Partial<ExhibitPlan>;
}

export interface CaseRun extends ExecutionResult {
  readonly calls: readonly AwsCall[];
  /** Messages to the people who are told. */
  readonly told: readonly { readonly Subject: string; readonly Message: string }[];
  /** Hours of the virtual clock. */
  readonly hours: number;
  readonly tokens: Tokens;
}

/** Runs a case on a virtual clock: moto for AWS, the real functions, and a collector that is told what to do. */
export async function runCase({ world, records, input, hook, loses, collector = {}, tokens = new Tokens(), clock = new VirtualClock(Date.now()), trail, name = nameOf(input) }: RunOptions): Promise<CaseRun> {
  const { starts = true, livesFor = Infinity, emptyPages = 0, saysGoodbye = true, stores = {} } = collector;
  const calls: AwsCall[] = [];
  const told: { Subject: string; Message: string }[] = [];
  const exhibits = new Map<string, string>();
  const attachedAt = new Map<string, number>();
  const start = clock.now();

  const logged = (prefix: string, since: number): string[] => {
    const id = prefix.split('/')[1]!;
    const attached = attachedAt.get(id);
    if (!starts) return [];
    if (attached === undefined) return ['collector.started'];
    const end = attached + livesFor * 1000;
    const stopped = saysGoodbye && (stores !== false || clock.now() >= end) ? ['collector.stopped'] : [];
    return [...(since < end ? ['collector.heartbeat'] : []), ...stopped];
  };

  const collectorHook: Hook = (call) => {
    const { action, args } = call;
    if (action === 'runInstances') {
      return call.real().then((answer) => {
        const tags = (args['TagSpecifications'] as { Tags: { Key: string; Value: string }[] }[])[0]!.Tags;
        exhibits.set((answer as { Instances: { InstanceId: string }[] }).Instances[0]!.InstanceId, tags.find(({ Key }) => Key === 'cleanroom:volume')!.Value);
        return answer;
      });
    }
    if (action === 'attachVolume') {
      return call.real().then(async (answer) => {
        attachedAt.set(args['InstanceId'] as string, clock.now());
        if (stores !== false) {
          const store = new S3Store({ client: world.s3, bucket: world.bucket, prefix: '', algorithm: 'SHA256' });
          const layout = planLayout(IMAGE.length, { partSize: 5 * MiB });
          await storeExhibit(store, { caseId: input.caseId, exhibitId: exhibits.get(args['InstanceId'] as string)!, image: IMAGE, layout, ...stores });
        }
        return answer;
      });
    }
    if (action === 'filterLogEvents') {
      const [page, since] = ((args['NextToken'] as string | undefined) ?? `0/${args['StartTime'] as number}`).split('/').map(Number) as [number, number];
      if (since !== args['StartTime']) return Promise.reject(new AslError('CloudWatchLogs.InvalidParameterException', 'The specified nextToken is invalid.'));
      if (page < emptyPages) return Promise.resolve({ Events: [], NextToken: `${page + 1}/${since}` });
      const events = logged(args['LogStreamNamePrefix'] as string, since);
      return Promise.resolve({ Events: events.filter((event) => String(args['FilterPattern']).includes(`"${event}"`)).map((event) => ({ Message: JSON.stringify({ event }) })) });
    }
    if (action === 'publish') told.push(args as unknown as { Subject: string; Message: string });
    return undefined;
  };

  const dispatch = dispatchTo({
    world,
    calls,
    trail,
    handlers: handlersOf({ world, records, now: () => new Date(clock.now()), sizeOf: () => IMAGE.length }),
    hook: (call) => {
      const answer = hook?.(call) ?? collectorHook(call);
      const lost = loses?.(call);
      return lost === undefined ? answer : (answer ?? call.real()).then(() => Promise.reject(lost));
    },
  });
  const execution = new Execution({ machine: MACHINE, input, name, stateMachineArn: MACHINE_ARN, dispatch, clock, tokens });
  const result = await clock.run(() => execution.run());
  return { ...result, calls, told, hours: (clock.now() - start) / 3_600_000, tokens };
}
