import { AWS_PIPELINE_SECONDS, DATA_AS_OF } from '../../../modules/acquisition-workflow/estimate-data.ts';
import { awsPipeline } from './models.ts';
import { busiest, simulate, type Outcome, type Scenario } from './simulate.ts';

/** What `npm run bench -- workflow` shows: one row each. */
export const SCENARIOS: readonly Scenario[] = [
  { volumes: 1, accounts: 1 },
  { volumes: 4, accounts: 1 },
  { volumes: 100, accounts: 10 },
  { volumes: 1_000, accounts: 1 },
  { volumes: 1_000, accounts: 50 },
  { volumes: 100, accounts: 10, raised: 3 },
  { volumes: 1_000, accounts: 50, raised: 10 },
  { volumes: 1, accounts: 1, route: 'transit' },
  { volumes: 1_000, accounts: 50, route: 'transit' },
  { volumes: 1, accounts: 1, model: awsPipeline },
  { volumes: 1_000, accounts: 50, model: awsPipeline },
];

const isAws = ({ model }: Scenario): boolean => model === awsPipeline;
const nameOf = (scenario: Scenario): string =>
  isAws(scenario) ? 'AWS pipeline' : `${scenario.route === 'transit' ? 'with transit copy' : 'Cleanroom'}${(scenario.raised ?? 1) > 1 ? `, quotas × ${scenario.raised}` : ''}`;
const one = (value: number): string => value.toFixed(1);
const grouped = (value: number): string => value.toLocaleString('en-US');

/** The calls that were refused most for their rate or quota, and how often. */
function limitOf(outcome: Outcome): string {
  const refused = busiest(outcome, outcome.calls.size)
    .map(([action, { throttled, refused: over }]) => ({ action, times: throttled + over }))
    .filter(({ times }) => times > 0)
    .toSorted((a, b) => b.times - a.times)
    .slice(0, 2);
  return refused.length === 0 ? 'nothing was refused' : refused.map(({ action, times }) => `${action} ${grouped(times)}×`).join(', ');
}

const row = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;

/** Runs every scenario and prints two tables: minutes and what they hang on, and where one volume's seconds go. */
export async function workflowReport(): Promise<string> {
  const outcomes: Outcome[] = [];
  for (const scenario of SCENARIOS) outcomes.push(await simulate(scenario));
  const stages = ['open', 'preserve', 'snapshot', 'transit-copy', 'restore', 'image', 'verify', 'evidence-copy'];
  const minutes = outcomes.map((outcome) => {
    const { scenario, minutes: { first, median, last, closed }, historyEvents, usd } = outcome;
    return row([scenario.volumes, scenario.accounts, nameOf(scenario), one(first), one(median), one(last), isAws(scenario) ? '–' : one(closed), limitOf(outcome), grouped(historyEvents), isAws(scenario) ? '–' : usd.toFixed(2)]);
  });
  const spent = outcomes.map(({ scenario, stages: seconds }) => row([scenario.volumes, scenario.accounts, nameOf(scenario), ...stages.map((stage) => (seconds[stage] === undefined ? '–' : Math.round(seconds[stage])))]));
  return [
    `Simulated on a virtual clock: 8 GiB volumes, four an instance, all reported at one second; AWS's quotas and rates as published on ${DATA_AS_OF}.`,
    `Durations of snapshots and copies are fitted to the ${AWS_PIPELINE_SECONDS.value / 60} minutes that AWS states for its own pipeline; that one ends when the volume is attached.`,
    '',
    '| volumes | accounts | | first image, min | median | last | case closed | refused most, and tried again | longest history | USD |',
    '|---|---|---|---|---|---|---|---|---|---|',
    ...minutes,
    '',
    `| volumes | accounts | mean seconds of a volume in | ${stages.join(' | ')} |`,
    `|---|---|---|${stages.map(() => '---|').join('')}`,
    ...spent,
    '',
  ].join('\n');
}
