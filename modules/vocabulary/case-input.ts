import { z } from 'zod';
import { HostileText } from './hostile-text.ts';
import { AccountId, CaseId, InstanceId, RegionName, VolumeId } from './identifiers.ts';

/** What may start a case. */
export const TRIGGER_KINDS = ['guardduty', 'securityhub-import', 'securityhub-action', 'securityhub-ocsf', 'tag', 'person'] as const;
export type TriggerKind = (typeof TRIGGER_KINDS)[number];

/** Printable ASCII, so that it is inert in a log, on a terminal and in a message; free text is escaped before it becomes this. */
export const SafeText = z
  .string()
  .max(1024, 'a text has at most 1,024 characters')
  .regex(/^[\x20-\x7e]*$/, 'a text is printable ASCII; escape anything else');

/** A finding that can be given a note: how Security Hub names it. */
export const FindingReference = z.discriminatedUnion('api', [
  z.strictObject({ api: z.literal('BatchUpdateFindings'), id: SafeText.min(1), productArn: SafeText.min(1) }),
  z.strictObject({ api: z.literal('BatchUpdateFindingsV2'), metadataUid: SafeText.min(1) }),
]);
export type FindingReference = z.infer<typeof FindingReference>;

/** What started a case, in inert form; the event itself is stored as `event.json`. */
export const Trigger = z.strictObject({
  kind: z.enum(TRIGGER_KINDS),
  /**
   * The one thing that makes two triggers the same: a finding's own short id whichever service reports it, the id of the
   * event that changed a tag, or the case that a person named.
   */
  key: SafeText.min(1),
  /** Absent where there is no finding, or where its identifiers are not printable ASCII. */
  finding: FindingReference.optional(),
  /** The finding's type, such as `Backdoor:EC2/C&CActivity.B`. */
  type: SafeText.optional(),
  /** The finding's title: text that its producer, and sometimes an attacker, chose. */
  title: HostileText.optional(),
  /** 0 to 10 on GuardDuty's scale. */
  severity: z.number().min(0).max(10).optional(),
});
export type Trigger = z.infer<typeof Trigger>;

/** What is decided for a case before it starts; an estate sets the defaults, a person may change them. */
export const AcquisitionOptions = z.strictObject({
  approval: z.enum(['none', 'required']),
  /** Minutes in which an approval has to be given; nothing happens to the suspect before it is. */
  approvalMinutes: z.int().min(1).max(7 * 24 * 60),
  containment: z.enum(['none', 'isolate']),
  volumeType: z.enum(['gp3', 'standard']),
  /** Minutes from the start of a volume's imaging to its manifest; then the collector is given up. */
  deadlineMinutes: z.int().min(10).max(14 * 24 * 60),
  /** All of the instance's volumes, or those named. */
  volumes: z.union([z.literal('all'), z.array(VolumeId).min(1).max(128)]),
});
export type AcquisitionOptions = z.infer<typeof AcquisitionOptions>;

/** What a case does unless the estate or a person says otherwise. */
export const DEFAULT_OPTIONS: AcquisitionOptions = {
  approval: 'none',
  approvalMinutes: 60,
  containment: 'none',
  volumeType: 'gp3',
  deadlineMinutes: 24 * 60,
  volumes: 'all',
};

export const ACQUISITION_SCHEMA = 'cleanroom/acquisition/v1';

/** Input of the state machine: one instance of one case. */
export const AcquisitionInput = z.strictObject({
  schema: z.literal(ACQUISITION_SCHEMA),
  caseId: CaseId,
  /** Account that owns the instance. */
  account: AccountId,
  region: RegionName,
  instanceId: InstanceId,
  /** Who is accountable: a person's ARN, or the service whose finding it was. */
  requester: SafeText.min(1),
  reason: SafeText,
  trigger: Trigger,
  options: AcquisitionOptions,
});
export type AcquisitionInput = z.infer<typeof AcquisitionInput>;
