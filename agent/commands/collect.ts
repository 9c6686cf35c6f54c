import { exitFor, LogEvent, type ExitStatus } from '../../modules/vocabulary/index.ts';
import { readAnswered } from '../adapters/patience.ts';
import { openSource, type SourceHandle } from '../adapters/source-disk.ts';
import { describePath, type DescribedPath } from '../adapters/source-path.ts';
import type { CollectorConfig } from '../config.ts';
import { StageError } from '../errors.ts';
import { humanBytes } from '../human.ts';
import { personWatches } from '../main.ts';
import { collect, type Collected } from '../pipeline.ts';
import { shellQuoted, shownCommand } from '../shown-command.ts';
import { NO_PROGRESS, ProgressBar, type ProgressView } from '../terminal.ts';
import { withSession, type CommandInput, type Session } from './session.ts';

/** How often progress is logged where no bar shows it. */
const PROGRESS_EVERY_MS = 10_000;

/** Images a disk that is open already, with its progress on the terminal or in the log. */
export async function collectOpened(session: Session, source: SourceHandle, exhibitId: string, bar: ProgressView, signal: AbortSignal): Promise<Collected> {
  const { caseId, config, events } = session;
  let logged = performance.now();
  try {
    const { accountable, snapshotChain } = config;
    const target = { caseId, exhibitId, accountable, ...(snapshotChain === undefined ? {} : { snapshotChain: snapshotChain.split(',') }) };
    const context = {
      ...session,
      onProgress: (phase: 'image' | 'reread', progress: Parameters<ProgressView['update']>[1]) => {
        bar.update(phase === 'image' ? 'imaging' : 'reading back', progress);
        if (performance.now() - logged < PROGRESS_EVERY_MS) return;
        logged = performance.now();
        events.info(LogEvent.acquisitionProgress, { caseId, exhibitId, phase, ...progress });
      },
    };
    return await collect(source, target, context, signal);
  } finally {
    bar.stop();
  }
}

/**
 * Opens a source, unless it takes longer than a disk may be silent: nothing can cancel an open that hangs in the kernel, and
 * what it opens after all is closed at once.
 * @throws StageError code SOURCE_STALLED, and what {@link openSource} throws
 */
export async function openAnswering(session: Session, source: Parameters<typeof openSource>[0], options: Parameters<typeof openSource>[1], signal: AbortSignal): Promise<SourceHandle> {
  const opening = openSource(source, options, signal);
  try {
    return await readAnswered(opening, `${source.path} could not be opened`, session.config.stallSeconds * 1000);
  } catch (error) {
    // Left open, it would hold the disk against our own next try.
    opening.then((late) => late.close()).catch(() => undefined);
    throw error;
  }
}

/** What is imaged, with the name that its exhibit gets. */
function exhibitOf({ config }: Session, { source }: DescribedPath): string {
  if (config.volumeId !== undefined) return config.volumeId;
  if (source.kind === 'block-device') return source.disk.identity;
  throw new StageError('configure', 'NO_VOLUME', 'an image file has no identity of its own', {
    retryable: false,
    advice: 'Name the exhibit with --volume <id>, for example the volume ID that the file was made from.',
  });
}

function refuseIneligible({ source }: DescribedPath): void {
  if (source.kind !== 'block-device' || source.verdict.eligible) return;
  throw new StageError('open', 'NOT_ELIGIBLE', `${source.disk.path} is left alone, because ${source.verdict.because}`, {
    retryable: false,
    advice: 'Detach or unmount what uses the disk; `collector devices` shows what does.',
  });
}

const summary = (done: Collected, location: string, config: CollectorConfig): string[] => [
  `${done.status}: ${humanBytes(done.bytes)} in ${done.seconds.toFixed(1)} s (${humanBytes(Math.round(done.bytes / done.seconds))}/s)`,
  `  SHA-256   ${done.sha256}`,
  `  manifest  ${location}/${done.manifestKey}`,
  ...done.reasons.map((reason) => `  because   ${reason}`),
  ...done.deviations.map((deviation) => `  note      ${deviation}`),
  ...(done.takenOver > 0 ? [`  resumed   ${done.takenOver} parts were already stored`] : []),
  ...(done.retries > 0 ? [`  retried   ${done.retries} parts were sent again`] : []),
  `  check it  ${shownCommand('verify', shellQuoted(location), config)}`,
];

/** `collector collect`: one disk or image file, now. */
export function collectCommand(input: CommandInput, path: string): Promise<ExitStatus> {
  const { config } = input;
  return withSession(input, async (session) => {
    const described = await describePath(path, { includeInstanceStore: config.includeInstanceStore });
    for (const notice of described.notices) session.events.warn(LogEvent.warning, { message: notice });
    refuseIneligible(described);
    const exhibitId = exhibitOf(session, described);
    const source = await openAnswering(session, described.source.kind === 'block-device' ? described.source.disk : described.source, { allowWritableSource: config.allowWritableSource }, session.signal);
    try {
      const done = await collectOpened(session, source, exhibitId, personWatches(config) ? new ProgressBar(exhibitId) : NO_PROGRESS, session.signal);
      if (!config.json) process.stdout.write(`${summary(done, session.store.location, config).join('\n')}\n`);
      return exitFor(done.status);
    } finally {
      await source.close();
    }
  });
}
