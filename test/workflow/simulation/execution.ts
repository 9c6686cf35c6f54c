import type { VirtualClock } from './clock.ts';
import { Refused } from './quotas.ts';

/** Events in an execution's history, by kind of state. */
const EVENTS = { task: 5, wait: 2, choice: 2 } as const;

/** One execution of a state machine as its quotas see it: transitions, history events, retries with full jitter. */
export class Execution {
  transitions = 0;
  events = 0;
  /** Seconds that were lost to waiting for a quota or a rate. */
  waited = 0;
  readonly #clock: VirtualClock;
  readonly #random: () => number;

  constructor(clock: VirtualClock, random: () => number) {
    this.#clock = clock;
    this.#random = random;
  }

  #enter(kind: keyof typeof EVENTS): void {
    this.transitions += 1;
    this.events += EVENTS[kind];
  }

  /** A task state: tried again, with growing pauses and jitter, as long as AWS refuses it for a rate or a quota. */
  async task<Output>(call: () => Promise<Output>, retry: { readonly firstPause?: number; readonly longestPause?: number } = {}): Promise<Output> {
    const { firstPause = 2, longestPause = 30 } = retry;
    this.#enter('task');
    for (let pause = firstPause; ; pause = Math.min(longestPause, pause * 2)) {
      try {
        return await call();
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        this.transitions += 1; // a retry counts as a transition
        this.events += 3;
        const seconds = Math.max(1, pause * this.#random());
        this.waited += seconds;
        await this.#clock.sleep(seconds);
      }
    }
  }

  /** Asks until the answer is yes, with a choice and a wait between two askings. */
  async until(ask: () => Promise<boolean>, pause: (waited: number) => number): Promise<void> {
    for (let waited = 0; ; ) {
      const yes = await this.task(ask);
      this.#enter('choice');
      if (yes) return;
      const seconds = pause(waited);
      waited += seconds;
      this.#enter('wait');
      await this.#clock.sleep(seconds);
    }
  }
}
