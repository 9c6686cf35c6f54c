import { z } from 'zod';
import { CallTrace } from './call-trace.ts';
import { SafeText } from './case-input.ts';
import {
  ACQUISITION_STATUSES, CASE_STAGES, CaseSnapshot, CostAndTime, END_STATUSES, LeftBehind, ManifestReference, VOLUME_STATUSES,
} from './case-record.ts';
import { AccountId, Arn, InstanceId, RegionName, UtcTime, VolumeId } from './identifiers.ts';
import { UndoCall } from './undo.ts';

/**
 * One call to AWS that touched evidence or the suspect: what custody records of it. Step Functions' SDK integrations give
 * no request id; then CloudTrail finds the call by event name, resource and time.
 */
export const ApiCall = z.strictObject({
  /** As IAM and CloudTrail name it, `ec2:CreateSnapshots`. */
  action: z.string().regex(/^[a-z0-9-]+:[A-Z][A-Za-z0-9]+$/, 'an action looks like ec2:CreateSnapshots'),
  account: AccountId,
  region: RegionName,
  /** Ids or ARNs of what it made or touched. */
  resources: z.array(SafeText.min(1)).max(200),
  /** Names of the request's parameters, where calls of one name and resource can be told apart by nothing else. */
  parameters: z.array(SafeText.min(1)).max(20).optional(),
  /** The state of the workflow that made the call, or the handler. */
  state: SafeText,
  enteredAt: UtcTime,
  endedAt: UtcTime.optional(),
  requestId: SafeText.optional(),
});
export type ApiCall = z.infer<typeof ApiCall>;

/** Calls, or changes, that are written at once: more than the 256 KiB that Step Functions hands to a function can hold. */
export const MOST_AT_ONCE = 2000;

const common = {
  /** When it happened: the state's entered time, so that a retried task sends the very same change. */
  at: UtcTime,
  /** Calls that the change stands for; each becomes an event of the custody log. */
  calls: z.array(ApiCall).max(MOST_AT_ONCE).optional(),
};

/** A small fact about an acquisition; the `record` handler is the only writer. */
export const CaseChange = z.discriminatedUnion('kind', [
  /** The first: makes the acquisition's record. */
  z.strictObject({ kind: z.literal('opened'), ...common, executionArn: Arn }),
  z.strictObject({ kind: z.literal('stage'), ...common, stage: z.enum(CASE_STAGES), status: z.enum(ACQUISITION_STATUSES).exclude(END_STATUSES).optional() }),
  z.strictObject({ kind: z.literal('estimate'), ...common, estimate: CostAndTime }),
  z.strictObject({ kind: z.literal('approval-asked'), ...common, token: z.string().min(1).max(2048), expiresAt: UtcTime }),
  z.strictObject({
    kind: z.literal('approval-decided'), ...common, decision: z.enum(['approved', 'refused', 'expired']), by: SafeText.optional(), reason: SafeText.optional(),
  }),
  /** Something was done to the suspect. */
  z.strictObject({ kind: z.literal('done'), ...common, what: SafeText.min(1), undo: UndoCall.optional() }),
  /** A step was undone, or could not be: `step` is its place in `done`, from 0; or all those that are not undone yet and are called `what`. */
  z
    .strictObject({ kind: z.literal('undone'), ...common, step: z.int().min(0).optional(), what: SafeText.min(1).optional(), problem: SafeText.optional() })
    .refine(({ step, what }) => (step === undefined) !== (what === undefined), { message: 'either step or what is allowed, and one of them is needed' }),
  /** Facts about one volume; what is absent stays as it is. */
  z.strictObject({
    kind: z.literal('volume'),
    ...common,
    volumeId: VolumeId,
    status: z.enum(VOLUME_STATUSES).optional(),
    sizeBytes: z.int().min(0).optional(),
    deviceName: SafeText.optional(),
    encrypted: z.boolean().optional(),
    keyArn: Arn.optional(),
    zone: SafeText.optional(),
    collectorInstanceId: InstanceId.optional(),
    workVolumeId: VolumeId.optional(),
    manifest: ManifestReference.optional(),
    imageLocation: SafeText.optional(),
    /** Added to those there are. */
    problems: z.array(SafeText).optional(),
  }),
  /** A snapshot of a volume: a new one, or what changed in one of the same id. */
  z.strictObject({ kind: z.literal('snapshot'), ...common, volumeId: VolumeId, snapshot: CaseSnapshot }),
  z.strictObject({ kind: z.literal('left-behind'), ...common, leftBehind: z.array(LeftBehind).min(1) }),
  /** Calls that changed nothing in the record, for the custody log alone. */
  z.strictObject({ kind: z.literal('touched'), at: UtcTime, calls: z.array(ApiCall).min(1).max(MOST_AT_ONCE) }),
  /** What CloudTrail has of calls that are in the custody log; for the log alone. Comes after the end. */
  z.strictObject({ kind: z.literal('traced'), at: UtcTime, traces: z.array(CallTrace).min(1).max(200) }),
  /** The last: how it ended. */
  z.strictObject({
    kind: z.literal('closed'), ...common, status: z.enum(END_STATUSES), actual: CostAndTime.optional(), problems: z.array(SafeText).optional(),
  }),
]);
export type CaseChange = z.infer<typeof CaseChange>;
export type CaseChangeKind = CaseChange['kind'];
