import type { ExhibitReport, VerifyReport } from '../../agent/stages/verify-report.ts';
import { runCollector, type Ended } from './collector.ts';
import type { Place } from './place.ts';

/** Exhibits of a place as the collector's own `verify` finds them. */
export async function exhibitsOf({ to, args, env }: Place): Promise<readonly ExhibitReport[]> {
  const endpoint = args.includes('--endpoint') ? args.slice(args.indexOf('--endpoint'), args.indexOf('--endpoint') + 2) : [];
  const { stdout, stderr } = await runCollector({ args: ['verify', to, '--json', ...endpoint], env });
  if (stderr.includes('NOT_A_STORE') || stderr.includes('is neither a directory')) return [];
  const text = stdout.split('\n').find((line) => line.startsWith('{"location"'));
  if (text === undefined) throw new Error(`verify of ${to} said nothing: ${stderr}${stdout}`);
  return (JSON.parse(text) as VerifyReport).exhibits;
}

/**
 * What a store says that is not true: a manifest whose evidence does not verify, or an image that is called COMPLETE and
 * is not one of the sources, byte for byte. An image without a manifest says nothing.
 * @param sources their SHA-256
 */
export function falseIn(exhibits: readonly ExhibitReport[], sources: ReadonlySet<string>): string[] {
  return exhibits.flatMap(({ exhibitId, ok, status, sha256, problems }) => {
    if (problems.some(({ what, message }) => what === 'manifest' && message.startsWith('there is none'))) return [];
    if (!ok) return [`${exhibitId} has a manifest and does not verify: ${problems.map(({ what, message }) => `${what} ${message}`).join('; ')}`];
    if (status === 'COMPLETE' && !sources.has(sha256 ?? '')) return [`${exhibitId} is called COMPLETE and is no source: ${sha256}`];
    return [];
  });
}

/** The same of a place, as the collector's own `verify` finds it. */
export const falseWords = async (place: Place, sources: ReadonlySet<string>): Promise<string[]> => falseIn(await exhibitsOf(place), sources);

/** Empty when one image with its manifest is there and verifies; what is there instead otherwise. */
export async function wholeness(place: Place): Promise<string> {
  const exhibits = await exhibitsOf(place);
  return exhibits.length === 1 && exhibits[0]!.ok ? '' : `, and the store does not verify: ${JSON.stringify(exhibits.map(({ problems }) => problems)).slice(0, 300)}`;
}

/** Advice that would fit anything: a failure whose cause is known must do better. */
const GENERAL = /^Look at the log of this collector/;

/** What a failure says of the parts of its own attempt, where it does. */
const SAYS_PARTS = /^(?<none>Nothing was stored|This attempt stored nothing|.*confirmed no part)|(?<some>the parts that are stored stay)/;

/** Every failure must tell, in one line, what happened, what is safe, and what to do; a watch tells it in the event of the acquisition. */
export function unhelpful({ outcome, exitCode, signal, lines, stderr }: Ended): string[] {
  if (signal !== null || exitCode === 0 || exitCode === 3) return [];
  const failure = lines.findLast(({ event }) => event === 'error');
  const ended = lines.findLast(({ event, status }) => event === 'acquisition.ended' && status === 'FAILED');
  const [told, ...more] = stderr.trimEnd().split('\n');
  const problems = more.length > 0 ? [`${outcome} takes more than one line of standard error: ${stderr}`] : [];
  const word = failure ?? ended;
  if (!word) return [...problems, `${outcome} ended with exit ${exitCode} and told no failure`];
  for (const field of ['message', 'safe', 'advice']) {
    const text = word[field];
    if (typeof text !== 'string' || text === '' || /[\n\r]/.test(text)) problems.push(`${outcome} does not say ${field} in one line`);
    else if (failure && !told?.includes(text)) problems.push(`${outcome} does not say its ${field} on standard error: ${told}`);
    else if (GENERAL.test(text)) problems.push(`${outcome} gives no advice of its own: ${told}`);
  }
  const saysParts = SAYS_PARTS.exec(String(failure?.['safe']))?.groups;
  const stored = lines.some(({ event }) => event === 'part.stored');
  if (saysParts?.['none'] && stored) problems.push(`${outcome} says that nothing was stored, after parts were: ${told}`);
  if (saysParts?.['some'] && !stored) problems.push(`${outcome} says that parts are stored, and none was: ${told}`);
  return problems;
}
