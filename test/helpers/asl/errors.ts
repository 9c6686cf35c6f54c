/** A failure as the language names it: an error's name, and a cause in words. */
export class AslError extends Error {
  readonly error: string;

  constructor(error: string, cause = '') {
    super(cause);
    this.name = 'AslError';
    this.error = error;
  }

  get output(): { readonly Error: string; readonly Cause: string } {
    return { Error: this.error, Cause: this.message };
  }
}

/** What `ErrorEquals` of a retrier or catcher takes in. `States.ALL` leaves two errors out that end an execution. */
export const takes = (errorEquals: readonly string[], error: string): boolean =>
  errorEquals.some((name) =>
    name === error ||
    (name === 'States.ALL' && error !== 'States.DataLimitExceeded' && error !== 'States.Runtime') ||
    (name === 'States.TaskFailed' && error !== 'States.Timeout' && !error.startsWith('States.')));
