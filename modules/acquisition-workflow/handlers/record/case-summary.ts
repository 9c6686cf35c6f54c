import { CASE_SCHEMA, type AcquisitionInput, type AcquisitionRecord, type CaseInstance, type CaseRecord, type VolumeStatus } from '../../../vocabulary/index.ts';

/** An acquisition as the case record has it. */
export function instanceSummary(record: AcquisitionRecord): CaseInstance {
  const volumes: Partial<Record<VolumeStatus, number>> = {};
  for (const { status } of Object.values(record.volumes)) volumes[status] = (volumes[status] ?? 0) + 1;
  return {
    revision: record.applied.length,
    account: record.account,
    region: record.region,
    status: record.status,
    stage: record.stage,
    executionArn: record.executionArn,
    openedAt: record.openedAt,
    ...(record.endedAt !== undefined && { endedAt: record.endedAt }),
    ...(record.actual && { actual: { seconds: record.actual.seconds, usd: record.actual.usd } }),
    volumes,
    leftBehind: record.leftBehind,
    problems: [...record.problems, ...Object.entries(record.volumes).flatMap(([volumeId, { problems }]) => problems.map((problem) => `${volumeId}: ${problem}`.slice(0, 1024)))],
  };
}

/** A case that nobody has a record of yet. */
export const newCase = ({ caseId, requester, reason, trigger, options }: Omit<AcquisitionInput, 'instanceId'>, at: string): CaseRecord => ({
  schema: CASE_SCHEMA,
  caseId,
  requester,
  reason,
  trigger,
  options,
  openedAt: at,
  updatedAt: at,
  instances: {},
});

/** The case with one instance as it stands now; undefined where it knows that, or more, already. */
export function withInstance(record: CaseRecord, instanceId: string, instance: CaseInstance, at: string): CaseRecord | undefined {
  const known = record.instances[instanceId];
  if (known !== undefined && known.revision >= instance.revision) return undefined; // a later writer was faster
  return { ...record, updatedAt: at > record.updatedAt ? at : record.updatedAt, instances: { ...record.instances, [instanceId]: instance } };
}
