import { messageOf, oneLine, StageError } from '../../errors.ts';

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
  PermanentRedirect: 'The bucket is in another Region: name that one with --region, then start the same command again.',
};

/** What an answer without a body can mean: S3 gives a look (HEAD) no reason. */
const REASONLESS: Readonly<Record<number, string>> = {
  301: ADVICE['PermanentRedirect']!,
  400: 'Check the credentials (have they expired?), the Region and the clock of this host (`collector doctor`), then start the same command again.',
};

/** What to do where something was answered that was not done. */
export const ANSWERED_ONLY = 'Find out what answers in the name of the store (a proxy?), then start the same command again: what is stored is taken over.';

/** What Node says where nothing answers; and where what answers is not HTTP, or not HTTPS, for which its own words are of no use. */
const NO_ANSWER = new Set(['ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED', 'ECONNRESET', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT']);
const WRONG_PROTOCOL: Readonly<Record<string, string>> = {
  EPROTO: 'what answers there speaks no TLS: is it http instead of https?',
  HPE_INVALID_CONSTANT: 'what answers there speaks no HTTP: is it https instead of http?',
};
const UNTRUSTED = /CERT|ERR_TLS|UNABLE_TO/;

/** A request that got no answer: why, for a person, and what to do. Undefined for one that the store answered. */
function unanswered(error: unknown): { readonly said: string; readonly name: string; readonly advice: string } | undefined {
  if (!(error instanceof Error) || statusOf(error) !== undefined) return undefined;
  const { code = '', message } = error as NodeJS.ErrnoException;
  if (UNTRUSTED.test(code)) return { said: oneLine(message), name: code, advice: 'Name a file with the certificates of its authority in NODE_EXTRA_CA_CERTS, or correct --endpoint, then start the same command again.' };
  if (!NO_ANSWER.has(code) && !Object.hasOwn(WRONG_PROTOCOL, code) && error.name !== 'TimeoutError') return undefined;
  const said = WRONG_PROTOCOL[code] ?? oneLine(message || 'nothing answers there'); // several addresses that all refuse leave no text
  return { said, name: code || error.name, advice: 'Check --endpoint, the Region and the network (`collector doctor`), then start the same command again.' };
}

/** Answers that will be the same next time. */
const FINAL = new Set(['AccessDenied', 'NoSuchBucket', 'InvalidAccessKeyId', 'SignatureDoesNotMatch', 'CredentialsProviderError', 'QuotaExceeded',
  'InvalidRequest', 'InvalidArgument', 'NotImplemented', 'MethodNotAllowed', 'KMS.DisabledException', 'KMS.NotFoundException', 'NoSuchUpload']);

export const nameOf = (error: unknown): string => (error instanceof Error ? error.name : '');
export const statusOf = (error: unknown): number | undefined => (error as AwsError | undefined)?.$metadata?.httpStatusCode;

/** Whether the store asks for fewer requests. */
export const isSlowDown = (error: unknown): boolean =>
  statusOf(error) === 503 || statusOf(error) === 429 || nameOf(error) === 'SlowDown' || (error instanceof StageError && isSlowDown(error.cause));

/** Whether the store, or the way to it, is out of order: it said so, or nothing takes connections there. */
export const isOutage = (error: unknown): boolean => (statusOf(error) ?? 0) >= 500 || isSlowDown(error) || NO_ANSWER.has((error as NodeJS.ErrnoException | undefined)?.code ?? '');

export const isMissing = (error: unknown): boolean => statusOf(error) === 404 || nameOf(error) === 'NotFound' || nameOf(error) === 'NoSuchKey';

/** 412 of `If-None-Match: *`, and 409 when another writer of the same key is being completed. */
export const isTaken = (error: unknown): boolean => statusOf(error) === 412 || nameOf(error) === 'PreconditionFailed';

/** A failed request as a StageError: what was asked, what was answered, whether again can help, what to do. */
export function storeError(doing: string, error: unknown): StageError {
  if (error instanceof StageError) return error;
  const name = nameOf(error);
  const status = statusOf(error);
  const requestId = (error as AwsError | undefined)?.$metadata?.requestId;
  const silent = unanswered(error);
  const reasonless = status !== undefined && messageOf(error) === 'UnknownError'; // the SDK's word for an answer that has none
  const said = silent?.said ?? (reasonless ? `it was answered with status ${status} and no reason` : undefined) ?? (/Deserialization error/.test(messageOf(error)) ? 'the answer is not in the form of S3 (is there a proxy?)' : messageOf(error));
  const answer = [...(reasonless ? [] : [status, silent?.name ?? (name && name !== 'Error' ? name : undefined)]), requestId && `request ${requestId}`].filter(Boolean).join(', ');
  const final = FINAL.has(name) || (status === 403 && name !== 'RequestTimeTooSkewed' && !name.startsWith('Expired'));
  const advice = ADVICE[name] ?? (status === 403 ? ADVICE['AccessDenied'] : (silent?.advice ?? (reasonless ? REASONLESS[status] : undefined)));
  return new StageError('store', final ? 'STORE_REFUSED' : 'STORE_FAILED', `${doing} failed: ${said}${answer ? ` (${answer})` : ''}`, {
    retryable: !final,
    cause: error,
    ...(advice === undefined ? {} : { advice }),
  });
}

/** A success that lacks what every store's has: something else answered, and nothing is known of what was asked. */
export const foreignAnswer = (doing: string, lacks: string): StageError =>
  new StageError('store', 'STORE_FAILED', `${doing} failed: it was answered as done, but ${lacks}`, { retryable: true, advice: ANSWERED_ONLY });

/** For questions that a role may not be allowed to ask: 403 is no answer, everything else stays an error. */
export function undefinedWhenForbidden(error: unknown): undefined {
  if (error instanceof StageError && statusOf(error.cause) === 403) return undefined;
  throw error;
}
