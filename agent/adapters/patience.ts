import { StageError } from '../errors.ts';

const advice = 'Look at the kernel log (dmesg) for the disk; start the same command again when it answers, or raise --stall-seconds.';

/** A source that gave nothing for so long. Resumable. */
export const stalled = (what: string, milliseconds: number): StageError =>
  new StageError('acquire', 'SOURCE_STALLED', `${what} for ${Math.round(milliseconds / 1000)} s`, { retryable: true, advice });

/** Waiting is counted in steps of at most this; one that ends later than by this was kept from running, and does not count. Milliseconds. */
const STEP_MS = 1000;

/** What was given up, and still occupies a thread: with it, the process cannot end by itself. */
let abandoned = 0;
export const hasAbandonedWork = (): boolean => abandoned > 0;

/** Gives up work that nothing can cancel: it goes on without us. */
export function abandon(work: Promise<unknown>): void {
  abandoned++;
  work.catch(() => undefined).finally(() => abandoned--);
}

/** Counts how long an answer is waited for, without the time for which the process was stopped itself (SIGSTOP): the answer may be there and not yet looked at. */
export class Waiting {
  readonly #milliseconds: number;
  readonly #onLate: () => void;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  /** @param onLate called once, when it was waited for longer */
  constructor(milliseconds: number, onLate: () => void) {
    this.#milliseconds = milliseconds;
    this.#onLate = onLate;
  }

  /** Begins to count, from 0. */
  begin(): void {
    this.pause();
    if (!this.#isOver) this.#wait(this.#milliseconds);
  }

  #wait(left: number): void {
    const step = Math.min(left, STEP_MS);
    const due = performance.now() + step;
    this.#timer = setTimeout(() => {
      const rest = performance.now() - due > STEP_MS ? left : left - step;
      if (rest > 0) this.#wait(rest);
      else this.#onLate();
    }, step);
  }

  pause(): void {
    clearTimeout(this.#timer);
  }

  /** For good. */
  end(): void {
    this.#isOver = true;
    this.pause();
  }
}

/**
 * What a disk or a directory answers, given up when it takes longer than `milliseconds`, or with the signal's reason.
 * @param late what it is given up with
 */
export async function answered<T>(asking: Promise<T>, late: () => StageError, milliseconds: number, signal?: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const giveUp = (why: unknown): void => {
    abandon(asking);
    reject(why);
  };
  const waiting = new Waiting(milliseconds, () => giveUp(late()));
  waiting.begin();
  const stop = (): void => giveUp(signal?.reason);
  signal?.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([asking, promise]);
  } finally {
    waiting.end();
    signal?.removeEventListener('abort', stop);
  }
}

/**
 * A read of the source; see {@link answered}.
 * @throws StageError code SOURCE_STALLED
 */
export const readAnswered = <T>(reading: Promise<T>, what: string, milliseconds: number, signal?: AbortSignal): Promise<T> =>
  answered(reading, () => stalled(what, milliseconds), milliseconds, signal);
