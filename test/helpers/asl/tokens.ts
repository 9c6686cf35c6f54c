import { AslError } from './errors.ts';

/** A task that waits: success or failure ends it, and a heartbeat lets it wait on. */
interface Waiter {
  readonly succeed: (output: unknown) => void;
  readonly fail: (error: Error) => void;
  readonly beat: () => void;
}

/** SendTaskSuccess, SendTaskFailure and SendTaskHeartbeat for the tasks that wait for a token. */
export class Tokens {
  readonly #waiting = new Map<string, Waiter>();

  success(token: string, output: unknown): void {
    this.#take(token).succeed(output);
  }
  failure(token: string, error: string, cause: string): void {
    this.#take(token).fail(new AslError(error, cause));
  }
  heartbeat(token: string): void {
    this.#take(token).beat();
  }
  expect(token: string, waiter: Waiter): void {
    this.#waiting.set(token, waiter);
  }
  forget(token: string): void {
    this.#waiting.delete(token);
  }
  #take(token: string): Waiter {
    const found = this.#waiting.get(token);
    if (!found) throw new AslError('TaskTimedOut', 'no task waits for this token');
    return found;
  }
}
