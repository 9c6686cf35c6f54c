/** Time as an execution sees it. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** @param why name of the state that waits */
  sleep(seconds: number, why: string): Promise<void>;
  /** Rejects with `error` when `work` takes longer than `seconds`. */
  within<T>(seconds: number, work: () => Promise<T>, error: () => Error): Promise<T>;
  /** Waits for something that others of this clock's users bring about: time may pass meanwhile. */
  await<T>(something: Promise<T>): Promise<T>;
}

interface Alarm {
  readonly at: number;
  readonly order: number;
  readonly ring: () => void;
}

/**
 * A clock that jumps: time passes only when everybody who uses it sleeps, and then at once to the next who wakes. So days of
 * waiting take milliseconds, and the order of things depends on nothing but what they ask for.
 */
export class VirtualClock implements Clock {
  #now: number;
  #busy = 0;
  #order = 0;
  #alarms: Alarm[] = [];

  constructor(start = Date.UTC(2026, 10, 21)) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  /** Runs something that uses this clock. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    this.#busy++;
    try {
      return await work();
    } finally {
      this.#busy--;
      this.#advance();
    }
  }

  async sleep(seconds: number): Promise<void> {
    await this.await(new Promise<void>((wake) => this.#set(seconds, wake)));
  }

  async await<T>(something: Promise<T>): Promise<T> {
    this.#busy--;
    this.#advance();
    try {
      return await something;
    } finally {
      this.#busy++;
    }
  }

  async within<T>(seconds: number, work: () => Promise<T>, error: () => Error): Promise<T> {
    let cancel = (): void => undefined;
    const late = new Promise<never>((_, reject) => {
      cancel = this.#set(seconds, () => reject(error()));
    });
    try {
      // Whoever loses goes on being counted by itself; this one waits for the first.
      return await this.await(Promise.race([this.run(work), late]));
    } finally {
      cancel();
    }
  }

  #set(seconds: number, ring: () => void): () => void {
    const alarm = { at: this.#now + Math.max(0, seconds) * 1000, order: this.#order++, ring };
    this.#alarms.push(alarm);
    return () => {
      this.#alarms = this.#alarms.filter((other) => other !== alarm);
    };
  }

  /** Lets pending promises run first: whoever is about to go on is not idle, though nobody counts it yet. */
  #advance(): void {
    setImmediate(() => {
      if (this.#busy > 0) return;
      const next = this.#alarms.toSorted((a, b) => a.at - b.at || a.order - b.order)[0];
      if (!next) return;
      this.#alarms = this.#alarms.filter((other) => other !== next);
      this.#now = Math.max(this.#now, next.at);
      next.ring();
      this.#advance();
    });
  }
}

/** The real clock, whose sleeps a test shortens: each ends when the test says so. */
export class RealClock implements Clock {
  readonly #pause: (seconds: number, why: string) => Promise<void>;

  constructor(pause: (seconds: number, why: string) => Promise<void>) {
    this.#pause = pause;
  }

  now(): number {
    return Date.now();
  }

  sleep(seconds: number, why: string): Promise<void> {
    return this.#pause(seconds, why);
  }

  await<T>(something: Promise<T>): Promise<T> {
    return something;
  }

  /** A real call takes as long as this machine takes; only the test's own limit ends it. */
  within<T>(_seconds: number, work: () => Promise<T>): Promise<T> {
    return work();
  }
}
