import { z } from 'zod';
import { AccountId, RegionName, Sha256Hex, UtcTime } from './identifiers.ts';

/** Ids as CloudTrail and the services give them; a request id is made by the service, and most are UUIDs. */
const Id = z.string().regex(/^[A-Za-z0-9._:/+=-]{1,128}$/, 'an id of CloudTrail or of a request has 1 to 128 letters, digits and "._:/+=-"');

/** One event of CloudTrail: what ties a call in the custody log to AWS's own record of it. */
export const TrailReference = z.strictObject({
  eventId: Id,
  /** Absent where the service gave none. */
  requestId: Id.optional(),
  /** CloudTrail's, to the second. */
  eventTime: UtcTime,
});
export type TrailReference = z.infer<typeof TrailReference>;

/** What became of the search for one call of the custody log: the events that CloudTrail has of it, or why there are none. */
export const CallTrace = z.strictObject({
  /** Which event of the log is meant: its place and its hash. */
  sequence: z.int().min(0),
  hash: Sha256Hex,
  /** The call's action, `ec2:CreateSnapshots`. */
  action: z.string(),
  /** One, or several where the call was made again after its answer was lost. */
  found: z.array(TrailReference).max(20),
  /** Only where nothing was found. */
  why: z.string().max(1024).optional(),
});
export type CallTrace = z.infer<typeof CallTrace>;

/**
 * Hours after a call by which it is in CloudTrail, or is said to be missing. AWS states about 15 minutes for its delivery, and
 * no bound. Source: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/how-cloudtrail-works.html
 */
export const TRAIL_HOURS = 2;

/** Actions of the custody events that say how the search for a call ended. */
export const TRACE_ACTIONS = { found: 'request-id-found', missing: 'request-id-missing' } as const;

/** Detail of those events. */
export const TraceDetail = z.strictObject({
  of: z.int().min(0),
  ofHash: Sha256Hex,
  ofAction: z.string(),
  cloudTrail: z.array(TrailReference).min(1).optional(),
  why: z.string().optional(),
});
export type TraceDetail = z.infer<typeof TraceDetail>;

/** How CloudTrail finds a call of which nobody was told the request id. */
export const TrailWhereabouts = z.strictObject({
  eventSource: z.string(),
  eventName: z.string(),
  account: AccountId,
  region: RegionName,
  resources: z.array(z.string()),
  parameters: z.array(z.string()).optional(),
  from: UtcTime,
  to: UtcTime.optional(),
});
export type TrailWhereabouts = z.infer<typeof TrailWhereabouts>;

/** A call to AWS as a custody log has it, with what is known of its request. */
export interface RecordedCall {
  readonly sequence: number;
  readonly hash: string;
  readonly time: string;
  readonly action: string;
  readonly account: string;
  readonly resources: readonly string[];
  /** Told by AWS with its answer. */
  readonly requestId?: string;
  /** Where nobody was told it: how CloudTrail finds it, and what the search for it gave once there was one. */
  readonly whereabouts?: TrailWhereabouts;
  readonly trace?: TraceDetail;
}

const CallDetail = z.looseObject({
  account: AccountId,
  resources: z.array(z.string()),
  requestId: z.string().optional(),
  findInCloudTrail: TrailWhereabouts.optional(),
});

/** Whatever has a custody log's events. */
type Logged = { readonly sequence: number; readonly hash: string; readonly time: string; readonly action: string; readonly detail: unknown };

const isTrace = ({ action }: Pick<Logged, 'action'>): boolean => action === TRACE_ACTIONS.found || action === TRACE_ACTIONS.missing;

/** The calls in a custody log that has been checked, each with what was found of it. A trace that names another event than there is counts for none. */
export function recordedCalls(events: readonly Logged[]): readonly RecordedCall[] {
  const traces = new Map(events.filter(isTrace).map(({ detail }) => TraceDetail.parse(detail)).map((trace) => [`${trace.of} ${trace.ofHash}`, trace]));
  return events.flatMap(({ sequence, hash, time, action, detail }): RecordedCall[] => {
    const call = CallDetail.safeParse(detail);
    if (!call.success || (call.data.requestId === undefined && call.data.findInCloudTrail === undefined)) return [];
    const { account, resources, requestId, findInCloudTrail: whereabouts } = call.data;
    const trace = traces.get(`${sequence} ${hash}`);
    return [{ sequence, hash, time, action, account, resources, ...(requestId !== undefined && { requestId }), ...(whereabouts && { whereabouts }), ...(trace && { trace }) }];
  });
}
