import { CASE_TAGS, LogEvent } from '../../../../modules/vocabulary/index.ts';
import { AslError } from '../../../helpers/asl/errors.ts';
import type { Dispatch, TaskRequest } from '../../../helpers/asl/interpreter.ts';
import { NAMES } from '../../definition/names.ts';
import { callOf } from '../../definition/arguments.ts';
import type { SimulatedAws } from '../aws.ts';
import { FORENSIC } from '../models.ts';
import { Refused } from '../quotas.ts';
import { functionAnswer, type Suspected } from './functions.ts';

type Arguments = Readonly<Record<string, unknown>>;

/** What a region of AWS answers, and when: its quotas and durations are those of {@link SimulatedAws}. */
export interface Answering {
  readonly aws: SimulatedAws;
  readonly suspects: ReadonlyMap<string, Suspected>;
  /** Volume of the suspect that each collector is for. */
  readonly exhibits: Map<string, string>;
  /** Told of each image that was verified. */
  readonly imaged: () => void;
}

type Answer = (args: Arguments, around: Answering, account: string) => Promise<unknown>;

const one = (value: unknown): string => String((value as readonly unknown[])[0]);
const suspectOf = ({ suspects }: Answering, instanceId: unknown): Suspected => suspects.get(String(instanceId))!;

/** Calls that wait for something, or use up something; all others take their time and change nothing that is simulated. */
const ANSWERS: Readonly<Record<string, Answer>> = {
  'ec2:createSnapshots': async (args, around, account) => {
    const { volumes } = suspectOf(around, (args['InstanceSpecification'] as { InstanceId: string }).InstanceId);
    const ids = await around.aws.createSnapshots(account, volumes.map(({ Size }) => Size));
    return { Snapshots: ids.map((SnapshotId, index) => ({ SnapshotId, VolumeId: volumes[index]!.VolumeId })) };
  },
  'ec2:describeSnapshots': async ({ SnapshotIds }, { aws }, account) => {
    if (SnapshotIds !== undefined) return { Snapshots: [{ State: (await aws.snapshotsReady(account, [one(SnapshotIds)])) ? 'completed' : 'pending' }] };
    await aws.call(account, 'ec2:DescribeSnapshots'); // for one that was asked for, and whose answer was lost: there is none
    return { Snapshots: [] };
  },
  'ec2:copySnapshot': async ({ SourceSnapshotId }, { aws }, account) => ({ SnapshotId: await aws.copySnapshot(account, String(SourceSnapshotId)) }),
  'ec2:createVolume': async ({ SnapshotId, Throughput, VolumeInitializationRate: rate }, { aws }, account) => ({
    VolumeId: await aws.createVolume(account, String(SnapshotId), { throughput: Number(Throughput), ...(rate === undefined ? {} : { initializationRate: Number(rate) }) }),
  }),
  'ec2:describeVolumes': async (args, around, account) => {
    if (args['MaxResults'] !== undefined) return { Volumes: Array.from({ length: await around.aws.countInstances(account) }, () => ({ Tags: [{ Key: CASE_TAGS.caseId, Value: 'c' }] })).slice(0, Number(args['MaxResults'])) };
    if (account !== FORENSIC) {
      await around.aws.call(account, 'ec2:DescribeVolumes');
      return { Volumes: suspectOf(around, one((args['Filters'] as { Values: unknown }[])[0]!.Values)).volumes };
    }
    return { Volumes: [{ State: (await around.aws.volumeReady(account, one(args['VolumeIds']))) ? 'available' : 'creating' }] };
  },
  'ec2:runInstances': async ({ TagSpecifications }, { aws, exhibits }, account) => {
    const [{ Tags }] = TagSpecifications as [{ Tags: { Key: string; Value: string }[] }];
    const [InstanceId = ''] = await aws.runInstances(account, 1, 2);
    exhibits.set(InstanceId, Tags.find(({ Key }) => Key === CASE_TAGS.exhibitId)!.Value);
    return { Instances: [{ InstanceId }] };
  },
  'logs:filterLogEvents': async ({ LogStreamNamePrefix, FilterPattern }, { aws }, account) => {
    const started = await aws.collectorsReady(account, [String(LogStreamNamePrefix).split('/')[1]!]);
    const event = String(FilterPattern).includes(LogEvent.collectorHeartbeat) ? LogEvent.collectorHeartbeat : LogEvent.collectorStarted;
    return { Events: started ? [{ Message: JSON.stringify({ event }) }] : [] };
  },
  'ec2:attachVolume': async ({ VolumeId, InstanceId }, { aws, exhibits }, account) => {
    await aws.attachVolume(account, String(VolumeId), exhibits.get(String(InstanceId)));
    return {};
  },
  's3:listObjectsV2': async ({ Prefix }, { aws }, account) => ({ Contents: (await aws.manifestThere(account, String(Prefix).split('/').at(-1)!.split('.')[0]!)) ? [{ Key: Prefix }] : [] }),
  'ec2:terminateInstances': async ({ InstanceIds }, { aws }, account) => {
    await aws.terminate(account, one(InstanceIds));
    return {};
  },
  'ec2:deleteVolume': async ({ VolumeId }, { aws }, account) => {
    await aws.deleteVolume(account, String(VolumeId));
    return {};
  },
  'ec2:describeInstances': async ({ InstanceIds }, around, account) => {
    if (account === FORENSIC) return { Reservations: [{ Instances: [{ State: { Name: (await around.aws.terminated(account, one(InstanceIds))) ? 'terminated' : 'shutting-down' } }] }] };
    await around.aws.call(account, 'ec2:DescribeInstances');
    return { Reservations: [{ Instances: [suspectOf(around, one(InstanceIds)).instance] }] };
  },
};

/** What the states that look need of an answer, where nothing is the matter. */
const NOTHING_THE_MATTER: Readonly<Record<string, unknown>> = {
  'ec2:describeInstanceAttribute': { DisableApiTermination: { Value: false }, DisableApiStop: { Value: false }, InstanceInitiatedShutdownBehavior: { Value: 'stop' } },
  'autoscaling:describeAutoScalingInstances': { AutoScalingInstances: [] },
  'elasticloadbalancingv2:describeTargetGroups': { TargetGroups: [] },
  'kms:createGrant': { GrantId: 'g' },
  'kms:describeKey': { KeyMetadata: { KeyState: 'Enabled' } },
  'ec2:lockSnapshot': { LockExpiresOn: '2033-01-01T00:00:00.000Z' },
};

const capital = (action: string): string => action.charAt(0).toUpperCase() + action.slice(1);

/** The calls of an execution, answered by the modelled AWS; what it refuses comes back as Step Functions names it. */
export const answering = (around: Answering): Dispatch => async ({ resource, roleArn, args }: TaskRequest) => {
  const account = roleArn === undefined ? FORENSIC : roleArn.split(':')[4]!;
  const call = callOf(resource);
  try {
    if (!call) {
      const { FunctionName, Payload } = args as { FunctionName: string; Payload: Arguments };
      return { Payload: await functionAnswer(FunctionName.split(`:function:${NAMES.prefix}-`)[1]!, Payload, around) };
    }
    const name = `${call.service === 'cloudwatchlogs' ? 'logs' : call.service}:${call.action}`;
    const answer = ANSWERS[name];
    if (answer) return await answer(args as Arguments, around, account);
    await around.aws.call(account, `${name.split(':')[0]!}:${capital(call.action)}`);
    return NOTHING_THE_MATTER[name] ?? {};
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const prefix = call?.service === 'cloudwatchlogs' ? 'CloudWatchLogs' : 'Ec2';
    throw new AslError(`${prefix}.${prefix}Exception`, `${error.code}: ${error.message}`);
  }
};
