import pRetry from 'p-retry';
import { StageError } from '../../errors.ts';
import { isOutage, statusOf } from './s3-errors.ts';

/** How long an outage is waited for, in milliseconds. */
const OUTAGE_MS = 60_000;

/** 409: another request for the same key is being carried out. Whoever asks again is told what came of it. */
const isConflict = (error: unknown): boolean =>
  statusOf(error) === 409 || (error instanceof Error && (error.name === 'ConditionalRequestConflict' || error.name === 'OperationAborted'));

/**
 * Asks again while the store fails, or stores something else under the same key: for what comes after the pass, where giving up
 * means to read the whole disk again. A store that never answers was waited for longer than this already.
 * @param outageMs for how long in all
 */
export const persistently = <T>(work: () => Promise<T>, signal: AbortSignal, outageMs = OUTAGE_MS): Promise<T> =>
  pRetry(work, {
    retries: 30,
    maxRetryTime: outageMs,
    minTimeout: 500,
    maxTimeout: 10_000,
    randomize: true,
    signal,
    shouldRetry: ({ error }) => error instanceof StageError && (isConflict(error.cause) || (error.retryable && isOutage(error.cause))),
  });
