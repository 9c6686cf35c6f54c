import { z } from 'zod';
import type { TrailReference } from '../../../vocabulary/index.ts';
import { windowOf, type UntracedCall } from './lookups.ts';

/** What is read of an event of CloudTrail; parameters and answer are as the service writes them. */
const TrailEvent = z.looseObject({
  eventID: z.string(),
  requestID: z.string().optional(),
  eventTime: z.iso.datetime(),
  eventSource: z.string(),
  eventName: z.string(),
  errorCode: z.string().optional(),
  userIdentity: z.looseObject({ sessionContext: z.looseObject({ sessionIssuer: z.looseObject({ arn: z.string() }) }) }),
  requestParameters: z.unknown().optional(),
  responseElements: z.unknown().optional(),
  resources: z.unknown().optional(),
  /** KMS names grants here. */
  additionalEventData: z.unknown().optional(),
});
export type TrailEvent = z.infer<typeof TrailEvent>;

/** An event from its JSON; undefined where it is none of a role's, or is not to be read. */
export function parseTrailEvent(json: string): TrailEvent | undefined {
  try {
    return TrailEvent.safeParse(JSON.parse(json)).data;
  } catch {
    return undefined;
  }
}

/** All texts in a value, at any depth: those that stand as values, and all of them with the names of members. */
function textsIn(value: unknown, found = { values: new Set<string>(), names: new Set<string>() }): typeof found {
  if (typeof value === 'string') {
    found.values.add(value);
    found.names.add(plain(value));
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, inner] of Object.entries(value)) {
      found.names.add(plain(name));
      textsIn(inner, found);
    }
  }
  return found;
}

/** EC2 writes the names of parameters in its own way: `blockDeviceMapping` for `BlockDeviceMappings`, or as the value of `attribute`. */
const plain = (name: string): string => name.toLowerCase().replace(/s$/, '');

/**
 * Whether an event is the call that the custody log names: its name, made by the workflow's role in that time, successful,
 * with every resource that the log names in its parameters or in its answer.
 */
export function isEventOf(event: TrailEvent, call: UntracedCall, roleArn: string): boolean {
  const { eventSource, eventName, resources, parameters = [] } = call.whereabouts;
  const { from, to } = windowOf(call);
  const time = Date.parse(event.eventTime);
  if (event.eventSource !== eventSource || event.eventName !== eventName || event.errorCode !== undefined || time < from || time > to) return false;
  if (event.userIdentity.sessionContext.sessionIssuer.arn !== roleArn) return false;
  const { values } = textsIn([event.requestParameters, event.responseElements, event.resources, event.additionalEventData]);
  const { names } = textsIn(event.requestParameters);
  return resources.every((resource) => values.has(resource)) && parameters.every((name) => names.has(plain(name)));
}

/** What the custody log keeps of an event. */
export const referenceTo = ({ eventID, requestID, eventTime }: TrailEvent): TrailReference => ({
  eventId: eventID,
  ...(requestID !== undefined && { requestId: requestID }),
  eventTime: new Date(eventTime).toISOString(),
});
