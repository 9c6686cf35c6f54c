import type { AcquisitionInput } from '../../../vocabulary/index.ts';
import type { DescribedInstance, DescribedVolume, PreflightProblem } from '../contract.ts';

/** A volume of the suspect that is to be imaged. */
export type SourceVolume = { readonly volumeId: string; readonly deviceName: string; readonly sizeGiB: number; readonly encrypted: boolean; readonly keyArn?: string };

export type SourceCheck = { readonly volumes: readonly SourceVolume[]; readonly problems: readonly PreflightProblem[] };

/** Data volumes that CreateSnapshots leaves out, at most. */
const MOST_LEFT_OUT = 40;

const GONE = new Set(['shutting-down', 'terminated']);

/** Whether the instance and the volumes that were asked for are there, and are what the case says. */
export function checkSource({ account, instanceId, options }: AcquisitionInput, instance: DescribedInstance, described: readonly DescribedVolume[]): SourceCheck {
  const problems: PreflightProblem[] = [];
  const state = instance.State?.Name ?? 'unknown';
  if (instance.InstanceId !== instanceId) {
    problems.push({ code: 'INSTANCE_OTHER', what: `EC2 describes ${instance.InstanceId}, the case is about ${instanceId}`, fix: 'open the case for the instance that is meant' });
  }
  if (instance.OwnerId !== undefined && instance.OwnerId !== account) {
    problems.push({ code: 'INSTANCE_OTHER', what: `the instance is of account ${instance.OwnerId}, the case names ${account}`, fix: `open the case with --account ${instance.OwnerId}` });
  }
  if (GONE.has(state)) {
    problems.push({ code: 'INSTANCE_GONE', what: `the instance is ${state}`, fix: 'acquire from snapshots or volumes that outlived it; an instance that is terminated has none of its own' });
  }
  const attached = new Map((instance.BlockDeviceMappings ?? []).flatMap(({ DeviceName, Ebs }) => (Ebs?.VolumeId === undefined ? [] : [[Ebs.VolumeId, DeviceName ?? '']])));
  const wanted = options.volumes === 'all' ? [...attached.keys()] : options.volumes;
  if (wanted.length === 0) {
    problems.push({ code: 'NO_VOLUMES', what: 'the instance has no EBS volume', fix: 'instance-store disks cannot be snapshotted: collect them from the running instance, by hand' });
  }
  const leftOut = [...attached].filter(([volumeId, device]) => device !== instance.RootDeviceName && !wanted.includes(volumeId)).length;
  if (leftOut > MOST_LEFT_OUT) {
    problems.push({ code: 'TOO_MANY_LEFT_OUT', what: `${leftOut} data volumes of the instance are left out, and a snapshot of it leaves out ${MOST_LEFT_OUT} at most`, fix: `name at least ${leftOut - MOST_LEFT_OUT} more, or take all` });
  }
  const volumes: SourceVolume[] = [];
  for (const volumeId of wanted) {
    const volume = described.find((one) => one.VolumeId === volumeId);
    if (!volume || !attached.has(volumeId)) {
      problems.push({ code: 'VOLUME_MISSING', what: `${volumeId} is not attached to ${instanceId}`, fix: `name volumes that are: ${[...attached.keys()].join(', ') || 'there are none'}` });
      continue;
    }
    if (volume.State === 'error') problems.push({ code: 'VOLUME_ERROR', what: `${volumeId} is in the state error`, fix: 'ask AWS Support; a snapshot of it may fail' });
    volumes.push({
      volumeId,
      deviceName: attached.get(volumeId) ?? '',
      sizeGiB: volume.Size,
      encrypted: volume.Encrypted ?? false,
      ...(volume.KmsKeyId !== undefined && { keyArn: volume.KmsKeyId }),
    });
  }
  return { volumes, problems };
}
