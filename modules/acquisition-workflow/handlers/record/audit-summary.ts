import { LogEvent, type AcquisitionRecord, type CaseSnapshot } from '../../../vocabulary/index.ts';

/** One line of the audit log group: a volume and everything that was made of it, with the fields of the AWS pipeline. */
export type AuditLine = Readonly<Record<string, unknown>>;

/** The lines that close an acquisition: one for each volume, or one without any where there was none to image. */
export function auditSummary(record: AcquisitionRecord, time: string): AuditLine[] {
  const { caseId, instanceId, account, region, executionArn, requester, status } = record;
  const common = {
    time,
    event: LogEvent.caseClosed,
    level: status === 'COMPLETE' ? 'info' : status === 'FAILED' ? 'error' : 'warn',
    caseId,
    instanceId,
    account,
    region,
    executionArn,
    requester,
    caseStatus: status,
    ...(record.actual && { caseSeconds: record.actual.seconds, caseUsd: record.actual.usd }),
  };
  const volumes = Object.entries(record.volumes);
  if (volumes.length === 0) return [{ ...common, problems: record.problems }];
  return volumes.map(([sourceVolumeId, volume]) => {
    const of = (purpose: CaseSnapshot['purpose']): CaseSnapshot | undefined => volume.snapshots.findLast((snapshot) => snapshot.purpose === purpose);
    const given = {
      sourceVolumeId,
      status: volume.status,
      sizeBytes: volume.sizeBytes,
      sourceKeyArn: volume.keyArn,
      sourceSnapshotId: volume.manifest?.snapshots?.[0] ?? of('source')?.id,
      transitSnapshotId: of('transit')?.id,
      transitKeyArn: of('transit')?.keyArn,
      copiedSnapshotId: of('evidence')?.id,
      evidenceKeyArn: of('evidence')?.keyArn,
      forensicVolumeId: volume.workVolumeId,
      availabilityZone: volume.zone,
      collectorInstanceId: volume.collectorInstanceId,
      DiskImageLocation: volume.imageLocation,
      imageSha256: volume.manifest?.imageSha256,
      problems: volume.problems,
    };
    return { ...common, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) };
  });
}
