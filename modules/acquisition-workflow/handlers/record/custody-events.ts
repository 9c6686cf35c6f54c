import { TRACE_ACTIONS, type ApiCall, type CallTrace, type CaseChange, type CaseCustodyEvent, type TraceDetail, type TrailWhereabouts } from '../../../vocabulary/index.ts';

type Event = Pick<CaseCustodyEvent, 'time' | 'action' | 'detail'>;

/** What custody says of a change: one event for each call, and one for the fact itself where it is one that evidence hangs on. */
export const custodyEventsOf = (change: CaseChange): Event[] => (change.kind === 'traced' ? change.traces.map((trace) => ofTrace(change.at, trace)) : [...(change.calls ?? []).map(ofCall), ...ofFact(change)]);

const ofCall = ({ action, requestId, ...call }: ApiCall): Event => ({
  time: call.enteredAt,
  action,
  detail: withoutUndefined({ ...call, ...(requestId === undefined ? { findInCloudTrail: whereabouts(action, call) } : { requestId }) }),
});

/** Refers to the call's event by place and hash, so that the two stand and fall together. */
const ofTrace = (at: string, { sequence, hash, action, found, why }: CallTrace): Event => ({
  time: at,
  action: found.length > 0 ? TRACE_ACTIONS.found : TRACE_ACTIONS.missing,
  detail: withoutUndefined({ of: sequence, ofHash: hash, ofAction: action, ...(found.length > 0 ? { cloudTrail: found } : { why }) } satisfies { [key in keyof TraceDetail]: unknown }),
});

const withoutUndefined = (facts: object): Event['detail'] =>
  Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as Event['detail'];

function whereabouts(action: string, { account, region, resources, parameters, enteredAt, endedAt }: Omit<ApiCall, 'action' | 'requestId'>) {
  const [service = '', eventName = ''] = action.split(':');
  return withoutUndefined({ eventSource: `${service}.amazonaws.com`, eventName, account, region, resources, parameters, from: enteredAt, to: endedAt } satisfies { [key in keyof TrailWhereabouts]: unknown });
}

/** A token is a secret while it is good, and an estimate is no evidence. */
function ofFact(change: Exclude<CaseChange, { kind: 'traced' }>): Event[] {
  if (change.kind === 'touched' || change.kind === 'stage' || change.kind === 'estimate') return [];
  const { kind, at, calls: _, ...facts } = change;
  return [{ time: at, action: kind, detail: withoutUndefined({ ...facts, ...('token' in facts && { token: undefined }) }) }];
}
