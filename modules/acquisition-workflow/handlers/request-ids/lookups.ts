import { iamEventsRegion } from '../../../audit/reporting-regions.ts';
import type { RecordedCall, TrailWhereabouts } from '../../../vocabulary/index.ts';

/** A call that CloudTrail is to be asked for. */
export type UntracedCall = RecordedCall & { readonly whereabouts: TrailWhereabouts };

/** One question to CloudTrail: the events of one name in one account and Region, from and to a time, and the calls that they are wanted for. */
export interface Lookup {
  readonly account: string;
  readonly region: string;
  readonly eventName: string;
  readonly from: Date;
  readonly to: Date;
  readonly calls: readonly UntracedCall[];
}

/** CloudTrail's times have no fractions, and two services' clocks are not one. */
export const SLACK_MS = 5_000;
/** A call whose end nobody noted has ended by then. */
const OPEN_END_MS = 600_000;
/** Calls this far apart are two questions: between them an account may have thousands of events of the name. */
const GAP_MS = 600_000;

/** When a call was on its way, generously. */
export const windowOf = ({ whereabouts: { from, to } }: UntracedCall): { readonly from: number; readonly to: number } => ({
  from: Math.floor((Date.parse(from) - SLACK_MS) / 1000) * 1000,
  to: (to === undefined ? Date.parse(from) + OPEN_END_MS : Date.parse(to)) + SLACK_MS,
});

const regionOf = (partition: string, { eventSource, region }: TrailWhereabouts): string => (eventSource === 'iam.amazonaws.com' ? iamEventsRegion(partition) : region);

/** The fewest questions that cover all calls, in order of time within an account, Region and name. */
export function lookupsFor(calls: readonly UntracedCall[], partition: string): readonly Lookup[] {
  const grouped = Map.groupBy(calls, ({ whereabouts }) => JSON.stringify([whereabouts.account, regionOf(partition, whereabouts), whereabouts.eventName]));
  return [...grouped].flatMap(([key, group]) => {
    const [account = '', region = '', eventName = ''] = JSON.parse(key) as string[];
    const clusters: { from: number; to: number; calls: UntracedCall[] }[] = [];
    for (const call of group.toSorted((a, b) => windowOf(a).from - windowOf(b).from)) {
      const window = windowOf(call);
      const last = clusters.at(-1);
      if (last && window.from <= last.to + GAP_MS) {
        last.to = Math.max(last.to, window.to);
        last.calls.push(call);
      } else clusters.push({ ...window, calls: [call] });
    }
    return clusters.map(({ from, to, calls: wanted }) => ({ account, region, eventName, from: new Date(from), to: new Date(to), calls: wanted }));
  });
}
