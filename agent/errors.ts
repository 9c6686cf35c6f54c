export type StageErrorOptions = {
  /** Whether trying again can help without a person. */
  readonly retryable: boolean;
  readonly cause?: unknown;
  /** What a responder does next, in one sentence. */
  readonly advice?: string;
  /** What is stored and what becomes of it, in one sentence. */
  readonly safe?: string;
};

/** The stages of an acquisition, in order, and the places around it that can fail. */
export type Stage = 'configure' | 'watch' | 'identify' | 'open' | 'acquire' | 'store' | 'prove' | 'record' | 'verify' | 'log';

/** A failure with its stage, a code that a machine can match, its cause, and what to do. */
export class StageError extends Error {
  override readonly name = 'StageError';
  readonly stage: Stage;
  /** Upper snake case, stable: part of the interface. */
  readonly code: string;
  readonly retryable: boolean;
  readonly advice: string | undefined;
  readonly safe: string | undefined;

  constructor(stage: Stage, code: string, message: string, options: StageErrorOptions) {
    super(message, { cause: options.cause });
    this.stage = stage;
    this.code = code;
    this.retryable = options.retryable;
    this.advice = options.advice;
    this.safe = options.safe;
  }

  /** The same failure, for whoever knows what it left behind. */
  leaving(safe: string): StageError {
    const { stage, code, message, retryable, cause, advice } = this;
    return new StageError(stage, code, message, { retryable, cause, safe, ...(advice === undefined ? {} : { advice }) });
  }
}

/** Text as one line of printable ASCII: a store's answer or a path may hold anything, and ends on terminals and in logs. */
export const oneLine = (text: string): string =>
  text.replaceAll(/\s+/g, ' ').replaceAll(/[^\x20-\x7e]/gu, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);

/** Any thrown value's message, in one line. */
export const messageOf = (error: unknown): string => oneLine(error instanceof Error ? error.message || error.name : String(error));

/** What to do after a failure that passes by itself. */
export const AGAIN = 'Start the same command again.';
const LOOK = 'Look at the log of this collector and run `collector doctor` before you start again.';

/** Many are written as they stand behind a colon. */
const sentence = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;

/** What a responder is told of a failure besides its message: what is safe and what to do, in a sentence each; in general where it does not say so itself. */
export function toldOf(error: unknown): { readonly code: string; readonly stage: Stage | undefined; readonly safe: string; readonly advice: string } {
  // Of what nobody foresaw, nobody knows when it came: that may be after an image was stored.
  if (!(error instanceof StageError)) return { code: 'UNEXPECTED', stage: undefined, safe: 'What is stored stays as it is.', advice: LOOK };
  const { code, stage, retryable, safe = 'Nothing was stored or changed.', advice = retryable ? AGAIN : LOOK } = error;
  return { code, stage, safe, advice: sentence(advice) };
}

/** Whether something is a failure with this code. */
export const hasCode = (error: unknown, code: string): error is StageError => error instanceof StageError && error.code === code;

/** For EMFILE and ENFILE, wherever they happen. */
export const DESCRIPTORS_ADVICE = 'Allow this process at least 256 open files (ulimit -n, or LimitNOFILE= of its unit), and start again: what was stored is taken over.';

/** Where only the text says so: Node's module loader and execa, whose errors have no code of their own. */
const NO_DESCRIPTOR = /\bE[MN]FILE\b|too many open files|file table overflow/;

/** Whether an error's text is this host's: a StageError quotes others, and one with `$metadata` is a service's answer, which may lack its own. */
const isOwnText = (error: Error): boolean => !(error instanceof StageError) && !('$metadata' in error);

/** An error, and what it was caused by, down to the first cause. */
function* causesOf(error: unknown): Generator<NodeJS.ErrnoException> {
  for (let cause = error; cause instanceof Error; cause = cause.cause) yield cause;
}

/** Whether something failed because this process, or this host, has no file descriptor left. */
const lacksDescriptors = (error: unknown): boolean =>
  causesOf(error).some((cause) => cause.code === 'EMFILE' || cause.code === 'ENFILE' || (isOwnText(cause) && NO_DESCRIPTOR.test(cause.message)));

/** Whether something failed because the kernel let no further program begin, for want of memory or under a limit. */
const lacksProcesses = (error: unknown): boolean =>
  causesOf(error).some(({ code, syscall = '' }) => (code === 'EAGAIN' || code === 'ENOMEM') && syscall.startsWith('spawn'));

/** What this host lacks where that is why something failed. */
function shortageOf(error: unknown): { readonly code: string; readonly retryable: boolean; readonly advice: string } | undefined {
  if (lacksDescriptors(error)) return { code: 'NO_DESCRIPTORS', retryable: false, advice: DESCRIPTORS_ADVICE };
  if (!lacksProcesses(error)) return undefined;
  return { code: 'NO_PROCESSES', retryable: true, advice: 'Allow this user more processes and memory (ulimit -u, or TasksMax= and MemoryMax= of its unit), and start again: what was stored is taken over.' };
}

/** A failure for the want of something that this host lacks as that; any other as it is. */
export function asShortage(error: unknown): unknown {
  const shortage = shortageOf(error);
  if (!shortage) return error;
  const { stage = 'acquire', safe } = error as Partial<StageError>;
  const { code, ...options } = shortage;
  return new StageError(stage, code, messageOf(error), { ...options, cause: error, ...(safe === undefined ? {} : { safe }) });
}

/** Any failure as a StageError; one without a code of its own is UNEXPECTED, unless what it lacks is known. */
export function asStageError(thrown: unknown): StageError {
  const error = asShortage(thrown);
  return error instanceof StageError ? error : new StageError('acquire', 'UNEXPECTED', messageOf(error), { retryable: false, cause: error });
}

/** Stages whose failures can be findings about the evidence; those of the others are about this host or what was asked. */
const OF_EVIDENCE: ReadonlySet<Stage> = new Set(['acquire', 'store', 'prove', 'record']);

/** Whether something gave up because of the abort that has this reason. */
const gaveUp = (error: unknown, reason: unknown): boolean => causesOf(error).some((cause) => cause === reason || cause.name === 'AbortError');

/**
 * What ended something that may have been told to stop: the reason that it was told, unless it failed of something that the
 * next start would meet again, such as a part that differs. That is never hidden.
 */
export function endOf(error: unknown, signal: AbortSignal): unknown {
  if (!signal.aborted) return error;
  const stays = error instanceof StageError && !error.retryable && OF_EVIDENCE.has(error.stage) && !gaveUp(error, signal.reason);
  return stays ? error : signal.reason;
}
