import { record } from '../../../modules/acquisition-workflow/handlers/record/record.ts';
import type { Records } from '../../../modules/acquisition-workflow/handlers/records.ts';
import { storeConsole } from '../../../modules/acquisition-workflow/handlers/store-console.ts';
import { verifyEvidence } from '../../../modules/acquisition-workflow/handlers/verify/verify-evidence.ts';
import type { AcquisitionPlan, PreflightInput, PreflightOutput, VerifyEvidenceInput } from '../../../modules/acquisition-workflow/handlers/contract.ts';
import { PLACE, type AwsWorld } from './aws-world.ts';
import type { Handler } from './dispatch.ts';

export interface HandlerOptions {
  readonly world: AwsWorld;
  /** Where the case's records are kept. */
  readonly records: Records;
  readonly now: () => Date;
  /** Bytes of the disk that stands for a volume: EC2's volumes are whole GiB, the tests' disks are not. */
  readonly sizeOf: (volumeId: string) => number;
  /** How each volume is brought to the forensic account. @default under the transit key */
  readonly route?: 'direct' | 'transit';
}

/** Where collectors are started in moto's forensic account. */
async function placeOfCollectors(world: AwsWorld): Promise<Pick<AcquisitionPlan, 'imageId' | 'subnetId' | 'securityGroupId' | 'zone'>> {
  const call = (action: string, parameters: object = {}): Promise<unknown> => world.call('forensic', 'ec2', action, parameters);
  const { Subnets } = (await call('describeSubnets')) as { Subnets: { SubnetId: string; AvailabilityZone: string }[] };
  const { SecurityGroups } = (await call('describeSecurityGroups')) as { SecurityGroups: { GroupId: string }[] };
  const subnet = Subnets.find(({ AvailabilityZone }) => AvailabilityZone === `${PLACE.region}a`)!;
  return { imageId: world.imageId, subnetId: subnet.SubnetId, securityGroupId: SecurityGroups[0]!.GroupId, zone: subnet.AvailabilityZone };
}

const key = (name: string): string => `arn:aws:kms:${PLACE.region}:${PLACE.account}:key/${name}`;

/** A go for every instance; what the real preflight checks has tests of its own. */
const planOf = (world: AwsWorld, route: 'direct' | 'transit') => async ({ input, volumes }: PreflightInput): Promise<PreflightOutput> => {
  const wanted = volumes.filter(({ VolumeId }) => input.options.volumes === 'all' || input.options.volumes.includes(VolumeId));
  const plan = {
    ...(await placeOfCollectors(world)),
    instanceType: 't3.large',
    transitKeyArn: key('transit'),
    evidenceKeyArn: key('evidence'),
    bucket: world.bucket,
    volumes: wanted.map((volume) => ({
      volumeId: volume.VolumeId,
      deviceName: volume.Attachments?.[0]?.Device ?? '',
      sizeGiB: volume.Size,
      encrypted: volume.Encrypted ?? false,
      volumeType: input.options.volumeType,
      route,
      instanceType: 't3.large',
    })),
  };
  return { verdict: 'go', problems: [], plan, estimate: { seconds: 300, usd: 0.1, stages: [] } };
};

/** The functions as the state machine calls them, with their clients pointed to moto. */
export function handlersOf({ world, records, now, sizeOf, route = 'transit' }: HandlerOptions): Readonly<Record<string, Handler>> {
  const verify = verifyEvidence({ s3: world.s3, now: () => new Date() });
  return {
    preflight: planOf(world, route),
    record: record({ records, audit: () => Promise.resolve(), now }),
    'store-console': storeConsole({ s3: world.s3, bucket: world.bucket }),
    'verify-evidence': (event: VerifyEvidenceInput) => verify({ ...event, sizeBytes: sizeOf(event.volumeId) }),
    'ask-approval': () => Promise.resolve({ asked: true }),
  };
}
