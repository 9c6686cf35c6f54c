import { paginateListObjectsV2, type S3Client } from '@aws-sdk/client-s3';
import { PublishCommand, type SNSClient } from '@aws-sdk/client-sns';
import type { EC2Client } from '@aws-sdk/client-ec2';
import type { IAMClient } from '@aws-sdk/client-iam';
import { AcquisitionRecord, CaseId, caseKey, CaseRecord, escapeHostile, FunctionLogEvent, instanceKey, type Place } from '../../vocabulary/index.ts';
import { messageOf } from './errors.ts';
import type { Records } from './records.ts';
import { findCaseResources, type Found } from './sweep/found.ts';
import { judge, recordedLeftovers, type KnownCase, type Orphan } from './sweep/judge.ts';
import { safe } from './texts.ts';

export interface SweepOrphansDependencies {
  readonly place: Place;
  readonly ec2: EC2Client;
  readonly iam: IAMClient;
  readonly s3: S3Client;
  readonly sns: SNSClient;
  readonly records: Pick<Records, 'read'>;
  /** The bucket that the records are in. */
  readonly bucket: string;
  /** Topic that findings are sent to. */
  readonly topicArn: string;
  /** Writes one line of the function's log; the alarm counts lines of the event `sweep.orphan`. */
  readonly log: (line: Readonly<Record<string, unknown>>) => void;
  readonly now?: () => Date;
}

export interface SweepOutput {
  readonly looked: number;
  readonly cases: number;
  readonly orphans: readonly Orphan[];
}

/** Lines of a notification; the log has all of them. */
const MOST_LINES = 100;

/**
 * Looks for what cases left behind: everything that is tagged with a case and that no open case uses, and what ended cases
 * say themselves. It reports to the log and to the topic, and deletes nothing.
 */
export const sweepOrphans = (dependencies: SweepOrphansDependencies) => async (): Promise<SweepOutput> => {
  const { place, now = () => new Date(), log } = dependencies;
  const found: Found[] = [];
  for await (const one of findCaseResources(dependencies, place)) found.push(one);
  const cases = new Map<string, KnownCase>();
  for (const caseId of [...(await recordedCases(dependencies)), ...found.map((one) => one.caseId)]) {
    if (!cases.has(caseId)) cases.set(caseId, await readCase(dependencies.records, caseId));
  }
  const seen = new Set(found.map(({ resource }) => resource));
  const orphans = [
    ...found.flatMap((one) => judge(one, cases.get(one.caseId) ?? { is: 'unknown' }, now()) ?? []),
    ...[...cases.values()].flatMap((known) => recordedLeftovers(known, seen)),
  ];
  for (const { resource, kind, caseId, ageHours, why } of orphans) {
    log({ event: FunctionLogEvent.sweepOrphan, level: 'warn', resource, kind, caseId: escapeHostile(caseId), ...(ageHours === undefined ? {} : { ageHours }), why: escapeHostile(why) });
  }
  log({ event: FunctionLogEvent.sweepFinished, level: 'info', looked: found.length, cases: cases.size, orphans: orphans.length });
  if (orphans.length > 0) await notify(dependencies, orphans);
  return { looked: found.length, cases: cases.size, orphans };
};

/** Ids of the cases that the bucket has anything of. */
async function recordedCases({ s3, bucket }: SweepOrphansDependencies): Promise<readonly string[]> {
  const ids: string[] = [];
  for await (const { CommonPrefixes = [] } of paginateListObjectsV2({ client: s3 }, { Bucket: bucket, Delimiter: '/' })) {
    for (const { Prefix = '' } of CommonPrefixes) if (CaseId.safeParse(Prefix.slice(0, -1)).success) ids.push(Prefix.slice(0, -1));
  }
  return ids;
}

async function readCase(records: Pick<Records, 'read'>, caseId: string): Promise<KnownCase> {
  if (!CaseId.safeParse(caseId).success) return { is: 'unknown' };
  try {
    const stored = await records.read(caseKey(caseId, 'case.json'));
    if (stored === undefined) return { is: 'unknown' };
    const record = CaseRecord.parse(JSON.parse(stored.text));
    const acquisitions: AcquisitionRecord[] = [];
    for (const instanceId of Object.keys(record.instances)) {
      const acquisition = await records.read(instanceKey(caseId, instanceId, 'acquisition.json'));
      if (acquisition !== undefined) acquisitions.push(AcquisitionRecord.parse(JSON.parse(acquisition.text)));
    }
    return { is: 'known', record, acquisitions };
  } catch (error) {
    return { is: 'unreadable', problem: safe(messageOf(error), 200) };
  }
}

async function notify({ sns, topicArn, place }: SweepOrphansDependencies, orphans: readonly Orphan[]): Promise<void> {
  const lines = orphans.slice(0, MOST_LINES).map(({ kind, resource, caseId, why }) => `${kind} ${escapeHostile(resource)} (case ${escapeHostile(caseId)}): ${escapeHostile(why)}`);
  const more = orphans.length > MOST_LINES ? [`and ${orphans.length - MOST_LINES} more: see the function's log`] : [];
  await sns.send(
    new PublishCommand({
      TopicArn: topicArn,
      Subject: `Cleanroom: ${orphans.length} left behind in ${place.region}`,
      Message: [`Nothing was deleted. Look at each, and delete by hand what is not evidence.`, '', ...lines, ...more].join('\n'),
    }),
  );
}
