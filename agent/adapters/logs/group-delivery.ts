import { LogEvent, logGroupName, type LogGroup } from '../../../modules/vocabulary/index.ts';
import { messageOf } from '../../errors.ts';
import { errnoMessage, errnoOf } from '../errno.ts';
import { nextBatch, spooledLines, type SpooledLine } from './log-batches.ts';
import type { LogGroupsClient } from './log-groups-client.ts';
import type { Emit } from './sink.ts';
import type { Segment } from './spool-segment.ts';
import type { Spool } from './spool.ts';

export type GroupDeliveryOptions = {
  readonly group: LogGroup;
  readonly spool: Spool;
  readonly client: LogGroupsClient;
  readonly emit: Emit;
  /** Aborted when no request may run any longer. */
  readonly stopped: AbortSignal;
  readonly maxBackoffMs: number;
  readonly requestTimeoutMs: number;
  /** Milliseconds since the epoch, for the events' times. */
  readonly clock: () => number;
};

type Head = { readonly segment: Segment; lines: SpooledLine[] };
type Outage = { readonly since: number; delivered: number };

/** Errors of reading that say nothing of the file: it is read again. */
const PASSING = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN', 'EINTR']);

/** How often a closing log tries again before it leaves the rest to the next process. */
const CLOSING_TRIES = 3;

/** Takes one group's events from the spool to the service, in order, one request at a time. */
export class GroupDelivery {
  delivered = 0;
  refused = 0;
  readonly #options: GroupDeliveryOptions;
  #running: Promise<boolean> | undefined;
  #head: Head | undefined;
  #outage: Outage | undefined;
  #inherited = 0;
  #torn = 0;
  #failures = 0;
  /** On the monotonic clock, like every wait here: the host's time may jump. */
  #notBefore = 0;
  #lastTimestamp = 0;

  constructor(options: GroupDeliveryOptions) {
    this.#options = options;
  }

  /** Sends all there is, unless it is still waiting after a failure. Resolves to whether everything was sent. */
  run(): Promise<boolean> {
    if (performance.now() < this.#notBefore) return Promise.resolve(false);
    this.#running ??= this.#sendAll().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** Sends what is left before the log closes; stops early when the service does not take it. */
  async drain(): Promise<void> {
    await this.#running;
    for (let tries = 0; tries < CLOSING_TRIES && !this.#options.stopped.aborted; tries += 1) {
      this.#notBefore = 0;
      if (await this.run()) return;
      await pause(250 * (tries + 1), this.#options.stopped);
    }
  }

  async #sendAll(): Promise<boolean> {
    const { spool, group, stopped } = this.#options;
    try {
      while (!stopped.aborted) {
        this.#head ??= await this.#nextHead();
        if (!this.#head) break;
        await this.#sendHead(this.#head);
        await spool.settle(this.#head.segment);
        this.#head = undefined;
      }
    } catch (error) {
      this.#failed(error, group);
      return false;
    }
    if (stopped.aborted) return false;
    this.#recovered(group);
    return true;
  }

  async #nextHead(): Promise<Head | undefined> {
    const { spool, group } = this.#options;
    for (;;) {
      const segment = await spool.next(group);
      if (!segment) return undefined;
      try {
        const { content, start } = await segment.read();
        const { lines, torn } = spooledLines(content, start);
        this.#torn += torn;
        return { segment, lines };
      } catch (error) {
        // What follows must wait neither for a file that somebody cleared away nor for a disk that fails.
        const code = errnoOf(error);
        if (code === 'ENOENT') await spool.settle(segment);
        else if (code === undefined || PASSING.has(code)) throw error;
        else await this.#setAside(segment, error);
      }
    }
  }

  async #setAside(segment: Segment, error: unknown): Promise<void> {
    const { emit, spool, group } = this.#options;
    await spool.setAside(segment);
    const message = `${segment.size} bytes of events for ${logGroupName(group)} cannot be read from disk, and are not delivered: ${errnoMessage(error)}`;
    emit('warn', LogEvent.warning, { message, advice: 'their file stays as it is: put right what the message names, and the next start of a collector delivers them' });
  }

  async #sendHead(head: Head): Promise<void> {
    const { client, group, clock, stopped, requestTimeoutMs } = this.#options;
    while (head.lines.length > 0) {
      const { events, end } = nextBatch(head.lines, { now: clock(), notBefore: this.#lastTimestamp });
      const signal = AbortSignal.any([stopped, AbortSignal.timeout(requestTimeoutMs)]);
      const refused = await client.put(group, events, signal);
      this.#lastTimestamp = events.at(-1)?.timestamp ?? this.#lastTimestamp;
      this.#failures = 0;
      this.refused += refused;
      this.delivered += events.length - refused;
      if (this.#outage) this.#outage.delivered += events.length;
      if (head.segment.inherited) this.#inherited += events.length;
      head.lines = head.lines.slice(events.length);
      if (head.lines.length > 0) await head.segment.delivered(end);
    }
  }

  #failed(error: unknown, group: LogGroup): void {
    const { emit, maxBackoffMs, stopped } = this.#options;
    this.#failures += 1;
    const longest = Math.min(maxBackoffMs, 1000 * 2 ** Math.min(this.#failures - 1, 16));
    this.#notBefore = performance.now() + longest / 2 + Math.random() * (longest / 2);
    if (this.#outage || stopped.aborted) return;
    this.#outage = { since: performance.now(), delivered: 0 };
    emit('warn', LogEvent.logsSpooled, {
      group: logGroupName(group),
      error: error instanceof Error ? error.name : 'Error',
      message: messageOf(error).slice(0, 500),
      advice: 'events are kept on disk and delivered later; check the endpoint, and that the role may logs:PutLogEvents and logs:CreateLogStream',
    });
  }

  #recovered(group: LogGroup): void {
    const { emit, spool } = this.#options;
    if (!this.#outage && this.#inherited === 0) return;
    const fields = {
      group: logGroupName(group),
      events: this.#outage?.delivered ?? this.#inherited,
      ...(this.#inherited > 0 ? { fromEarlierProcesses: this.#inherited } : {}),
      ...(this.#torn > 0 ? { torn: this.#torn } : {}),
      ...(this.#outage ? { outageMs: Math.round(performance.now() - this.#outage.since) } : {}),
      dropped: spool.dropped,
    };
    this.#outage = undefined;
    this.#inherited = 0;
    this.#torn = 0;
    emit('info', LogEvent.logsDelivered, fields);
  }
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done);
  });
