import { type ExitStatus, EXIT, escapeHostile } from '../../modules/vocabulary/index.ts';
import { StageError } from '../errors.ts';
import { humanBytes } from '../human.ts';

export type VerifyProblem = {
  /** Which record of the exhibit is wrong. */
  readonly what: 'manifest' | 'custody' | 'capture-log' | 'image';
  /** One line of printable ASCII, whatever was stored. */
  readonly message: string;
  /** Which object of the image, 0-based; only for a part. */
  readonly object?: number;
  /** 1-based, within its object. */
  readonly part?: number;
  /** Bytes of the image, `end` exclusive, in which the difference lies. */
  readonly range?: { readonly start: number; readonly end: number };
  /** This user may not read it, or the store does not answer: nothing is known of what is stored. */
  readonly unread?: true;
};

/** The mark of a problem that is none of the evidence: whoever asks may not read it, or the store does not answer. */
export const unreadBy = (error: unknown): { readonly unread?: true } => {
  const isOfReader = error instanceof StageError && (error.code === 'STORE_DENIED' || error.code === 'STORE_REFUSED' || error.code === 'STORE_SILENT' || (error.code === 'STORE_FAILED' && error.retryable));
  return isOfReader ? { unread: true } : {};
};

export type ExhibitReport = {
  readonly caseId: string;
  readonly exhibitId: string;
  /** Everything that is stored is what was recorded, and what was recorded makes sense. */
  readonly ok: boolean;
  /** What the manifest says, where there is one whose own digest is right. */
  readonly status?: 'COMPLETE' | 'PARTIAL';
  /** SHA-256 of the image as it was read now; none when not all of it could be read. */
  readonly sha256?: string;
  /** Bytes of the image that were read. */
  readonly bytes: number;
  readonly seconds: number;
  /** Capture logs of other attempts that no custody log names, as of one that was killed: nothing is known of them. Absent where there are none. */
  readonly unvouched?: readonly string[];
  /** Capture logs that the custody log of a failed attempt names and that are not there: it may have ended before it stored them. Absent where there are none. */
  readonly lacking?: readonly string[];
  /** In the order manifest, custody log, capture log, image; an image's parts in their order. */
  readonly problems: readonly VerifyProblem[];
};

/** Plain data: its JSON is the machine's report. */
export type VerifyReport = {
  readonly location: string;
  /** False also when there was nothing to verify. */
  readonly ok: boolean;
  readonly exhibits: readonly ExhibitReport[];
  /** What is wrong with the location as a whole. */
  readonly problems: readonly string[];
};

/** Longest message: a hostile record must not fill a terminal. */
const MAX_MESSAGE = 400;

/** Text that may come from a stored record, made one short line of printable ASCII. */
export function inert(text: string): string {
  const cut = text.length > MAX_MESSAGE ? `${text.slice(0, MAX_MESSAGE)}...` : text;
  return escapeHostile(cut);
}

/** What to say where the current version of an object is not the recorded one; undefined where it is, or either has none. */
export const putOver = (key: string, current: string | undefined, recorded: string | undefined): string | undefined =>
  current === undefined || recorded === undefined || current === recorded ? undefined : `the current version of ${key} is ${current}, the manifest names ${recorded}: something was put over it`;

/** Whether all that keeps it from being verified is that something could not be read. */
const isUnreadOnly = ({ problems }: ExhibitReport): boolean => problems.every(({ unread }) => unread === true);

/** Exit status of the verification: 0 only when everything was verified; that of the environment where nothing is known to be wrong, but not all could be read. */
export function exitForVerify({ ok, exhibits, problems }: VerifyReport): ExitStatus {
  if (ok) return EXIT.complete;
  return problems.length === 0 && exhibits.every(isUnreadOnly) ? EXIT.environment : EXIT.failed;
}

function placeOf({ what, part, object = 0, range }: VerifyProblem): string {
  const of = object > 0 ? ` of object ${object}` : '';
  const at = range === undefined ? '' : `, bytes ${range.start} to ${range.end} (exclusive)`;
  return `${what}${part === undefined ? '' : `, part ${part}${of}`}${at}`;
}

/** Prints a report for a person, line by line. */
export function printVerifyReport(report: VerifyReport, write: (line: string) => void): void {
  for (const exhibit of report.exhibits) {
    const { caseId, exhibitId, ok, status, sha256, bytes, seconds, problems, unvouched = [], lacking = [] } = exhibit;
    write(`${ok ? 'verified    ' : 'NOT VERIFIED'} ${caseId} ${exhibitId}: ${status ?? 'no status'}, ${humanBytes(bytes)} read in ${seconds.toFixed(1)} s`);
    if (sha256 !== undefined) write(`  SHA-256 ${sha256}`);
    for (const problem of problems) write(`  ${placeOf(problem)}: ${problem.message}`);
    if (unvouched.length > 0) write(inert(`  not verified, as no record has their digest: ${unvouched.join(', ')}`));
    if (lacking.length > 0) write(inert(`  not there, removed or never stored, as their attempt was ending: ${lacking.join(', ')}`));
  }
  for (const problem of report.problems) write(problem);
  const verified = report.exhibits.filter(({ ok }) => ok).length;
  const wrong = report.exhibits.length - verified;
  const advice = exitForVerify(report) === EXIT.environment ? '; verify again as a user who may read all of it, once the store answers' : '; do not rely on what is not';
  write(`${inert(report.location)}: ${verified} verified, ${wrong} not${report.ok ? '' : advice}`);
}
