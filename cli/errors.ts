import { escapeHostile, EXIT, type ExitStatus } from '../modules/vocabulary/index.ts';

/** What ends a command: what was got, what is allowed, what to do; and the exit status that says whose turn it is. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exit: ExitStatus;

  constructor(message: string, exit: ExitStatus, options?: ErrorOptions) {
    super(message, options);
    this.exit = exit;
  }
}

/** Text from AWS or a record, which somebody else may have chosen, as printable ASCII. */
export const inert = (text: string): string => escapeHostile(text);

const ADVICE: Readonly<Record<string, string>> = {
  CredentialsProviderError: 'assume the responder role of the forensic account first, for example with AWS_PROFILE',
  ExpiredTokenException: 'renew your credentials',
  ExpiredToken: 'renew your credentials',
  AccessDenied: 'assume the responder role of the forensic account, and check --region and --prefix',
  AccessDeniedException: 'assume the responder role of the forensic account, and check --region and --prefix',
  NoSuchBucket: 'check --prefix, --region and that you are in the forensic account; or name the bucket with --bucket',
  ResourceNotFoundException: 'check --prefix and --region, and that the forensics stack of this Region is deployed',
  StateMachineDoesNotExist: 'check --prefix and --region, and that the forensics stack of this Region is deployed',
  TaskTimedOut: 'the question has expired or was answered; see `cleanroom case show`',
  TaskDoesNotExist: 'the question has expired or was answered; see `cleanroom case show`',
};

/** Any error as one of the command's own: an answer of AWS with its name, and what to do about it. */
export function asCliError(error: unknown): CliError {
  if (error instanceof CliError) return error;
  const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
  return new CliError(`AWS answered ${inert(name)}: ${inert(message)}; ${ADVICE[name] ?? 'check the network and try again'}`, EXIT.environment, { cause: error });
}
