export type StageErrorOptions = {
  /** Whether trying again can help without a person. */
  readonly retryable: boolean;
  readonly cause?: unknown;
  /** What a responder does next, in one sentence. */
  readonly advice?: string;
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

  constructor(stage: Stage, code: string, message: string, options: StageErrorOptions) {
    super(message, { cause: options.cause });
    this.stage = stage;
    this.code = code;
    this.retryable = options.retryable;
    this.advice = options.advice;
  }
}

/** Any thrown value's message, in one line. */
export const messageOf = (error: unknown): string =>
  (error instanceof Error ? error.message || error.name : String(error)).replaceAll(/\s+/g, ' ');
