import { StageError } from '../errors.ts';

const advice = 'Look at the kernel log (dmesg) for the disk; start the same command again when it answers, or raise --stall-seconds.';

/** A source that gave nothing for so long. Resumable. */
export const stalled = (what: string, milliseconds: number): StageError =>
  new StageError('acquire', 'SOURCE_STALLED', `${what} for ${Math.round(milliseconds / 1000)} s`, { retryable: true, advice });

/** A timer that is later than this was kept from running. Milliseconds. */
const LATE_MS = 1000;

/** Reads that were given up, and still occupy a thread: with one of them, the process cannot end by itself. */
let abandoned = 0;
export const hasAbandonedReads = (): boolean => abandoned > 0;

/**
 * A read of the source, given up when it takes longer than `milliseconds`, or with the signal's reason: nothing can cancel
 * it, so it goes on without us.
 * @throws StageError code SOURCE_STALLED
 */
export async function answered<T>(reading: Promise<T>, what: string, milliseconds: number, signal?: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const giveUp = (why: unknown): void => {
    abandoned++;
    reading.catch(() => undefined).finally(() => abandoned--);
    reject(why);
  };
  let timer: NodeJS.Timeout;
  const wait = (): void => {
    const due = performance.now() + milliseconds;
    // Where this process itself was stopped, the answer may be there and not yet looked at: patience begins again.
    timer = setTimeout(() => (performance.now() - due > LATE_MS ? wait() : giveUp(stalled(what, milliseconds))), milliseconds);
  };
  wait();
  const stop = (): void => giveUp(signal?.reason);
  signal?.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([reading, promise]);
  } finally {
    clearTimeout(timer!);
    signal?.removeEventListener('abort', stop);
  }
}
