import type { CloudTrailClient } from '@aws-sdk/client-cloudtrail';
import { z } from 'zod';
import {
  AcquisitionInput, checkCaseCustody, instanceKey, memberRoleArn, recordedCalls, roleArn, TRAIL_HOURS,
  type CallTrace, type CaseChange, type Place,
} from '../../../vocabulary/index.ts';
import type { RecordInput, RecordOutput } from '../contract.ts';
import { HandlerError, messageOf, nameOf } from '../errors.ts';
import type { Records } from '../records.ts';
import { safe, sha256 } from '../texts.ts';
import { lookupsFor, type Lookup, type UntracedCall } from './lookups.ts';
import { isEventOf, referenceTo, type TrailEvent } from './match.ts';
import { trailEvents } from './trail.ts';

/** EventBridge's word of an execution that ended, however it did. */
const Ended = z.looseObject({ source: z.literal('aws.states'), detail: z.looseObject({ executionArn: z.string(), input: z.string() }) });

/** A batch of a queue; each body is such an event. */
const Batch = z.looseObject({ Records: z.array(z.looseObject({ messageId: z.string(), body: z.string() })) });

/** Messages that the queue is to deliver again. */
export type BatchOutput = { readonly batchItemFailures: readonly { readonly itemIdentifier: string }[] };

export type RequestIdsDependencies = {
  readonly place: Place;
  readonly records: Pick<Records, 'read'>;
  readonly record: (event: RecordInput) => Promise<RecordOutput>;
  /** CloudTrail of an account and Region: of the forensic account itself, or of a monitored one by its acquisition role. */
  readonly trail: (account: string, region: string, caseId: string) => Promise<CloudTrailClient>;
  readonly now: () => Date;
  /** Waits between two requests to CloudTrail. */
  readonly pause?: () => Promise<unknown>;
};

/** Traces that are written as one change. */
const AT_ONCE = 100;

/**
 * Looks up in CloudTrail the calls of acquisitions that ended, and writes their event and request ids into the custody log.
 * Delivery may take a while: as long as a call that was not found is younger than {@link TRAIL_HOURS}, the message comes
 * again; then the log is told that there is nothing, and why.
 */
export const requestIds = (dependencies: RequestIdsDependencies) => async (event: unknown): Promise<BatchOutput> => {
  const again: { itemIdentifier: string }[] = [];
  for (const { messageId, body } of Batch.parse(event).Records) {
    if (!(await traceAcquisition(dependencies, body))) again.push({ itemIdentifier: messageId });
  }
  return { batchItemFailures: again };
};

/** The acquisition that an execution was about; undefined where it was started with something else, and so made no call. */
function inputOf(body: string): AcquisitionInput | undefined {
  try {
    return AcquisitionInput.safeParse(JSON.parse(Ended.parse(JSON.parse(body)).detail.input)).data;
  } catch {
    return undefined;
  }
}

/** Gives whether every call has been found, or given up. */
async function traceAcquisition(dependencies: RequestIdsDependencies, body: string): Promise<boolean> {
  const { place, records, record, now } = dependencies;
  const input = inputOf(body);
  const stored = input && (await records.read(instanceKey(input.caseId, input.instanceId, 'custody.jsonl')));
  if (!input || !stored) return true;
  const { events, problems } = checkCaseCustody(stored.text, sha256);
  if (problems.length > 0) throw new HandlerError('Cleanroom.RecordDamaged', `the custody log of ${input.instanceId} in ${input.caseId} does not check: ${problems[0]}`);
  const wanted = recordedCalls(events).flatMap((call): UntracedCall[] => (call.whereabouts && !call.trace ? [{ ...call, whereabouts: call.whereabouts }] : []));

  let all = true;
  for (const lookup of lookupsFor(wanted, place.partition)) {
    const traces = await look(dependencies, input, lookup);
    all &&= traces.length === lookup.calls.length;
    for (let at = 0; at < traces.length; at += AT_ONCE) {
      const change: CaseChange = { kind: 'traced', at: now().toISOString(), traces: traces.slice(at, at + AT_ONCE) };
      await record({ input, change });
    }
  }
  return all;
}

/** What there is to say of a question's calls; nothing of those that CloudTrail may still deliver. */
async function look({ place, trail, now, pause }: RequestIdsDependencies, { caseId }: AcquisitionInput, lookup: Lookup): Promise<readonly CallTrace[]> {
  let found: readonly TrailEvent[] = [];
  let problem: string | undefined;
  try {
    found = await trailEvents(await trail(lookup.account, lookup.region, caseId), lookup, pause);
  } catch (error) {
    problem = safe(`CloudTrail of account ${lookup.account} in ${lookup.region} could not be asked: ${nameOf(error)}: ${messageOf(error)}`, 900);
  }
  const role = lookup.account === place.account ? roleArn(place, 'workflow') : memberRoleArn(place, lookup.account);
  const why = problem ?? `CloudTrail of account ${lookup.account} in ${lookup.region} has no event ${lookup.eventName} of ${role} with these resources at that time`;
  return lookup.calls.flatMap((call): CallTrace[] => {
    const events = found.filter((event) => isEventOf(event, call, role)).map(referenceTo);
    const { sequence, hash, action, whereabouts: { from, to = from } } = call;
    if (events.length > 0) return [{ sequence, hash, action, found: events.slice(0, 20) }];
    return now().getTime() - Date.parse(to) < TRAIL_HOURS * 3_600_000 ? [] : [{ sequence, hash, action, found: [], why }];
  });
}
