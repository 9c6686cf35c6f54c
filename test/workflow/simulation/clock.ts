interface Sleeper {
  readonly at: number;
  readonly order: number;
  readonly wake: () => void;
}

/**
 * Virtual time: who sleeps waits in a queue, and the clock jumps to the next one when nobody has anything left to do now.
 * Hours of a thousand cases take seconds. Nothing that runs on it may wait for anything real.
 */
export class VirtualClock {
  #now = 0;
  #sequence = 0;
  readonly #sleepers: Sleeper[] = [];

  /** Seconds since the start. */
  get now(): number {
    return this.#now;
  }

  sleep(seconds: number): Promise<void> {
    return new Promise((wake) => this.#push({ at: this.#now + Math.max(0, seconds), order: this.#sequence++, wake }));
  }

  /** Runs until the work is done; throws when it waits for something that no sleeper will bring about. */
  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    let state: { readonly value: Result } | { readonly error: unknown } | undefined;
    work().then(
      (value) => (state = { value }),
      (error: unknown) => (state = { error }),
    );
    for (;;) {
      await new Promise(setImmediate); // all that can go on now has gone on
      if (state !== undefined) break;
      const next = this.#pop();
      if (next === undefined) throw new Error('the simulated work waits for something that never comes');
      this.#now = next.at;
      next.wake();
      while (this.#sleepers[0]?.at === this.#now) this.#pop()?.wake();
    }
    if ('error' in state) throw state.error;
    return state.value;
  }

  // A binary heap, earliest first; of two at one time the one that slept first.
  #push(sleeper: Sleeper): void {
    const heap = this.#sleepers;
    let index = heap.push(sleeper) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!before(heap[index], heap[parent])) return;
      swap(heap, index, parent);
      index = parent;
    }
  }

  #pop(): Sleeper | undefined {
    const heap = this.#sleepers;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    heap[0] = last;
    for (let index = 0; ; ) {
      const [left, right] = [2 * index + 1, 2 * index + 2];
      let least = index;
      if (before(heap[left], heap[least])) least = left;
      if (before(heap[right], heap[least])) least = right;
      if (least === index) return first;
      swap(heap, index, least);
      index = least;
    }
  }
}

type Ordered = Pick<Sleeper, 'at' | 'order'> | undefined;
const before = (a: Ordered, b: Ordered): boolean => a !== undefined && b !== undefined && (a.at < b.at || (a.at === b.at && a.order < b.order));
const swap = (list: Sleeper[], a: number, b: number): void => {
  [list[a], list[b]] = [list[b] as Sleeper, list[a] as Sleeper];
};
