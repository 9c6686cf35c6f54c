import type { AcquisitionInput, ApiCall, CaseChange, CostAndTime, ManifestReference } from '../../vocabulary/index.ts';

/** What each handler takes and gives: the contract between the state machine's definition and the functions. */

/** What the preflight reads of `ec2:DescribeInstances`: one instance, as the SDK integration gives it. */
export type DescribedInstance = {
  readonly InstanceId: string;
  readonly OwnerId?: string;
  readonly Placement?: { readonly AvailabilityZone?: string };
  readonly State?: { readonly Name?: string };
  readonly RootDeviceName?: string;
  readonly BlockDeviceMappings?: readonly { readonly DeviceName?: string; readonly Ebs?: { readonly VolumeId?: string } }[];
};

/** What the preflight reads of `ec2:DescribeVolumes`, one volume. */
export type DescribedVolume = {
  readonly VolumeId: string;
  /** GiB. */
  readonly Size: number;
  readonly Encrypted?: boolean;
  readonly KmsKeyId?: string;
  readonly AvailabilityZone?: string;
  readonly State?: string;
  readonly Attachments?: readonly { readonly Device?: string; readonly InstanceId?: string }[];
};

export type PreflightInput = {
  readonly input: AcquisitionInput;
  readonly instance: DescribedInstance;
  readonly volumes: readonly DescribedVolume[];
  /** From 1; counts the checks of this acquisition, so that a queue has an end. */
  readonly attempt: number;
};

/** A reason not to begin, with what to do about it. */
export type PreflightProblem = {
  /** `KEY_AWS_MANAGED`, `GRANT_MISSING`, `QUOTA_SNAPSHOT_COPIES`, … */
  readonly code: string;
  /** What was found, in a sentence. */
  readonly what: string;
  /** What to do, in a sentence. */
  readonly fix: string;
};

/** One volume, and how it will be restored in the forensic account. */
export type VolumePlan = {
  readonly volumeId: string;
  readonly deviceName: string;
  readonly sizeGiB: number;
  readonly encrypted: boolean;
  /** Key of the source volume; absent where it is not encrypted. */
  readonly keyArn?: string;
  /** `direct` where the snapshot can be shared as it is, once its key is granted where it has one; `transit` where it has to be copied first. */
  readonly route: 'direct' | 'transit';
  readonly volumeType: 'gp3' | 'standard';
  /** MiB/s, gp3 only. */
  readonly throughput?: number;
  readonly iops?: number;
  /** MiB/s at which the volume is filled from its snapshot, 100 to 300; gp3 only. */
  readonly initializationRate?: number;
  /** Type of the collector that reads it. */
  readonly instanceType: string;
};

/** Where and with what the volumes are imaged. */
export type AcquisitionPlan = {
  readonly imageId: string;
  /** Type of the collectors whose volume says nothing else. */
  readonly instanceType: string;
  readonly subnetId: string;
  readonly zone: string;
  readonly securityGroupId: string;
  /** Key of the forensic account under which a copy in the member account can be shared. */
  readonly transitKeyArn: string;
  readonly evidenceKeyArn: string;
  readonly bucket: string;
  readonly volumes: readonly VolumePlan[];
  /** Keys of the suspect's account that the acquisition role may grant to the workflow, so that their volumes need no copy. */
  readonly grants: readonly { readonly keyArn: string }[];
};

/** `queue`: nothing is wrong but a quota is in use; wait and ask again. `stop`: somebody has to fix something first. */
export type PreflightOutput =
  | { readonly verdict: 'go'; readonly problems: readonly []; readonly plan: AcquisitionPlan; readonly estimate: CostAndTime }
  | { readonly verdict: 'queue'; readonly problems: readonly PreflightProblem[]; readonly waitSeconds: number; readonly estimate: CostAndTime }
  | { readonly verdict: 'stop'; readonly problems: readonly PreflightProblem[] };

/** `record`: several changes are written as one, in their order. */
export type RecordInput = { readonly input: AcquisitionInput; readonly change: CaseChange | readonly CaseChange[] };
export type RecordOutput = { readonly etag: string };

export type VerifyEvidenceInput = {
  readonly input: AcquisitionInput;
  readonly volumeId: string;
  readonly bucket: string;
  /** What EC2 says the source volume has. */
  readonly sizeBytes: number;
};
/** FAILED: it is no evidence, and `problems` says everything that is wrong with it. */
export type VerifyEvidenceOutput = WithCalls & (
  | { readonly status: 'COMPLETE' | 'PARTIAL'; readonly problems: readonly []; readonly manifest: ManifestReference; readonly imageLocation: string }
  | { readonly status: 'FAILED'; readonly problems: readonly string[] }
);

export type AskApprovalInput = {
  readonly input: AcquisitionInput;
  readonly token: string;
  /** When the state's own timeout ends the wait. */
  readonly expiresAt: string;
  readonly estimate: CostAndTime;
};
export type AskApprovalOutput = { readonly asked: true };
export type ReleaseInput = { readonly caseId: string; readonly instanceId: string; readonly requester: string };
export type ReleaseOutput = {
  readonly undone: readonly string[];
  /** Steps that could not be undone; the record keeps them, and a second release tries them again. */
  readonly problems: readonly string[];
};

/** Calls to AWS that a function made itself, with their request ids: the state machine hands them to the custody log. */
type WithCalls = { readonly calls: readonly ApiCall[] };

/** `store-console`: Base64 as EC2 gives it, or an empty text where it gave nothing; and what EC2 says of the instance, where it is given. */
export type StoreConsoleInput = {
  readonly input: AcquisitionInput;
  readonly screenshot: string;
  readonly output: string;
  readonly metadata?: { readonly instance: object; readonly volumes: readonly object[] };
};
/** Keys of what is there now. */
export type StoreConsoleOutput = WithCalls & { readonly stored: readonly string[] };
