/**
 * The readiness contract: what a collector that runs unattended tells whoever started it, when, in which log group, and how
 * it ends. The collector builds these records with it and the workflow reads them with it.
 *
 * | when | event | log group |
 * |---|---|---|
 * | every disk that is attached from now on is seen | `collector.started` | readiness |
 * | every {@link READINESS.heartbeatSeconds} until it stops | `collector.heartbeat` | readiness |
 * | a disk is there, and will be imaged | `disk.found` | readiness |
 * | a disk is there, and will not be imaged, or not now | `disk.left-alone` | readiness |
 * | a disk has left | `disk.gone` | readiness |
 * | an image is COMPLETE or PARTIAL with its manifest stored, or FAILED | `acquisition.ended` | audit |
 * | no disk is taken any more; what runs is ended | `collector.stopping` | readiness |
 * | the last record of all | `collector.stopped` | readiness |
 *
 * In the collector image the machine powers off after `collector.stopped`, and not before every log line was delivered.
 * What never comes is the other half of the contract: no `collector.started` within {@link READINESS.startSeconds}, or no
 * record at all for {@link READINESS.lostSeconds}, means that the collector is lost. Nothing is lost with it: another one
 * takes over what was stored.
 */
import { z } from 'zod';
import { CaseId, ExhibitId, InstanceId, Sha256Hex, UtcTime } from './identifiers.ts';
import { LogEvent } from './log-events.ts';
import { EXIT, IMAGE_STATUSES, type ExitStatus } from './status.ts';

/** Version of the contract, in every `collector.started`. A version is never changed, only followed by another. */
export const READINESS_CONTRACT = 'cleanroom/readiness/v1';

/** Times that both sides go by, in seconds. */
export const READINESS = {
  /** From the instance's launch to `collector.started`: a boot, a network and a first contact with the store. */
  startSeconds: 600,
  /** Between two heartbeats in the collector image. */
  heartbeatSeconds: 60,
  /** Without any record: five heartbeats, so that a log service that is slow for minutes loses nobody. */
  lostSeconds: 300,
} as const;

const SAFE_HOST = /[^A-Za-z0-9._-]/g;

/** What the names of all streams of one host in one case begin with. @param host the instance ID where there is one */
export const collectorStreamPrefix = (caseId: string, host: string): string => `${CaseId.parse(caseId)}/${host.replaceAll(SAFE_HOST, '_')}/`;

/** Log stream of one start of a collector, the same in all three groups. @param startId a ULID, so that streams sort by time */
export const collectorStream = (caseId: string, host: string, startId: string): string => `${collectorStreamPrefix(caseId, host)}${startId}`;

/** Why a collector stopped: its work was done, its deadline passed, or somebody told it to. */
export const STOP_REASONS = ['done', 'deadline', 'told'] as const;
export type StopReason = (typeof STOP_REASONS)[number];

const base = { time: UtcTime, level: z.enum(['info', 'warn', 'error']), caseId: CaseId };
const EXITS = Object.values(EXIT) as [ExitStatus, ...ExitStatus[]];

/** Fields of a disk; `identity` is its exhibit's id. */
const disk = { identity: ExhibitId, name: z.string(), diskseq: z.string().optional(), size: z.int().nonnegative().optional() };

/** A line of the contract. Fields that are not named here may come with it and mean nothing to the contract. */
export const ReadinessRecord = z.discriminatedUnion('event', [
  z.looseObject({
    ...base,
    event: z.literal(LogEvent.collectorStarted),
    contract: z.literal(READINESS_CONTRACT),
    collectorVersion: z.string(),
    instanceId: InstanceId.optional(),
    store: z.string(),
    /** Whether it ends after one disk. */
    once: z.boolean(),
  }),
  z.looseObject({ ...base, event: z.literal(LogEvent.collectorHeartbeat), uptimeSeconds: z.int().nonnegative(), imaging: z.int().nonnegative() }),
  z.looseObject({ ...base, event: z.literal(LogEvent.diskFound), ...disk }),
  z.looseObject({
    ...base,
    event: z.literal(LogEvent.diskLeftAlone),
    ...disk,
    /** Why the disk is not imaged; what failed has a `code` in its place. */
    reason: z.string().optional(),
    code: z.string().optional(),
    because: z.string(),
    /** Present when it is tried again by itself after that many seconds. */
    tryAgainSeconds: z.int().positive().optional(),
  }),
  z.looseObject({ ...base, event: z.literal(LogEvent.diskGone), ...disk }),
  z.looseObject({
    ...base,
    event: z.literal(LogEvent.acquisitionEnded),
    exhibitId: ExhibitId,
    status: z.enum(IMAGE_STATUSES),
    /** Absent when FAILED: no manifest, no evidence. */
    manifestKey: z.string().optional(),
    manifestSha256: Sha256Hex.optional(),
    sha256: Sha256Hex.optional(),
    /** When FAILED: whether trying again can help without a person. */
    retryable: z.boolean().optional(),
  }),
  z.looseObject({ ...base, event: z.literal(LogEvent.collectorStopping), imaging: z.int().nonnegative(), reason: z.enum(STOP_REASONS) }),
  z.looseObject({ ...base, event: z.literal(LogEvent.collectorStopped), exit: z.literal(EXITS), reason: z.enum(STOP_REASONS) }),
]);
export type ReadinessRecord = z.infer<typeof ReadinessRecord>;
export type ReadinessEvent = ReadinessRecord['event'];

/** A log line as a record of the contract; undefined when it is none, whoever wrote it. */
export function parseReadiness(line: string): ReadinessRecord | undefined {
  try {
    return ReadinessRecord.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

/** Filter pattern of CloudWatch Logs for one event of the contract. */
export const readinessFilter = (event: ReadinessEvent, caseId: string): string => `{ $.event = "${event}" && $.caseId = "${CaseId.parse(caseId)}" }`;
