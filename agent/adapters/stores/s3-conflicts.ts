import pRetry from 'p-retry';
import { StageError } from '../../errors.ts';
import { statusOf } from './s3-errors.ts';

/** 409: another request for the same key is being carried out. Whoever asks again is told what came of it. */
const isConflict = (error: unknown): boolean =>
  statusOf(error) === 409 || (error instanceof Error && (error.name === 'ConditionalRequestConflict' || error.name === 'OperationAborted'));

/** Asks again, for about half a minute, while something else is stored under the same key. */
export const pastConflicts = <T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> =>
  pRetry(work, {
    retries: 6,
    minTimeout: 500,
    maxTimeout: 10_000,
    randomize: true,
    signal,
    shouldRetry: ({ error }) => error instanceof StageError && isConflict(error.cause),
  });
