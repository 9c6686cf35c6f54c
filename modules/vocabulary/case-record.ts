import { z } from 'zod';
import { AcquisitionOptions, SafeText, Trigger } from './case-input.ts';
import { AccountId, Arn, CaseId, InstanceId, RegionName, Sha256Hex, SnapshotId, UtcTime, VolumeId } from './identifiers.ts';
import { IMAGE_STATUSES } from './status.ts';
import { UndoCall } from './undo.ts';

/** How an instance's acquisition stands. The last four are ends. */
export const ACQUISITION_STATUSES = ['OPEN', 'AWAITING_APPROVAL', 'PRESERVING', 'ACQUIRING', 'COMPLETE', 'PARTIAL', 'FAILED', 'CANCELLED'] as const;
export type AcquisitionStatus = (typeof ACQUISITION_STATUSES)[number];
export const END_STATUSES = ['COMPLETE', 'PARTIAL', 'FAILED', 'CANCELLED'] as const satisfies readonly AcquisitionStatus[];
export const isEnded = (status: AcquisitionStatus): boolean => (END_STATUSES as readonly string[]).includes(status);

/** The steps of an acquisition in their order, for people who watch it. */
export const CASE_STAGES = ['open', 'preflight', 'queue', 'approval', 'preserve', 'snapshot', 'contain', 'image', 'close'] as const;
export type CaseStage = (typeof CASE_STAGES)[number];

/** How one volume stands. The last three are ends. */
export const VOLUME_STATUSES = ['WAITING', 'SNAPSHOT', 'COPYING', 'RESTORING', 'COLLECTING', 'VERIFYING', ...IMAGE_STATUSES] as const;
export type VolumeStatus = (typeof VOLUME_STATUSES)[number];

/** Time and money, estimated or used, in all and by stage. */
export const CostAndTime = z.strictObject({
  seconds: z.number().min(0),
  usd: z.number().min(0),
  stages: z.array(z.strictObject({ stage: SafeText, seconds: z.number().min(0), usd: z.number().min(0) })),
});
export type CostAndTime = z.infer<typeof CostAndTime>;

/** A snapshot that the case made, or copied. */
export const CaseSnapshot = z.strictObject({
  id: SnapshotId,
  /** `source`: of the suspect's volume; `transit`: under a key that can be shared; `evidence`: locked, under the evidence key. */
  purpose: z.enum(['source', 'transit', 'evidence']),
  account: AccountId,
  region: RegionName,
  keyArn: Arn.optional(),
  lockedUntil: UtcTime.optional(),
  /** Whether it is still there. */
  kept: z.boolean(),
});
export type CaseSnapshot = z.infer<typeof CaseSnapshot>;

export const ManifestReference = z.strictObject({
  key: z.string(),
  versionId: z.string().optional(),
  /** SHA-256 of the manifest's text. */
  sha256: Sha256Hex,
  /** SHA-256 of the image, as the manifest has it. */
  imageSha256: Sha256Hex,
  status: z.enum(IMAGE_STATUSES),
  /** Snapshots that the image was made of, as the manifest has them; an earlier run of the case may have made it. */
  snapshots: z.array(SnapshotId).max(100).optional(),
});
export type ManifestReference = z.infer<typeof ManifestReference>;

export const VolumeRecord = z.strictObject({
  status: z.enum(VOLUME_STATUSES),
  sizeBytes: z.int().min(0).optional(),
  /** Device name on the suspect, as EC2 gives it. */
  deviceName: SafeText.optional(),
  encrypted: z.boolean().optional(),
  keyArn: Arn.optional(),
  zone: SafeText.optional(),
  snapshots: z.array(CaseSnapshot),
  collectorInstanceId: InstanceId.optional(),
  workVolumeId: VolumeId.optional(),
  manifest: ManifestReference.optional(),
  /** Where the image is, `s3://bucket/key`. */
  imageLocation: SafeText.optional(),
  problems: z.array(SafeText),
});
export type VolumeRecord = z.infer<typeof VolumeRecord>;

/** One thing that was done to the suspect, and how to undo it. */
export const DoneStep = z.strictObject({
  at: UtcTime,
  what: SafeText.min(1),
  /** Absent where there is nothing to undo. */
  undo: UndoCall.optional(),
  undoneAt: UtcTime.optional(),
  /** Why the last try to undo it did not work. */
  undoProblem: SafeText.optional(),
});
export type DoneStep = z.infer<typeof DoneStep>;

export const Approval = z.strictObject({
  askedAt: UtcTime,
  expiresAt: UtcTime,
  /** Step Functions' task token; taken out as soon as there is a decision. */
  token: z.string().max(2048).optional(),
  decision: z.enum(['approved', 'refused', 'expired']).optional(),
  decidedAt: UtcTime.optional(),
  by: SafeText.optional(),
  reason: SafeText.optional(),
});
export type Approval = z.infer<typeof Approval>;

/** Something that stays behind and costs money, and why. */
export const LeftBehind = z.strictObject({ resource: SafeText.min(1), why: SafeText.min(1) });
export type LeftBehind = z.infer<typeof LeftBehind>;

export const INSTANCE_RECORD_SCHEMA = 'cleanroom/acquisition-record/v1';

/**
 * `<caseId>/instance/<instanceId>/acquisition.json`: everything that happened to one instance of a case. One object an
 * instance, so that the volumes of a hundred instances do not queue up to write one.
 */
export const AcquisitionRecord = z.strictObject({
  schema: z.literal(INSTANCE_RECORD_SCHEMA),
  caseId: CaseId,
  instanceId: InstanceId,
  account: AccountId,
  region: RegionName,
  requester: SafeText,
  reason: SafeText,
  trigger: Trigger,
  options: AcquisitionOptions,
  status: z.enum(ACQUISITION_STATUSES),
  stage: z.enum(CASE_STAGES),
  executionArn: Arn,
  openedAt: UtcTime,
  updatedAt: UtcTime,
  endedAt: UtcTime.optional(),
  /** When each stage was entered, in the order in which it was said. */
  stages: z.array(z.strictObject({ stage: z.enum(CASE_STAGES), at: UtcTime })).default([]),
  estimate: CostAndTime.optional(),
  actual: CostAndTime.optional(),
  approvals: z.array(Approval),
  done: z.array(DoneStep),
  volumes: z.record(VolumeId, VolumeRecord),
  leftBehind: z.array(LeftBehind),
  problems: z.array(SafeText),
  /** SHA-256 of each change that is in this record: a change that is sent twice is applied once. */
  applied: z.array(Sha256Hex),
});
export type AcquisitionRecord = z.infer<typeof AcquisitionRecord>;

export const CASE_SCHEMA = 'cleanroom/case/v1';

/** One instance in the case record: enough to see how it stands; {@link AcquisitionRecord} has the rest. */
export const CaseInstance = z.strictObject({
  /** Changes of the acquisition that are in this summary; 0 before the first. */
  revision: z.int().min(0),
  account: AccountId,
  region: RegionName,
  status: z.enum(ACQUISITION_STATUSES),
  stage: z.enum(CASE_STAGES),
  /** Absent until its execution has been started. */
  executionArn: Arn.optional(),
  openedAt: UtcTime,
  endedAt: UtcTime.optional(),
  /** Time and money from its opening to its end; of the money, what was estimated for that time. Absent until it ends. */
  actual: CostAndTime.pick({ seconds: true, usd: true }).optional(),
  /** Volumes by where they stand. */
  volumes: z.partialRecord(z.enum(VOLUME_STATUSES), z.int().min(1)),
  leftBehind: z.array(LeftBehind),
  problems: z.array(SafeText),
});
export type CaseInstance = z.infer<typeof CaseInstance>;

/** `<caseId>/case.json`: what was decided, for which instances, and how each stands. */
export const CaseRecord = z.strictObject({
  schema: z.literal(CASE_SCHEMA),
  caseId: CaseId,
  requester: SafeText,
  reason: SafeText,
  trigger: Trigger,
  options: AcquisitionOptions,
  openedAt: UtcTime,
  updatedAt: UtcTime,
  instances: z.record(InstanceId, CaseInstance),
});
export type CaseRecord = z.infer<typeof CaseRecord>;

/** Whether an acquisition that ended was begun again, and its record does not know it yet: then only the case's does. */
export const isBegunAgain = (instance: CaseInstance | undefined, { status, executionArn }: Pick<AcquisitionRecord, 'status' | 'executionArn'>): boolean =>
  instance?.executionArn !== undefined && instance.executionArn !== executionArn && !isEnded(instance.status) && isEnded(status);
