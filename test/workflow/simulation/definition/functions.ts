import { chooseVolume } from '../../../../modules/acquisition-workflow/choose-volume.ts';
import type { AcquisitionPlan, DescribedVolume } from '../../../../modules/acquisition-workflow/handlers/contract.ts';
import { DURATIONS } from '../../../../modules/acquisition-workflow/estimate-data.ts';
import { FORENSIC } from '../models.ts';
import type { Answering } from './answers.ts';

/** An instance and its volumes, as EC2 describes them. */
export interface Suspected {
  readonly instance: Readonly<Record<string, unknown>>;
  readonly volumes: readonly DescribedVolume[];
  readonly route: 'direct' | 'transit';
}

const KEY = 'arn:aws:kms:eu-west-1:100000000003:key/k';

/** A go for every instance, with the volumes that the preflight would choose. It sees its own instance, and no other case. */
function planOf({ volumes, route }: Suspected): AcquisitionPlan {
  const planned = volumes.map(({ VolumeId, Size, KmsKeyId }) => {
    const { throughput, iops, initializationRate, instanceType } = chooseVolume({ sizeGiB: Size, deadlineMinutes: 1440, volumeType: 'gp3', concurrent: volumes.length });
    return {
      volumeId: VolumeId,
      deviceName: '/dev/xvda',
      sizeGiB: Size,
      encrypted: true,
      keyArn: KmsKeyId!,
      route,
      volumeType: 'gp3' as const,
      ...(throughput === undefined ? {} : { throughput }),
      ...(iops === undefined ? {} : { iops }),
      ...(initializationRate === undefined ? {} : { initializationRate }),
      instanceType,
    };
  });
  return {
    imageId: 'ami-1',
    instanceType: 'c7g.large',
    subnetId: 'subnet-1',
    zone: 'eu-west-1a',
    securityGroupId: 'sg-1',
    transitKeyArn: KEY,
    evidenceKeyArn: KEY,
    bucket: 'evidence',
    volumes: planned,
    grants: route === 'direct' ? [{ keyArn: volumes[0]!.KmsKeyId! }] : [],
  };
}

/** What a function answers after the time that a function takes. */
export async function functionAnswer(name: string, payload: Readonly<Record<string, unknown>>, { aws, suspects, imaged }: Answering): Promise<unknown> {
  await aws.call(FORENSIC, 'lambda:Invoke', DURATIONS.functionCall.value);
  if (name === 'preflight') {
    const { instanceId } = payload['input'] as { readonly instanceId: string };
    return { verdict: 'go', problems: [], plan: planOf(suspects.get(instanceId)!), estimate: { seconds: 1, usd: 1, stages: [] } };
  }
  if (name !== 'verify-evidence') return {};
  imaged();
  return { status: 'COMPLETE', problems: [], manifest: { key: 'k', sha256: '0'.repeat(64), imageSha256: '0'.repeat(64), status: 'COMPLETE' }, imageLocation: 's3://evidence/k' };
}
