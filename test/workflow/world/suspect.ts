import type { AwsWorld } from './aws-world.ts';

/** A running instance in the monitored account. */
export interface Suspect {
  readonly instanceId: string;
  /** Its volumes, the root's first. */
  readonly volumeIds: readonly string[];
  readonly zone: string;
}

interface Described {
  readonly Reservations: readonly { readonly Instances: readonly { InstanceId: string; Placement: { AvailabilityZone: string }; BlockDeviceMappings: readonly { Ebs: { VolumeId: string } }[] }[] }[];
}

export interface SuspectOptions {
  /** Volumes beside the root's. */
  readonly dataVolumes?: number;
  /** Key that its volumes are encrypted under. @default the one that AWS manages for EBS */
  readonly keyArn?: string;
  /** Key of the volumes beside the root's. @default the root's */
  readonly dataKeyArn?: string;
}

/** An instance with its root volume and so many more, all of them encrypted, with a hostile name. */
export async function startSuspect(world: AwsWorld, { dataVolumes = 1, keyArn, dataKeyArn = keyArn }: SuspectOptions = {}): Promise<Suspect> {
  const under = (key: string | undefined): object => ({ Encrypted: true, ...(key === undefined ? {} : { KmsKeyId: key }) });
  const call = (action: string, parameters: object): Promise<unknown> => world.call('member', 'ec2', action, parameters);
  const { Instances } = (await call('runInstances', {
    ImageId: world.imageId,
    MinCount: 1,
    MaxCount: 1,
    BlockDeviceMappings: [{ DeviceName: '/dev/sda1', Ebs: { VolumeSize: 8, ...under(keyArn) } }],
    TagSpecifications: [{ ResourceType: 'instance', Tags: [{ Key: 'Name', Value: '{% $states %} $(reboot) \u202eevil' }] }],
  })) as { Instances: { InstanceId: string; Placement: { AvailabilityZone: string } }[] };
  const { InstanceId, Placement: { AvailabilityZone: zone } } = Instances[0]!;
  for (let index = 0; index < dataVolumes; index++) {
    const { VolumeId } = (await call('createVolume', { AvailabilityZone: zone, Size: 1, ...under(dataKeyArn) })) as { VolumeId: string };
    await call('attachVolume', { VolumeId, InstanceId, Device: `/dev/sd${String.fromCodePoint(102 + index)}` });
  }
  const { Reservations } = (await call('describeInstances', { InstanceIds: [InstanceId] })) as Described;
  return { instanceId: InstanceId, volumeIds: Reservations[0]!.Instances[0]!.BlockDeviceMappings.map(({ Ebs }) => Ebs.VolumeId), zone };
}
