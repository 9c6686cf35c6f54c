import type { ExhibitReport, VerifyReport } from '../../agent/stages/verify-report.ts';
import { runCollector } from './collector.ts';
import type { Place } from './lab.ts';

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
 */
export async function falseWords(place: Place, sources: ReadonlyMap<string, string>): Promise<string[]> {
  return (await exhibitsOf(place)).flatMap(({ exhibitId, ok, status, sha256, problems }) => {
    if (problems.some(({ what, message }) => what === 'manifest' && message.startsWith('there is none'))) return [];
    if (!ok) return [`${exhibitId} has a manifest and does not verify: ${problems.map(({ what, message }) => `${what} ${message}`).join('; ')}`];
    if (status === 'COMPLETE' && !sources.has(sha256 ?? '')) return [`${exhibitId} is called COMPLETE and is no source: ${sha256}`];
    return [];
  });
}

/** Empty when one image with its manifest is there and verifies; what is there instead otherwise. */
export async function wholeness(place: Place): Promise<string> {
  const exhibits = await exhibitsOf(place);
  return exhibits.length === 1 && exhibits[0]!.ok ? '' : `, and the store does not verify: ${JSON.stringify(exhibits.map(({ problems }) => problems)).slice(0, 300)}`;
}
