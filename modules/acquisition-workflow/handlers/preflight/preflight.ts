import type { EC2Client } from '@aws-sdk/client-ec2';
import type { KMSClient } from '@aws-sdk/client-kms';
import { z } from 'zod';
import { AcquisitionInput, type Place } from '../../../vocabulary/index.ts';
import { chooseVolume, type VolumeChoice } from '../../choose-volume.ts';
import { QUOTAS } from '../../estimate-data.ts';
import { estimateCase } from '../../estimate.ts';
import type { AcquisitionPlan, PreflightInput, PreflightOutput, PreflightProblem } from '../contract.ts';
import { messageOf, nameOf } from '../errors.ts';
import { safe } from '../texts.ts';
import { checkSourceKeys } from './keys.ts';
import { checkQuotas, countPendingSnapshots, countUsage, type Quotas } from './quotas.ts';
import { checkSource, type SourceVolume } from './source.ts';
import { checkSurroundings, type Clients, type Surroundings } from './surroundings.ts';

export type PreflightDependencies = Clients & {
  readonly place: Place;
  readonly quotas: Quotas;
  /** Clients of a monitored account, by its acquisition role; rejects where it cannot be entered. */
  readonly member: (account: string, caseId: string) => Promise<{ readonly ec2: EC2Client; readonly kms: KMSClient }>;
};

const Input = z.strictObject({
  input: AcquisitionInput,
  instance: z.looseObject({ InstanceId: z.string() }),
  volumes: z.array(z.looseObject({ VolumeId: z.string(), Size: z.number() })),
  attempt: z.int().min(1),
});

/**
 * Says, before anything is changed, whether an acquisition can be done: everything that stands in its way at once, each with
 * what to do about it. Only where a quota is in use, and nothing else is wrong, waiting helps.
 */
export const preflight = (dependencies: PreflightDependencies) => async (event: PreflightInput): Promise<PreflightOutput> => {
  const { input, attempt } = Input.parse(event);
  const source = checkSource(input, event.instance, event.volumes);
  const [surroundings, member] = await Promise.all([checkSurroundings(dependencies, dependencies.place), checkMember(dependencies, input, source.volumes)]);
  const architecture = surroundings.found?.architecture ?? 'arm64';
  const chosen = choose(source.volumes, input, architecture);
  const problems = [...source.problems, ...member.problems, ...surroundings.problems, ...chosen.problems];
  if (source.volumes.length === 0 || chosen.problems.length > 0) return stop(problems);

  const estimate = estimateCase(
    source.volumes.map((volume) => ({ volumeId: volume.volumeId, sizeGiB: volume.sizeGiB, account: input.account, route: routeOf(volume, member.grants) })),
    { volumeType: input.options.volumeType, deadlineMinutes: input.options.deadlineMinutes, architecture },
  );
  const { seconds, usd, stages } = estimate;
  if (!estimate.meetsDeadline) {
    problems.push({ code: 'DEADLINE', what: `reading the largest volume takes longer than the case's ${input.options.deadlineMinutes} minutes`, fix: 'open the case with a later --deadline; a collector is given up when it has passed' });
  }
  const quotas = await checkQuotas(dependencies.quotas, needOf(source.volumes, chosen.choices, input), await countUsage(dependencies.ec2));
  const inUse = [...quotas.inUse, ...member.inUse];
  problems.push(...quotas.tooSmall);
  if (problems.length > 0 || !surroundings.found) return stop([...problems, ...inUse]);
  const cost = { seconds, usd, stages: stages.map((stage) => ({ ...stage })) };
  if (inUse.length > 0) return { verdict: 'queue', problems: inUse.map(inert), waitSeconds: Math.min(60 * attempt, 300), estimate: cost };
  return { verdict: 'go', problems: [], plan: planOf(source.volumes, chosen.choices, member.grants, surroundings.found), estimate: cost };
};

const stop = (problems: readonly PreflightProblem[]): PreflightOutput => ({ verdict: 'stop', problems: problems.map(inert) });

const inert = ({ code, what, fix }: PreflightProblem): PreflightProblem => ({ code, what: safe(what, 500), fix: safe(fix, 500) });

type MemberCheck = { readonly problems: readonly PreflightProblem[]; readonly inUse: readonly PreflightProblem[]; readonly grants: readonly string[] };

/** A snapshot under a key that cannot be granted cannot be restored by another account. */
const routeOf = ({ encrypted, keyArn = '' }: SourceVolume, grants: readonly string[]): 'direct' | 'transit' => (encrypted && !grants.includes(keyArn) ? 'transit' : 'direct');

/** Keys and room in the suspect's account. An account that cannot be entered is one problem, and hides no other. */
async function checkMember({ member, place }: PreflightDependencies, { account, caseId }: AcquisitionInput, volumes: readonly SourceVolume[]): Promise<MemberCheck> {
  try {
    const { ec2, kms } = await member(account, caseId);
    const { problems, grants } = await checkSourceKeys({ member: kms, account, place }, volumes);
    const pending = volumes.some((volume) => routeOf(volume, grants) === 'transit') ? await countPendingSnapshots(ec2) : 0;
    // The role may not ask for that account's quotas; the published one is the least that any account has.
    const allowed = QUOTAS.copiesInFlight.value;
    const what = `${pending} snapshots of account ${account} are being made or copied, of ${allowed} copies that AWS allows at once`;
    return { problems, grants, inUse: pending < allowed ? [] : [{ code: 'QUOTA_COPIES_SOURCE', what, fix: 'wait until they are complete' }] };
  } catch (error) {
    const what = `account ${account} cannot be asked by its acquisition role (${nameOf(error)}: ${messageOf(error)})`;
    return { problems: [{ code: 'MEMBER_ROLE', what, fix: `deploy the member stack of account ${account}, with this forensic account among its places` }], inUse: [], grants: [] };
  }
}

type Chosen = { readonly choices: ReadonlyMap<string, VolumeChoice>; readonly problems: readonly PreflightProblem[] };

function choose(volumes: readonly SourceVolume[], { options }: AcquisitionInput, architecture: 'arm64' | 'x86_64'): Chosen {
  const choices = new Map<string, VolumeChoice>();
  const problems: PreflightProblem[] = [];
  for (const { volumeId, sizeGiB } of volumes) {
    try {
      choices.set(volumeId, chooseVolume({ sizeGiB, deadlineMinutes: options.deadlineMinutes, volumeType: options.volumeType, concurrent: volumes.length, architecture }));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      problems.push({ code: 'VOLUME_TYPE', what: `${volumeId}: ${error.message}`, fix: 'open the case with --volume-type gp3' });
    }
  }
  return { choices, problems };
}

function needOf(volumes: readonly SourceVolume[], choices: ReadonlyMap<string, VolumeChoice>, { options }: AcquisitionInput) {
  const tebibytes = volumes.reduce((sum, { sizeGiB }) => sum + sizeGiB, 0) / 1024;
  return {
    copies: volumes.length,
    gp3: options.volumeType === 'gp3' ? tebibytes : 0,
    standard: options.volumeType === 'standard' ? tebibytes : 0,
    vcpus: [...choices.values()].reduce((sum, { vcpus }) => sum + vcpus, 0),
  };
}

function planOf(volumes: readonly SourceVolume[], choices: ReadonlyMap<string, VolumeChoice>, grants: readonly string[], { architecture: _, ...surroundings }: Surroundings): AcquisitionPlan {
  const planned = volumes.map((volume) => {
    const { volumeId, deviceName, sizeGiB, encrypted, keyArn } = volume;
    const { volumeType, throughput, iops, initializationRate, instanceType } = choices.get(volumeId)!;
    return {
      volumeId,
      deviceName: safe(deviceName, 500),
      sizeGiB,
      encrypted,
      route: routeOf(volume, grants),
      ...(keyArn !== undefined && { keyArn }),
      volumeType,
      ...(throughput !== undefined && { throughput }),
      ...(iops !== undefined && { iops }),
      ...(initializationRate !== undefined && { initializationRate }),
      instanceType,
    };
  });
  return { ...surroundings, instanceType: planned[0]!.instanceType, volumes: planned, grants: grants.map((keyArn) => ({ keyArn })) };
}
