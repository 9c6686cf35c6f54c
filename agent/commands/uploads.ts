import { EXIT, diskEvidencePrefix, escapeHostile, parseExhibitKey, type ExitStatus } from '../../modules/vocabulary/index.ts';
import { asciiJson } from '../adapters/logs/log-line.ts';
import type { UnfinishedUpload } from '../adapters/stores/evidence-store.ts';
import { undefinedWhenForbidden } from '../adapters/stores/s3-errors.ts';
import type { CollectorConfig } from '../config.ts';
import { messageOf, StageError } from '../errors.ts';
import { openStore } from '../main.ts';
import { humanBytes } from '../human.ts';
import { shellQuoted, shownCommand } from '../shown-command.ts';
import type { CommandInput } from './session.ts';

/** An unfinished upload, and what can be done about it. */
type ListedUpload = UnfinishedUpload & { readonly ageSeconds: number; readonly todo: string };

/** An upload of which the store cannot say more than why. */
type UnreadableUpload = { readonly key: string; readonly unreadable: string; readonly todo: string };

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Seconds in the largest unit that fits: `3 h`. */
export function humanAge(seconds: number): string {
  if (seconds < MINUTE) return `${Math.max(0, Math.floor(seconds))} s`;
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min`;
  return seconds < 2 * DAY ? `${Math.floor(seconds / HOUR)} h` : `${Math.floor(seconds / DAY)} d`;
}

/** Nothing here ends an upload: that takes away what may be the only copy, and is a person's decision. */
function todoOf({ key, setAside }: UnfinishedUpload, location: string, config: CollectorConfig, isStored: boolean): string {
  const exhibit = parseExhibitKey(key);
  if (!exhibit) return 'It is not of this collector: leave it to whoever began it.';
  const { caseId, exhibitId } = exhibit;
  const place = shellQuoted(location);
  if (isStored) return `The image is stored without it: verify that (${shownCommand('verify', `${place} --case ${caseId}`, config)}), and then nothing needs this any more.`;
  if (setAside) return 'The image was begun anew beside it: keep it until that image is stored and verified.';
  return `To finish it, image the same disk again: ${shownCommand('collect', `<disk> --case ${caseId} --volume ${exhibitId} --to ${place}`, config)}`;
}

function unreadableUpload(key: string, error: unknown): UnreadableUpload {
  const todo = (error instanceof StageError ? error.advice : undefined) ?? 'Look at what is there, and list again.';
  return { key, unreadable: messageOf(error), todo };
}

function* textOf(upload: ListedUpload | UnreadableUpload): Generator<string> {
  yield escapeHostile(upload.key);
  if ('unreadable' in upload) {
    yield `  unknown   ${upload.unreadable}`;
    yield `  to do     ${upload.todo}`;
    return;
  }
  yield `  begun     ${upload.startedAt.toISOString()}, ${humanAge(upload.ageSeconds)} ago`;
  yield `  stored    ${humanBytes(upload.storedBytes)} in ${upload.storedParts} ${upload.storedParts === 1 ? 'part' : 'parts'}`;
  yield `  upload    ${escapeHostile(upload.uploadId)}`;
  yield `  to do     ${upload.todo}`;
}

/**
 * `collector uploads`: what was begun and is not finished, or is being stored just now. Changes nothing, ends nothing. What
 * cannot be read is listed among the others, and makes the exit status that of a failure.
 */
export async function uploadsCommand({ config: configured, signal }: CommandInput, location: string): Promise<ExitStatus> {
  const config = { ...configured, to: location };
  const store = await openStore(config, true);
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  const show = (upload: ListedUpload | UnreadableUpload): void => {
    if (config.json) print(asciiJson(upload));
    else for (const line of textOf(upload)) print(line);
  };
  let count = 0;
  let unreadable = 0;
  const onUnreadable = (key: string, error: unknown): void => {
    signal.throwIfAborted();
    unreadable++;
    show(unreadableUpload(key, error));
  };
  try {
    for await (const upload of store.unfinished(config.caseId === undefined ? '' : diskEvidencePrefix(config.caseId), signal, onUnreadable)) {
      const ageSeconds = Math.round((Date.now() - upload.startedAt.getTime()) / 1000);
      const isStored = (await store.head(upload.key, signal).catch(undefinedWhenForbidden)) !== undefined;
      count++;
      show({ ...upload, ageSeconds, todo: todoOf(upload, store.location, config, isStored) });
    }
  } finally {
    await store.close();
  }
  if (!config.json) {
    if (unreadable > 0) print(`${unreadable} that cannot be read in ${store.location}`);
    print(count === 0 ? `no unfinished upload in ${store.location}` : `${count} unfinished in ${store.location}; one may be in use by a collector that runs now, and none is ever ended by this program`);
  }
  return unreadable > 0 ? EXIT.failed : EXIT.complete;
}
