import type { ApiCall, CaseChange, CaseCustodyEvent } from '../../../vocabulary/index.ts';

type Event = Pick<CaseCustodyEvent, 'time' | 'action' | 'detail'>;

/** What custody says of a change: one event for each call, and one for the fact itself where it is one that evidence hangs on. */
export const custodyEventsOf = (change: CaseChange): Event[] => [...(change.calls ?? []).map(ofCall), ...ofFact(change)];

const ofCall = ({ action, requestId, ...call }: ApiCall): Event => ({
  time: call.enteredAt,
  action,
  detail: withoutUndefined({ ...call, ...(requestId === undefined ? { findInCloudTrail: whereabouts(action, call) } : { requestId }) }),
});

const withoutUndefined = (facts: object): Event['detail'] =>
  Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as Event['detail'];

/** How CloudTrail finds a call of which nobody was told the request id. */
function whereabouts(action: string, { account, region, resources, enteredAt, endedAt }: Omit<ApiCall, 'action' | 'requestId'>) {
  const [service = '', eventName = ''] = action.split(':');
  return withoutUndefined({ eventSource: `${service}.amazonaws.com`, eventName, account, region, resources, from: enteredAt, to: endedAt });
}

/** A token is a secret while it is good, and an estimate is no evidence. */
function ofFact(change: CaseChange): Event[] {
  if (change.kind === 'touched' || change.kind === 'stage' || change.kind === 'estimate') return [];
  const { kind, at, calls: _, ...facts } = change;
  return [{ time: at, action: kind, detail: withoutUndefined({ ...facts, ...('token' in facts && { token: undefined }) }) }];
}
