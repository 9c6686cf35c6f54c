import { estimateCase } from '../../../modules/acquisition-workflow/estimate.ts';
import { RATES } from '../../../modules/acquisition-workflow/estimate-data.ts';
import { SimulatedAws } from './aws.ts';
import { VirtualClock } from './clock.ts';
import { Execution } from './execution.ts';
import { cleanroom, FORENSIC, type Model, type Suspect } from './models.ts';
import { Refused, type Tally } from './quotas.ts';
import { seededRandom } from './random.ts';

export interface Scenario {
  readonly volumes: number;
  readonly accounts: number;
  /** @default 4 */
  readonly volumesPerInstance?: number;
  /** @default 8 */
  readonly sizeGiB?: number;
  /** @default 'direct' */
  readonly route?: Suspect['route'];
  /** @default what all collectors at once take */
  readonly vcpus?: number;
  /** How many times the default rates and quotas the accounts were given. @default 1 */
  readonly raised?: number;
  readonly model?: Model;
}

export interface Outcome {
  readonly scenario: Scenario;
  /** Minutes from the first trigger to the first, the median and the last verified image, and to the last closed case. */
  readonly minutes: { readonly first: number; readonly median: number; readonly last: number; readonly closed: number };
  /** Mean seconds of a volume in each stage. */
  readonly stages: Readonly<Record<string, number>>;
  readonly calls: ReadonlyMap<string, Tally>;
  readonly peaks: SimulatedAws['peaks'];
  /** The longest history of an execution. */
  readonly historyEvents: number;
  readonly transitionsPerSecond: number;
  readonly usd: number;
}

const suspectsOf = ({ volumes, accounts, volumesPerInstance = 4, sizeGiB = 8, route = 'direct' }: Scenario): readonly Suspect[] =>
  Array.from({ length: Math.ceil(volumes / volumesPerInstance) }, (_, index) => ({
    account: `member-${index % accounts}`,
    sizesGiB: Array.from({ length: Math.min(volumesPerInstance, volumes - index * volumesPerInstance) }, () => sizeGiB),
    route,
  }));

/** All instances of a scenario reported at the same second. */
export async function simulate(scenario: Scenario): Promise<Outcome> {
  const { volumes, sizeGiB = 8, route = 'direct', model = cleanroom, raised = 1 } = scenario;
  const clock = new VirtualClock();
  const aws = new SimulatedAws(clock, { vcpus: scenario.vcpus ?? 2 * volumes, raised });
  const random = seededRandom(1);
  const images: number[] = [];
  const spent = new Map<string, { seconds: number; times: number }>();
  const suspects = suspectsOf(scenario);
  const executions = suspects.map(() => new Execution(clock, random));
  const around = {
    clock,
    aws,
    volumesInAll: Math.ceil(volumes / raised), // they share a quota that is so much larger
    imaged: () => images.push(clock.now),
    spent: (stage: string, seconds: number) => {
      const entry = spent.get(stage) ?? { seconds: 0, times: 0 };
      spent.set(stage, { seconds: entry.seconds + seconds, times: entry.times + 1 });
    },
  };
  const start = async (suspect: Suspect, run: Execution): Promise<void> => {
    for (;;) {
      try {
        await aws.call(FORENSIC, 'states:StartExecution', 0.1);
        break;
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        await clock.sleep(1 + random());
      }
    }
    await model(suspect, run, around);
  };
  await clock.run(async () => {
    await Promise.all(suspects.map((suspect, index) => start(suspect, executions[index] as Execution)));
  });
  const estimate = estimateCase(suspects.flatMap(({ account, sizesGiB }, index) => sizesGiB.map((size, volume) => ({ volumeId: `vol-${index}-${volume}`, sizeGiB: size, account, route }))), { volumeType: 'gp3', deadlineMinutes: 24 * 60 });
  const sorted = images.toSorted((a, b) => a - b);
  const minutes = (seconds: number | undefined) => (seconds ?? 0) / 60;
  return {
    scenario: { ...scenario, sizeGiB, route },
    minutes: { first: minutes(sorted[0]), median: minutes(sorted[Math.floor(sorted.length / 2)]), last: minutes(sorted.at(-1)), closed: minutes(clock.now) },
    stages: Object.fromEntries([...spent].map(([stage, { seconds, times }]) => [stage, seconds / times])),
    calls: aws.rates.tallies,
    peaks: aws.peaks,
    historyEvents: Math.max(...executions.map(({ events }) => events)),
    transitionsPerSecond: executions.reduce((sum, { transitions }) => sum + transitions, 0) / Math.max(1, clock.now),
    usd: estimate.usd,
  };
}

/** Which rates the calls of an outcome came closest to: calls, and those that were refused for the rate. */
export const busiest = ({ calls }: Outcome, count: number): readonly (readonly [string, Tally])[] =>
  [...calls].filter(([action]) => action.startsWith('ec2:') || action in RATES).toSorted(([, a], [, b]) => b.throttled - a.throttled || b.calls - a.calls).slice(0, count);
