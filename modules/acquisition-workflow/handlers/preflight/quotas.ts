import { type EC2Client, paginateDescribeInstances, paginateDescribeSnapshots, paginateDescribeVolumes } from '@aws-sdk/client-ec2';
import { ListServiceQuotasCommand, type ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import { QUOTAS } from '../../estimate-data.ts';
import type { PreflightProblem } from '../contract.ts';

/** The quotas that a case meets, in their own units. */
export const QUOTA_NAMES = {
  copies: { service: 'ebs', name: /concurrent snapshot copies/i, unit: 'snapshot copies at once', published: QUOTAS.copiesInFlight.value },
  gp3: { service: 'ebs', name: /storage for general purpose ssd \(gp3\)/i, unit: 'TiB of gp3 volumes', published: QUOTAS.gp3Storage.value },
  standard: { service: 'ebs', name: /storage for magnetic \(standard\)/i, unit: 'TiB of magnetic volumes', published: QUOTAS.magneticStorage.value },
  vcpus: { service: 'ec2', name: /running on-demand standard/i, unit: 'vCPUs of on-demand instances', published: QUOTAS.newAccountVcpus.value },
} as const;
export type QuotaName = keyof typeof QUOTA_NAMES;

/** What an account may use, by quota. */
export type Quotas = (name: QuotaName) => Promise<number>;

/** Quotas as Service Quotas has them; where it does not list one, AWS's published default. */
export const serviceQuotas = (client: ServiceQuotasClient): Quotas => {
  const listed = new Map<string, Promise<readonly { name: string; value: number }[]>>();
  return async (quota) => {
    const { service, name, published } = QUOTA_NAMES[quota];
    const all = listed.get(service) ?? listQuotas(client, service);
    listed.set(service, all);
    return (await all).find((one) => name.test(one.name))?.value ?? published;
  };
};

async function listQuotas(client: ServiceQuotasClient, ServiceCode: string): Promise<{ name: string; value: number }[]> {
  const quotas: { name: string; value: number }[] = [];
  let NextToken: string | undefined;
  do {
    const page = await client.send(new ListServiceQuotasCommand({ ServiceCode, NextToken, MaxResults: 100 }));
    quotas.push(...(page.Quotas ?? []).map(({ QuotaName = '', Value = 0 }) => ({ name: QuotaName, value: Value })));
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  return quotas;
}

const GIB_PER_TIB = 1024;

/** What is used of the quotas now, counted. */
export async function countUsage(ec2: EC2Client): Promise<Record<QuotaName, number>> {
  const used = { copies: await countPendingSnapshots(ec2), gp3: 0, standard: 0, vcpus: 0 };
  for await (const { Volumes = [] } of paginateDescribeVolumes({ client: ec2 }, {})) {
    for (const { VolumeType, Size = 0 } of Volumes) if (VolumeType === 'gp3' || VolumeType === 'standard') used[VolumeType] += Size / GIB_PER_TIB;
  }
  for await (const { Reservations = [] } of paginateDescribeInstances({ client: ec2 }, { Filters: [{ Name: 'instance-state-name', Values: ['pending', 'running'] }] })) {
    for (const { CpuOptions } of Reservations.flatMap(({ Instances = [] }) => Instances)) used.vcpus += (CpuOptions?.CoreCount ?? 1) * (CpuOptions?.ThreadsPerCore ?? 1);
  }
  return used;
}

/** Copies of snapshots that an account has in flight. */
export async function countPendingSnapshots(ec2: EC2Client): Promise<number> {
  let count = 0;
  for await (const { Snapshots = [] } of paginateDescribeSnapshots({ client: ec2 }, { OwnerIds: ['self'], Filters: [{ Name: 'status', Values: ['pending'] }] })) count += Snapshots.length;
  return count;
}

/** What a case needs of each quota. */
export type Need = Readonly<Record<QuotaName, number>>;

export type QuotaCheck = {
  /** Larger than the whole quota: waiting does not help. */
  readonly tooSmall: readonly PreflightProblem[];
  /** In use now: waiting helps. */
  readonly inUse: readonly PreflightProblem[];
};

/** Compares needs with quotas and use. Copies are made as there is room for them, so one free place is enough to begin. */
export async function checkQuotas(quotas: Quotas, need: Need, used: Readonly<Record<QuotaName, number>>): Promise<QuotaCheck> {
  const tooSmall: PreflightProblem[] = [];
  const inUse: PreflightProblem[] = [];
  for (const name of Object.keys(QUOTA_NAMES) as QuotaName[]) {
    const { unit } = QUOTA_NAMES[name];
    const wanted = name === 'copies' ? Math.min(1, need.copies) : need[name];
    if (wanted === 0) continue;
    const allowed = await quotas(name);
    const code = `QUOTA_${name.toUpperCase()}`;
    if (wanted > allowed) {
      tooSmall.push({ code, what: `the case needs ${round(wanted)} ${unit}, the account is allowed ${round(allowed)}`, fix: 'ask for a higher quota in Service Quotas, or open the case for fewer volumes at a time' });
    } else if (wanted + used[name] > allowed) {
      inUse.push({ code, what: `the case needs ${round(wanted)} ${unit}; ${round(used[name])} of ${round(allowed)} are in use`, fix: 'wait until other cases have ended, or ask for a higher quota in Service Quotas' });
    }
  }
  return { tooSmall, inUse };
}

const round = (value: number): number => Math.ceil(value * 100) / 100;
