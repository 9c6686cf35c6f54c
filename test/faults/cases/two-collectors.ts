import { setTimeout as sleep } from 'node:timers/promises';
import { MiB } from '../../../modules/vocabulary/index.ts';
import type { Fault, FaultRequest } from '../../helpers/s3-front.ts';
import type { Lab } from '../lab.ts';
import type { Bucket, Place } from '../place.ts';
import { wholeness } from '../promises.ts';
import type { FaultRow } from '../row.ts';
import { keysOf } from '../stored.ts';

/** When the second of two collectors begins. */
type Start = 'later' | 'same moment';

/** Starts two collectors on one exhibit, and looks that one of them has it and that the other left nothing. */
async function twoCollectors(lab: Lab, place: Place, start: Start): Promise<string> {
  const source = await lab.image();
  const one = lab.start(source, place, ['--concurrency', '1']);
  if (start === 'later') await one.until('it stored a part', ({ event }) => event === 'part.stored');
  const two = lab.start(source, place, ['--concurrency', '1', '--scratch-dir', lab.file('scratch-2')]);
  const ends = [await one.ended, await two.ended];
  const outcomes = ends.map(({ outcome, stderr }) => (outcome === 'COMPLETE' || isLost(outcome) ? outcome : `${outcome} (${stderr.trim()})`)).toSorted();
  const keys = await keysOf(place);
  const debris = keys.length === 4 ? '' : `, and leaves ${keys.join(', ')}`;
  const left = (await lab.command(['uploads', place.to, '--json'], place)).stdout.trim();
  return `${outcomes.join(' and ')}${debris}${left === '' ? '' : `, and leaves uploads: ${left}`}${await wholeness(place)}`;
}

const isLost = (outcome: string): boolean => /^FAILED (?:EXISTS|BUSY|COLLECTED)$/.test(outcome);

/** One collector has its manifest; the other lost while it stored, or while it recorded. */
const WON = ['COMPLETE and FAILED EXISTS', 'COMPLETE and FAILED COLLECTED'];
/** The other stepped back before it stored anything. */
const STEPPED_BACK = 'COMPLETE and FAILED BUSY';

/** Parts that take a while, so that something can happen between them. */
export const isSlow = ({ operation }: FaultRequest): Fault | undefined => (operation === 'UploadPart' ? { kind: 'throttle', bytesPerSecond: 16 * MiB } : undefined);

const slowly = (lab: Lab): Promise<Bucket> => lab.bucket(isSlow);

/** Waits for something that another request brings about; a collector that never comes must not hold the front. */
async function until(condition: () => boolean): Promise<void> {
  for (const deadline = performance.now() + 120_000; !condition() && performance.now() < deadline; ) await sleep(20);
}

/**
 * A bucket in which two collectors begin in the same moment: neither sees an upload before both have begun their own.
 * @param bothSee whether each sees the other's then; otherwise the first looks before the second has begun
 */
async function atOnce(lab: Lab, bothSee: boolean): Promise<Bucket> {
  const bucket = await slowly(lab);
  const answered = (operation: string): number => bucket.front.requests.filter((request) => request.operation === operation && request.status === 200).length;
  bucket.faults = async (request) => {
    const { operation, attempt } = request;
    if (operation === 'CreateMultipartUpload') await until(() => answered('ListMultipartUploads') >= (bothSee || attempt === 1 ? 2 : 3));
    if (operation === 'ListMultipartUploads' && attempt > 2 && bothSee) await until(() => answered('CreateMultipartUpload') === 2);
    if (operation === 'UploadPart' && !bothSee) await until(() => answered('ListMultipartUploads') >= 4);
    return isSlow(request);
  };
  return bucket;
}

/** A bucket in which the first collector completes its upload after the second found it, and before that one lists its parts. */
async function endsMeanwhile(lab: Lab): Promise<Bucket> {
  const bucket = await slowly(lab);
  let isLooking = false;
  const isCompleted = (): boolean => bucket.front.requests.some(({ operation, status }) => operation === 'CompleteMultipartUpload' && status === 200);
  bucket.faults = async (request) => {
    if (request.operation === 'CompleteMultipartUpload') await until(() => isLooking);
    if (request.operation === 'ListParts') {
      isLooking = true;
      await until(isCompleted);
    }
    return isSlow(request);
  };
  return bucket;
}

export const TWO_COLLECTORS: readonly FaultRow[] = [
  {
    area: 'resume', fault: 'two collectors on one exhibit, directory', expected: [STEPPED_BACK, ...WON],
    run: (lab) => twoCollectors(lab, lab.directory(), 'later'),
  },
  {
    area: 'resume', fault: 'two collectors on one exhibit, S3, the second later', expected: WON,
    run: async (lab) => twoCollectors(lab, await slowly(lab), 'later'),
  },
  {
    area: 'resume', fault: 'two collectors on one exhibit, S3, the first completes while the second looks at its parts', expected: WON,
    run: async (lab) => twoCollectors(lab, await endsMeanwhile(lab), 'later'),
  },
  {
    area: 'resume', fault: 'two collectors on one exhibit, S3, in the same moment', expected: [STEPPED_BACK, ...WON], long: true,
    run: async (lab) => twoCollectors(lab, await slowly(lab), 'same moment'),
  },
  {
    area: 'resume', fault: 'two collectors on one exhibit, S3, each sees the other begin', expected: STEPPED_BACK,
    run: async (lab) => twoCollectors(lab, await atOnce(lab, true), 'same moment'),
  },
  {
    area: 'resume', fault: 'two collectors on one exhibit, S3, the first cannot see the second begin', expected: [STEPPED_BACK, ...WON], long: true,
    run: async (lab) => twoCollectors(lab, await atOnce(lab, false), 'same moment'),
  },
];
