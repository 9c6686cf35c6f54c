import { DEFAULT_OPTIONS, stateMachineArn, type AcquisitionInput } from '../../../../modules/vocabulary/index.ts';
import { VirtualClock } from '../../../helpers/asl/clock.ts';
import { Execution, type ExecutionResult } from '../../../helpers/asl/interpreter.ts';
import { MACHINE, NAMES } from '../../definition/names.ts';
import { SimulatedAws } from '../aws.ts';
import { seededRandom } from '../random.ts';
import type { Scenario } from '../simulate.ts';
import { answering } from './answers.ts';
import type { Suspected } from './functions.ts';

export interface DefinitionOutcome {
  /** Minutes from the first trigger to the first, the median and the last verified image, and to the last closed case. */
  readonly minutes: { readonly first: number; readonly median: number; readonly last: number; readonly closed: number };
  readonly results: readonly ExecutionResult[];
  readonly aws: SimulatedAws;
}

const suspectsOf = ({ volumes, accounts, volumesPerInstance = 4, sizeGiB = 8, route = 'direct' }: Scenario): ReadonlyMap<string, Suspected & { readonly account: string }> => {
  const instances = Array.from({ length: Math.ceil(volumes / volumesPerInstance) }, (_, index) => {
    const account = String(200000000001 + (index % accounts));
    const instanceId = `i-${String(index).padStart(17, '0')}`;
    const described = Array.from({ length: Math.min(volumesPerInstance, volumes - index * volumesPerInstance) }, (__, disk) => ({
      VolumeId: `vol-${String(index * volumesPerInstance + disk).padStart(17, '0')}`,
      Size: sizeGiB,
      Encrypted: true,
      KmsKeyId: `arn:aws:kms:eu-west-1:${account}:key/k`,
    }));
    const BlockDeviceMappings = described.map(({ VolumeId }, disk) => ({ DeviceName: `/dev/xvd${disk}`, Ebs: { VolumeId, DeleteOnTermination: true } }));
    const instance = { InstanceId: instanceId, RootDeviceName: '/dev/xvd0', BlockDeviceMappings, NetworkInterfaces: [], VpcId: 'vpc-1' };
    return [instanceId, { account, instance, volumes: described, route }] as const;
  });
  return new Map(instances);
};

/** The state machine itself, with all its states, retries and waits, against the modelled AWS; all instances reported at one second. */
export async function runDefinition(scenario: Scenario): Promise<DefinitionOutcome> {
  const clock = new VirtualClock(0);
  const now = (): number => clock.now() / 1000;
  const aws = new SimulatedAws({ get now() { return now(); }, sleep: (seconds) => clock.sleep(seconds) }, { vcpus: scenario.vcpus ?? 2 * scenario.volumes, raised: scenario.raised ?? 1 });
  const random = seededRandom(1);
  const images: number[] = [];
  const suspects = suspectsOf(scenario);
  const dispatch = answering({ aws, suspects, exhibits: new Map(), imaged: () => images.push(now()) });
  const acquire = ([instanceId, { account }]: readonly [string, { readonly account: string }], index: number): Promise<ExecutionResult> => {
    const input: AcquisitionInput = {
      schema: 'cleanroom/acquisition/v1', caseId: `case-${index}`, account, region: NAMES.region, instanceId, requester: 'r', reason: 'r',
      trigger: { kind: 'person', key: 'k' }, options: DEFAULT_OPTIONS,
    };
    const execution = new Execution({ machine: MACHINE, input, name: `case-${index}`, stateMachineArn: stateMachineArn(NAMES), dispatch, clock, random });
    return clock.run(() => execution.run());
  };
  const results = await Promise.all([...suspects].map(acquire));
  const sorted = images.toSorted((a, b) => a - b);
  const minutes = (seconds = NaN): number => seconds / 60;
  return { minutes: { first: minutes(sorted[0]), median: minutes(sorted[Math.floor(sorted.length / 2)]), last: minutes(sorted.at(-1)), closed: minutes(now()) }, results, aws };
}
