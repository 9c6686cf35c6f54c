/** How many parts may be stored at once: halves when the store asks for less, grows again by one for each run of successes. */
export class AdaptiveLimit {
  readonly #most: number;
  readonly #waiting: (() => void)[] = [];
  #limit: number;
  #active = 0;
  #successes = 0;

  /** @param most the limit to begin with and never to exceed, at least 1 */
  constructor(most: number) {
    this.#most = most;
    this.#limit = most;
  }

  get limit(): number {
    return this.#limit;
  }

  /** Runs the work when there is room, in the order of the calls. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
      this.#admit();
    });
    try {
      return await work();
    } finally {
      this.#active--;
      this.#admit();
    }
  }

  slowDown(): void {
    this.#limit = Math.max(1, Math.floor(this.#limit / 2));
    this.#successes = 0;
  }

  succeeded(): void {
    if (++this.#successes < this.#limit || this.#limit >= this.#most) return;
    this.#successes = 0;
    this.#limit++;
    this.#admit();
  }

  #admit(): void {
    while (this.#active < this.#limit && this.#waiting.length > 0) {
      this.#active++;
      this.#waiting.shift()!();
    }
  }
}
