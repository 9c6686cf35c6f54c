import { readdirSync, readFileSync } from 'node:fs';

const PAGE_BYTES = 4096;
/** The unit of /proc's CPU times: USER_HZ, 100 on every Linux that Node runs on. */
export const TICKS_PER_SECOND = 100;
const SAMPLE_EVERY_MS = 50;
/** Looking for new processes and adding up shared pages cost more than a sample, so they come with every n-th. */
const SCAN_EVERY = 2;
const PSS_EVERY = 10;

export type TreeUse = {
  /** Highest sum of resident bytes over all processes at one time; a page that several map counts for each. */
  readonly peakRssBytes: number;
  /** The same with shared pages divided among those that map them; sampled twice a second. */
  readonly peakPssBytes: number;
  /** CPU seconds of every process as last seen: a lower bound. */
  readonly cpuSeconds: number;
};

const read = (path: string): string => {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // the process has ended
  }
};

/** Fields of /proc/<pid>/stat behind the command's name, which may hold anything. */
const statOf = (pid: number): string[] => {
  const text = read(`/proc/${pid}/stat`);
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
};

/** Watches a process and all its descendants, also those that left its session or lost their parent. */
export class ProcessTree {
  readonly #known = new Set<number>();
  /** Processes that were looked at once and do not belong to the tree: they cannot join it later. */
  readonly #strangers = new Set<number>();
  readonly #cpuTicks = new Map<number, number>();
  readonly #timer: NodeJS.Timeout;
  #samples = 0;
  #peakRss = 0;
  #peakPss = 0;

  constructor(rootPid: number) {
    this.#known.add(rootPid);
    this.#timer = setInterval(() => this.#sample(), SAMPLE_EVERY_MS);
  }

  /** Stops watching. */
  stop(): TreeUse {
    clearInterval(this.#timer);
    const ticks = [...this.#cpuTicks.values()].reduce((sum, value) => sum + value, 0);
    return { peakRssBytes: this.#peakRss, peakPssBytes: this.#peakPss, cpuSeconds: ticks / TICKS_PER_SECOND };
  }

  /** Processes of the tree that still run. */
  alive(): number[] {
    this.#scan();
    return [...this.#known].filter((pid) => !['', 'Z', 'X'].includes(statOf(pid)[0] ?? ''));
  }

  #sample(): void {
    if (this.#samples % SCAN_EVERY === 0) this.#scan();
    let rss = 0;
    for (const pid of this.#known) {
      rss += Number(read(`/proc/${pid}/statm`).split(' ')[1] ?? 0) * PAGE_BYTES;
      const stat = statOf(pid);
      if (stat.length > 12) this.#cpuTicks.set(pid, Number(stat[11]) + Number(stat[12]));
    }
    this.#peakRss = Math.max(this.#peakRss, rss);
    if (this.#samples++ % PSS_EVERY === 0) this.#peakPss = Math.max(this.#peakPss, this.#pss());
  }

  #pss(): number {
    let kib = 0;
    for (const pid of this.#known) kib += Number(/^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0);
    return kib * 1024;
  }

  #scan(): void {
    const others = readdirSync('/proc')
      .map(Number)
      .filter((pid) => pid > 0 && !this.#known.has(pid) && !this.#strangers.has(pid))
      .map((pid) => ({ pid, stat: statOf(pid) }));
    // A parent may have a higher number than its child, so go round until nothing is added.
    for (let before = -1; before !== this.#known.size; ) {
      before = this.#known.size;
      for (const { pid, stat } of others) {
        const [, parent, , session] = stat;
        if (this.#known.has(Number(parent)) || this.#known.has(Number(session))) this.#known.add(pid);
      }
    }
    for (const { pid } of others) if (!this.#known.has(pid)) this.#strangers.add(pid);
  }
}
