import { SingleBar } from 'cli-progress';
import { humanBytes, humanSeconds } from './human.ts';
import type { Progress } from './stages/acquire.ts';

export interface ProgressView {
  update(phase: string, progress: Progress): void;
  stop(): void;
}

/** Bytes of the last seconds, for a rate that follows the network. */
const RATE_WINDOW_MS = 5000;

class Rate {
  readonly #samples: { readonly at: number; readonly bytes: number }[] = [];

  /** Bytes a second over the last five seconds. */
  of(bytes: number): number {
    const at = performance.now();
    this.#samples.push({ at, bytes });
    while (this.#samples.length > 2 && at - this.#samples[0]!.at > RATE_WINDOW_MS) this.#samples.shift();
    const { at: since, bytes: from } = this.#samples[0]!;
    return at > since ? ((bytes - from) * 1000) / (at - since) : 0;
  }
}

/** The bar that is on the terminal now. */
let shown: ProgressBar | undefined;

const showing = (bar: ProgressBar | undefined): void => {
  shown = bar;
};

/** Prints a line for a person, clear of the bar; the bar draws itself anew below it. @param last ends the bar first */
export function printLine(line: string, { last = false } = {}, stream: NodeJS.WritableStream = process.stderr): void {
  if (last) shown?.stop();
  stream.write(shown ? `\r\x1b[K${line}\n` : `${line}\n`);
}

/** A bar with rate and time left on standard error, so that standard output stays for what was done. */
export class ProgressBar implements ProgressView {
  readonly #bar: SingleBar;
  #phase: string | undefined;
  #rate = new Rate();
  #last = 0;

  constructor(label: string) {
    this.#bar = new SingleBar({
      format: `${label} {phase} [{bar}] {percentage}% | {done} of {all} | {rate}/s | {left} left`,
      hideCursor: true,
      clearOnComplete: false,
      barsize: 24,
      stream: process.stderr,
    });
  }

  update(phase: string, { total, stored }: Progress): void {
    if (phase !== this.#phase) {
      this.stop();
      this.#phase = phase;
      showing(this);
      this.#rate = new Rate();
      this.#last = 0;
      this.#bar.start(Math.max(total, 1), 0, { phase, done: humanBytes(0), all: humanBytes(total), rate: humanBytes(0), left: '?' });
    }
    const now = performance.now();
    if (now - this.#last < 100 && stored < total) return;
    this.#last = now;
    const rate = this.#rate.of(stored);
    this.#bar.update(total === 0 ? 1 : stored, {
      phase,
      done: humanBytes(stored),
      all: humanBytes(total),
      rate: humanBytes(Math.round(rate)),
      left: humanSeconds(rate > 0 ? (total - stored) / rate : Infinity),
    });
  }

  stop(): void {
    if (this.#phase === undefined) return;
    this.#bar.stop();
    this.#phase = undefined;
    showing(undefined);
  }
}

/** For pipes and logs: the events say how far it is. */
export const NO_PROGRESS: ProgressView = { update: () => {}, stop: () => {} };
