import type { ImageStatus } from '../../modules/vocabulary/index.ts';
import type { BadSectorMap } from '../adapters/bad-sectors.ts';
import type { Dc3ddRun } from '../adapters/dc3dd.ts';
import type { StreamEnd } from '../adapters/slab-reader.ts';

/** What the verified-image contract looks at. */
export type Evidence = {
  readonly sizeBefore: number;
  /** The source after the pass; `present: false` when it was detached. */
  readonly after: { readonly present: boolean; readonly size: number; readonly readOnly: boolean; readonly diskseq?: string; readonly changed?: string };
  readonly diskseqBefore: string | undefined;
  /** Whether the source was read-only when the reading began. */
  readonly readOnlyBefore: boolean;
  /** Whether somebody other than the sender compares what is stored: the store part by part, or a reading afterwards. */
  readonly storedIsChecked: boolean;
  readonly run: Pick<Dc3ddRun, 'exitCode' | 'signal' | 'report'>;
  readonly end: Pick<StreamEnd, 'bytes' | 'surplus' | 'sha256'>;
  readonly bad: BadSectorMap;
  readonly secondHash: boolean;
  readonly partsExpected: number;
  readonly partsConfirmed: number;
};

export type Judgement = {
  readonly status: ImageStatus;
  /** Why it is FAILED or PARTIAL, in sentences. */
  readonly reasons: readonly string[];
  /** What differed from the plan without making the image worthless. */
  readonly deviations: readonly string[];
};

const becameWritable = ({ readOnlyBefore, after }: Evidence): boolean => readOnlyBefore && after.present && !after.readOnly;

/** Says what is wrong with the pass; nothing when every count agrees with every other. */
function* contradictions(evidence: Evidence): Generator<string> {
  const { run, end, after, sizeBefore } = evidence;
  const { report } = run;
  if (run.signal !== null) yield `dc3dd was ended by ${run.signal}`;
  else if (run.exitCode !== 0) yield `dc3dd ended with exit ${run.exitCode}`;
  if (report.footer !== 'completed') yield `dc3dd's log ends with "${report.footer}", not with "completed"`;
  if (!after.present) yield 'the source was gone when the reading ended';
  else if (after.size !== sizeBefore) yield `the source had ${sizeBefore} bytes before the reading and ${after.size} after it`;
  if (after.changed !== undefined) yield `the source was changed while it was read: ${after.changed}`;
  if (end.surplus > 0) yield `dc3dd gave ${end.surplus} bytes more than the source has`;
  if (end.bytes !== sizeBefore) yield `${end.bytes} of ${sizeBefore} bytes were streamed`;
  if (evidence.diskseqBefore !== after.diskseq) yield `the disk was ${evidence.diskseqBefore ?? 'none'} before and is ${after.diskseq ?? 'none'} now (diskseq)`;
  if (evidence.diskseqBefore !== undefined && becameWritable(evidence)) yield 'the disk was read-only when the reading began and is writable now';
  if (report.sectorSize === undefined) yield "dc3dd's log names no sector size";
  for (const [direction, whole, tail] of [['in', report.sectorsIn, report.tailIn], ['out', report.sectorsOut, report.tailOut]] as const) {
    if (whole === undefined) yield `dc3dd's log does not count the sectors ${direction}`;
    else if (whole * (report.sectorSize ?? 0) + tail !== sizeBefore) yield `dc3dd counted ${whole} sectors and ${tail} bytes ${direction}; the source has ${sizeBefore} bytes`;
  }
  if (evidence.diskseqBefore !== undefined && report.badSectors === undefined) yield "dc3dd's log does not count the bad sectors, as it does of every disk";
  if (evidence.partsConfirmed !== evidence.partsExpected) yield `the store confirmed ${evidence.partsConfirmed} of ${evidence.partsExpected} parts`;
  if (!evidence.storedIsChecked) yield 'what was stored was neither verified by the store nor read back';
  const sha256 = end.sha256.toString('hex');
  if (evidence.secondHash && report.sha256 !== sha256) yield `dc3dd's own SHA-256 is ${report.sha256 ?? 'missing'}, the stream's is ${sha256}`;
}

/**
 * The verified-image contract: COMPLETE only when every count and identity agrees and no sector was bad; PARTIAL when all
 * bad sectors are mapped; FAILED otherwise. Exit 0 and a matching hash prove nothing: a short stream hashes consistently.
 */
export function judge(evidence: Evidence): Judgement {
  const { bad, sizeBefore, diskseqBefore } = evidence;
  const deviations: string[] = [];
  if (bad.readableAgain > 0) deviations.push(`${bad.readableAgain} bad sectors could be read on a later try; the image has zeroes there: image the disk again`);
  if (diskseqBefore === undefined && becameWritable(evidence)) deviations.push('the file was read-only when the reading began and is writable now');
  const reasons = [...contradictions(evidence)];
  const badBytes = bad.ranges.reduce((sum, range) => sum + range.length, 0);
  if (!bad.complete) reasons.push(`dc3dd counted ${evidence.run.report.badSectors ?? 0} bad sectors, but not all could be located`);
  if (badBytes > 0 && badBytes >= sizeBefore) reasons.push('every sector of the source is bad');
  if (reasons.length > 0) return { status: 'FAILED', reasons, deviations };
  if (badBytes === 0) return { status: 'COMPLETE', reasons, deviations };
  const reason = `${badBytes} bytes in ${bad.ranges.length} ranges could not be read and are zeroes in the image`;
  return { status: 'PARTIAL', reasons: [reason], deviations };
}
