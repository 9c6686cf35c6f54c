import { messageOf, StageError } from '../../errors.ts';

type AwsError = Error & { readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string } };

const ADVICE: Readonly<Record<string, string>> = {
  AccessDenied: "Give the collector's role the action on this bucket and, for SSE-KMS, kms:GenerateDataKey and kms:Decrypt on its key.",
  NoSuchBucket: 'Name an existing bucket with --to s3://bucket/prefix; the collector creates none.',
  InvalidAccessKeyId: 'Check the credentials that the collector was given.',
  SignatureDoesNotMatch: 'Check the secret key and the clock of this host.',
  RequestTimeTooSkewed: 'Set the clock of this host (chronyc tracking); what was stored can be resumed.',
  ExpiredToken: 'Renew the credentials and start again; what was stored is taken over.',
  ExpiredTokenException: 'Renew the credentials and start again; what was stored is taken over.',
  CredentialsProviderError: 'Give the collector an instance role, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
  QuotaExceeded: 'Make room in the store and start again; what was stored is taken over.',
};

/** Answers that will be the same next time. */
const FINAL = new Set(['AccessDenied', 'NoSuchBucket', 'InvalidAccessKeyId', 'SignatureDoesNotMatch', 'CredentialsProviderError', 'QuotaExceeded',
  'InvalidRequest', 'InvalidArgument', 'NotImplemented', 'MethodNotAllowed', 'KMS.DisabledException', 'KMS.NotFoundException', 'NoSuchUpload']);

export const nameOf = (error: unknown): string => (error instanceof Error ? error.name : '');
export const statusOf = (error: unknown): number | undefined => (error as AwsError | undefined)?.$metadata?.httpStatusCode;

/** Whether the store asks for fewer requests. */
export const isSlowDown = (error: unknown): boolean =>
  statusOf(error) === 503 || statusOf(error) === 429 || nameOf(error) === 'SlowDown' || (error instanceof StageError && isSlowDown(error.cause));

export const isMissing = (error: unknown): boolean => statusOf(error) === 404 || nameOf(error) === 'NotFound' || nameOf(error) === 'NoSuchKey';

/** 412 of `If-None-Match: *`, and 409 when another writer of the same key is being completed. */
export const isTaken = (error: unknown): boolean => statusOf(error) === 412 || nameOf(error) === 'PreconditionFailed';

/** A failed request as a StageError: what was asked, what was answered, whether again can help, what to do. */
export function storeError(doing: string, error: unknown): StageError {
  if (error instanceof StageError) return error;
  const name = nameOf(error);
  const status = statusOf(error);
  const requestId = (error as AwsError | undefined)?.$metadata?.requestId;
  const said = /Deserialization error/.test(messageOf(error)) ? 'the answer is not in the form of S3 (is there a proxy?)' : messageOf(error);
  const answer = [status, name && name !== 'Error' ? name : undefined, requestId && `request ${requestId}`].filter(Boolean).join(', ');
  const final = FINAL.has(name) || (status === 403 && name !== 'RequestTimeTooSkewed' && !name.startsWith('Expired'));
  const advice = ADVICE[name] ?? (status === 403 ? ADVICE['AccessDenied'] : undefined);
  return new StageError('store', final ? 'STORE_REFUSED' : 'STORE_FAILED', `${doing} failed: ${said}${answer ? ` (${answer})` : ''}`, {
    retryable: !final,
    cause: error,
    ...(advice === undefined ? {} : { advice }),
  });
}

/** For questions that a role may not be allowed to ask: 403 is no answer, everything else stays an error. */
export function undefinedWhenForbidden(error: unknown): undefined {
  if (error instanceof StageError && statusOf(error.cause) === 403) return undefined;
  throw error;
}
