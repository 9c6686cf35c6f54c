import { DESCRIPTORS_ADVICE, StageError } from '../../errors.ts';
import { errnoMessage, errnoOf } from '../errno.ts';

type Known = { readonly code: string; readonly advice: string };

const full: Known = {
  code: 'STORE_FULL',
  advice: 'Make room there and start again: the parts that are stored are taken over.',
};
const unsafe: Known = { code: 'PATH_UNSAFE', advice: 'Remove the symbolic link or file that stands in the way.' };
const denied: Known = { code: 'STORE_DENIED', advice: 'Give this user the right to use it, or choose another directory.' };

const failing: Known = { code: 'STORE_IO', advice: 'The disk under the evidence directory failed: read the kernel log, and store elsewhere.' };

const descriptors: Known = { code: 'NO_DESCRIPTORS', advice: DESCRIPTORS_ADVICE };

const BY_ERRNO: Readonly<Record<string, Known>> = {
  ENOSPC: full,
  EDQUOT: full,
  EIO: failing,
  EUCLEAN: failing,
  ESTALE: { code: 'STORE_STALE', advice: 'The file server no longer knows that file: mount the evidence directory again, then start again: the parts that are stored are taken over.' },
  EROFS: { code: 'STORE_READ_ONLY', advice: 'Mount that file system writable, or choose another directory.' },
  EFBIG: { code: 'STORE_FILE_TOO_LARGE', advice: 'Raise the limit on the size of a file (ulimit -f, or LimitFSIZE= of its unit), or choose a file system that holds larger ones, and start again: the parts that are stored are taken over.' },
  EACCES: denied,
  EPERM: denied,
  EMFILE: descriptors,
  ENFILE: descriptors,
  ELOOP: unsafe,
  ENOTDIR: unsafe,
};

/** A file system's error as a StageError; one that is already a StageError stays what it is. */
export function storeError(doing: string, error: unknown): StageError {
  if (error instanceof StageError) return error;
  const errno = errnoOf(error) ?? 'unknown error';
  const known = BY_ERRNO[errno] ?? { code: 'STORE_FAILED', advice: 'Put right what the message names, and start again: the parts that are stored are taken over.' };
  return new StageError('store', known.code, `${doing}: ${errnoMessage(error)}`, { retryable: false, cause: error, advice: known.advice });
}

/** Runs a file operation; what it throws names what was being done. */
export async function storing<T>(doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storeError(doing, error);
  }
}

/** What the store does not do, and what a person can. */
export const refusal = (code: string, message: string, advice: string): StageError =>
  new StageError('store', code, message, { retryable: false, advice });

export const existsError = (key: string, cause?: unknown): StageError =>
  new StageError('store', 'EXISTS', `${key} is already stored; evidence is never overwritten`, {
    retryable: false,
    cause,
    advice: 'Verify what is there (collector verify), or use another --volume or --case.',
  });
