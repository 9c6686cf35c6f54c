import { setTimeout as sleep } from 'node:timers/promises';
import { paginateLookupEvents, type CloudTrailClient } from '@aws-sdk/client-cloudtrail';
import { parseTrailEvent, type TrailEvent } from './match.ts';
import type { Lookup } from './lookups.ts';

/** Pages of 50 events that one question may take: 10,000 events, which last two minutes at CloudTrail's two requests a second. */
export const MOST_PAGES = 200;

/** CloudTrail answers two requests a second in an account and Region, whoever asks. */
const PAUSE_MS = 500;

/**
 * What CloudTrail has of one name and time, the last 90 days' management events.
 * @throws Error where there are more than {@link MOST_PAGES} pages
 */
export async function trailEvents(client: CloudTrailClient, { eventName, from, to }: Lookup, pause: () => Promise<unknown> = () => sleep(PAUSE_MS)): Promise<readonly TrailEvent[]> {
  const input = { LookupAttributes: [{ AttributeKey: 'EventName', AttributeValue: eventName }], StartTime: from, EndTime: to } as const;
  const found: TrailEvent[] = [];
  let pages = 0;
  for await (const { Events = [] } of paginateLookupEvents({ client, pageSize: 50 }, { ...input, LookupAttributes: [...input.LookupAttributes] })) {
    for (const { CloudTrailEvent = '' } of Events) {
      const event = parseTrailEvent(CloudTrailEvent);
      if (event) found.push(event);
    }
    if (++pages >= MOST_PAGES) throw new Error(`there are over ${MOST_PAGES * 50} events ${eventName} from ${from.toISOString()} to ${to.toISOString()}; look there by hand`);
    await pause();
  }
  return found;
}
