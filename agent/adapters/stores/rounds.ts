type Waiting<T> = { readonly item: T; readonly resolve: () => void; readonly reject: (reason: unknown) => void };

/**
 * One round of work at a time, each for everything that waited when it began: what costs the same for one as for many, such
 * as a sync. After a round that failed every later one fails as it did.
 */
export class Rounds<T> {
  readonly #work: (items: readonly T[]) => Promise<void>;
  #waiting: Waiting<T>[] = [];
  #running = false;
  #failure: { readonly reason: unknown } | undefined;

  /** @param work rejects with what everybody who waits is told */
  constructor(work: (items: readonly T[]) => Promise<void>) {
    this.#work = work;
  }

  /** Settles with the round that the item was in, which begins after this call. */
  join(item: T): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ item, resolve, reject });
    if (!this.#running) void this.#run();
    return promise;
  }

  /** @throws what the round that failed did */
  assertSound(): void {
    if (this.#failure) throw this.#failure.reason;
  }

  async #run(): Promise<void> {
    this.#running = true;
    for (let round = this.#waiting.splice(0); round.length > 0; round = this.#waiting.splice(0)) {
      try {
        this.assertSound();
        await this.#work(round.map(({ item }) => item));
        for (const { resolve } of round) resolve();
      } catch (reason) {
        this.#failure ??= { reason };
        for (const { reject } of round) reject(reason);
      }
    }
    this.#running = false;
  }
}
