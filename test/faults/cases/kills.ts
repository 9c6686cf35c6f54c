import { type Lab, PART } from '../lab.ts';
import type { Place } from '../place.ts';
import { exhibitsOf, wholeness } from '../promises.ts';
import type { FaultRow } from '../row.ts';
import { LOOKS, MOMENTS, signalledAt, SPLIT, type Moment } from './moments.ts';

/** Kills the collector in the middle of one request, which the store carries out (`after`) or never sees (`before`). */
async function killedAt(lab: Lab, moment: Moment, when: 'before' | 'after'): Promise<string> {
  const { source, bucket, running } = await signalledAt(lab, moment, 'SIGKILL', { kind: when === 'before' ? 'reset' : 'lose-response' });
  const first = await running.ended;
  await lab.released(source);
  const second = await lab.collect(source, bucket, SPLIT);
  return `${first.outcome}, then ${second.outcome}${await wholeness(bucket)}`;
}

const kills = [...MOMENTS, ...LOOKS].flatMap((moment, index) =>
  (['before', 'after'] as const).map((when): FaultRow => ({
    area: 'resume',
    fault: `killed just ${when} ${moment.name}`,
    expected: moment.name === 'the manifest is stored' && when === 'after' ? 'KILLED, then FAILED COLLECTED' : 'KILLED, then COMPLETE',
    ...((index % 3 === (when === 'before' ? 0 : 2) && index < MOMENTS.length) || moment.name.startsWith('the m') ? {} : { long: true as const }),
    run: (lab) => killedAt(lab, moment, when),
  })),
);

/** Kills collectors at random instants until there were `most`, and looks after each whether anything is called what it is not. */
async function killLoop(lab: Lab, most: number, where: (lab: Lab, round: number) => Promise<Place>): Promise<string> {
  const source = await lab.source(8 * PART + 12_800);
  let killed = 0;
  for (let round = 0; killed < most; round++) {
    const place = await where(lab, round);
    for (let done = false; !done && killed < most; ) {
      const running = lab.start(source, place, SPLIT);
      const timer = setTimeout(() => running.kill('SIGKILL'), 350 + lab.random() * 1400);
      const { outcome, stderr } = await running.ended;
      clearTimeout(timer);
      await lab.released(source);
      const lie = await lab.falseNow(place);
      if (lie !== undefined) return `${lie} after ${killed} kills`;
      if (outcome === 'KILLED') killed++;
      else if (outcome === 'COMPLETE' || outcome === 'FAILED COLLECTED') done = true;
      else return `${outcome} after ${killed} kills: ${stderr}`;
    }
    const last = await lab.collect(source, place, SPLIT);
    if (last.outcome !== 'COMPLETE' && last.outcome !== 'FAILED COLLECTED') return `${last.outcome} after ${killed} kills: ${last.stderr}`;
    const exhibits = await exhibitsOf(place);
    if (!exhibits[0]?.ok || exhibits[0].sha256 !== source.sha256) return `${JSON.stringify(exhibits)} after ${killed} kills`;
  }
  return 'nothing false, and every image whole';
}

export const KILLS: readonly FaultRow[] = [
  ...kills,
  {
    area: 'resume', fault: 'killed at random instants, directory', first: true, expected: 'nothing false, and every image whole',
    run: (lab) => killLoop(lab, lab.long ? 100 : 10, (of, round) => Promise.resolve(of.directory(of.file(`evidence-${round}`)))),
  },
  {
    area: 'resume', fault: 'killed at random instants, S3', first: true, expected: 'nothing false, and every image whole',
    run: (lab) => killLoop(lab, lab.long ? 110 : 10, (of) => of.bucket()),
  },
];
