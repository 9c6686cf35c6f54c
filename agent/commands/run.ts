import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { diskEvidencePrefix, EXIT, exitFor, LogEvent, READINESS_CONTRACT, type ExitStatus, type StopReason } from '../../modules/vocabulary/index.ts';
import { AdaptiveLimit } from '../adapters/adaptive-limit.ts';
import { listDisks } from '../adapters/block-devices.ts';
import type { Disk } from '../adapters/disk.ts';
import { serviceManager } from '../adapters/service-manager.ts';
import { undefinedWhenForbidden } from '../adapters/stores/s3-errors.ts';
import { settingFor } from '../config/settings.ts';
import { inspectFolder } from '../doctor/directory-checks.ts';
import { endOf, messageOf, StageError, toldOf } from '../errors.ts';
import { personWatches } from '../main.ts';
import { refuseCollected } from '../pipeline.ts';
import { NO_PROGRESS, ProgressBar } from '../terminal.ts';
import { watchDevices, type DeviceEvent } from '../watch-devices.ts';
import { collectOpened, openAnswering } from './collect.ts';
import { withSession, type CommandInput, type Session } from './session.ts';

/** A disk whose acquisition failed for a reason that may pass is tried again after these pauses, the last one repeated. */
const PAUSES_SECONDS = [15, 60, 300, 900, 1800];

/** `collector run`: watches, and images every eligible disk that is attached or appears. */
export function runCommand(input: CommandInput): Promise<ExitStatus> {
  const bar = personWatches(input.config) && input.config.parallel === 1;
  return withSession(input, (session) => new Watch(session, bar).run());
}

class Watch {
  readonly #session: Session;
  readonly #bar: boolean;
  readonly #limit: AdaptiveLimit;
  readonly #ended = new AbortController();
  readonly #deadline = new AbortController();
  readonly #signal: AbortSignal;
  /** Disks that are imaged, or wait for their turn or their next try. */
  readonly #tasks = new Map<string, Promise<void>>();
  /** Disks that are imaged now. */
  #imaging = 0;
  /** Ended when a disk leaves, so that nothing waits for it. */
  readonly #attached = new Map<string, AbortController>();
  /** Disks (diskseq) that were there before this collector, where those are to be left alone. */
  #earlier: ReadonlySet<string> = new Set();
  #exit: ExitStatus = EXIT.complete;
  #idle: NodeJS.Timeout | undefined;
  #interrupted = false;

  constructor(session: Session, bar: boolean) {
    this.#session = session;
    this.#bar = bar;
    this.#limit = new AdaptiveLimit(session.config.once ? 1 : session.config.parallel);
    this.#signal = AbortSignal.any([session.signal, this.#deadline.signal, this.#ended.signal]);
  }

  async run(): Promise<ExitStatus> {
    await this.#assertStore();
    const beat = this.#heartbeat();
    try {
      await this.#watch();
    } finally {
      clearInterval(beat); // it would keep a process alive whose watch could not begin
    }
    const exit = this.#interrupted ? EXIT.interrupted : this.#exit;
    this.#session.events.info(LogEvent.collectorStopped, { caseId: this.#session.caseId, exit, reason: this.#reason });
    return exit;
  }

  /** Watches until it is told to stop, and waits for what is being imaged. */
  async #watch(): Promise<void> {
    const { config, events, tool, store, caseId, host } = this.#session;
    const options = { includeInstanceStore: config.includeInstanceStore, rescanMs: config.rescanSeconds * 1000, onWarning: (error: unknown) => this.#warn(error) };
    if (config.ignoreAttached) this.#earlier = new Set((await listDisks()).map(({ disk }) => disk.diskseq));
    const watcher = await watchDevices(options, (event) => this.#onDevice(event), this.#signal);
    events.info(LogEvent.collectorStarted, {
      contract: READINESS_CONTRACT, caseId, collectorVersion: host.collectorVersion, instanceId: host.instanceId, store: store.location,
      dc3dd: tool.path, dc3ddSha256: tool.binarySha256, parallel: config.parallel, once: config.once,
    });
    this.#warnOfUnusedName();
    // For a supervisor that forked the collector; one that has let go of it since is no reason to end.
    process.send?.({ event: LogEvent.collectorStarted }, undefined, undefined, () => undefined);
    const deadline = this.#startDeadline();
    await serviceManager(process.env, (error) => this.#warn(error)).ready(`watching for disks of case ${caseId}`);
    await aborted(this.#signal);
    clearTimeout(deadline);
    clearTimeout(this.#idle);
    events.info(LogEvent.collectorStopping, { caseId, imaging: this.#imaging, reason: this.#reason });
    await watcher.close();
    await Promise.allSettled(this.#tasks.values());
  }

  /**
   * A store that cannot be asked, or a directory that cannot be written, is told of at once, not when the first disk appears.
   * A role that may only write may not ask; whether a bucket may be written only its first object shows.
   */
  async #assertStore(): Promise<void> {
    const { store, caseId } = this.#session;
    const prefix = diskEvidencePrefix(caseId);
    const first = store.list(prefix, this.#signal)[Symbol.asyncIterator]();
    await first.next().catch(undefinedWhenForbidden);
    await first.return?.();
    if (store.kind !== 'directory') return;
    const folder = await inspectFolder(join(store.location, prefix)); // which may be writable where the ones above are not
    if ('level' in folder) throw new StageError('store', 'STORE_UNFIT', folder.found, { retryable: false, advice: `Before you start again, ${folder.advice}.` });
  }

  /** A volume id that was given names one disk; a watch that goes on would give it to every disk. */
  #warnOfUnusedName(): void {
    const { once, volumeId } = this.#session.config;
    if (once || volumeId === undefined) return;
    const { variable, key, tag } = settingFor('volumeId');
    this.#warn(
      `the volume id ${volumeId} (${variable}, ${key} in the file, or the tag ${tag}) names one disk, and this collector goes on watching: ` +
        'each disk is stored under its own id; with --once the first disk would be stored under the one that was given',
    );
  }

  #onDevice(event: DeviceEvent): void {
    const { events, caseId } = this.#session;
    const { disk } = event;
    const facts = { caseId, identity: disk.identity, name: disk.name, diskseq: disk.diskseq, size: disk.size, labels: disk.labels.map(({ escaped }) => escaped) };
    if (event.type === 'gone') {
      events.info(LogEvent.diskGone, facts);
      this.#attached.get(disk.diskseq)?.abort();
      this.#attached.delete(disk.diskseq);
    } else if (!event.verdict.eligible) {
      events.info(LogEvent.diskLeftAlone, { ...facts, reason: event.verdict.reason, because: event.verdict.because });
    } else if (this.#earlier.has(disk.diskseq)) {
      events.info(LogEvent.diskLeftAlone, { ...facts, reason: 'attached-before', because: 'it was attached before the collector started (--ignore-attached)' });
    } else {
      events.info(LogEvent.diskFound, { ...facts, trigger: event.trigger, link: event.link?.escaped });
      this.#start(disk);
    }
  }

  #start(disk: Disk): void {
    if (this.#tasks.has(disk.diskseq) || this.#ended.signal.aborted) return;
    clearTimeout(this.#idle);
    this.#attached.set(disk.diskseq, new AbortController());
    const task = this.#image(disk).finally(() => {
      this.#tasks.delete(disk.diskseq);
      this.#awaitMore();
    });
    this.#tasks.set(disk.diskseq, task);
  }

  /** Ends the watch when nothing more comes; a disk that waits for its next try is not done. */
  #awaitMore(): void {
    const { idleSeconds } = this.#session.config;
    if (idleSeconds === undefined || this.#tasks.size > 0 || this.#signal.aborted) return;
    this.#idle = setTimeout(() => this.#ended.abort(), idleSeconds * 1000);
  }

  /** Images one disk, again after a pause where that can help. Never rejects: one disk's trouble is not another's. */
  async #image(disk: Disk): Promise<void> {
    const gone = this.#attached.get(disk.diskseq)?.signal;
    for (let tries = 0; ; tries++) {
      const pause = PAUSES_SECONDS[Math.min(tries, PAUSES_SECONDS.length - 1)]!;
      const isOver = (): boolean => this.#signal.aborted || (gone?.aborted ?? false);
      // Only while it is imaged: a disk that waits for its next try leaves its place to others.
      const isDone = await this.#limit.run(async () => {
        if (isOver()) return true;
        try {
          await this.#imageOnce(disk);
          if (this.#session.config.once) this.#ended.abort(); // before the next in line has this one's place
          return true;
        } catch (error) {
          return this.#leaveAlone(disk, error, pause);
        }
      });
      if (isDone) return;
      await delay(pause * 1000, undefined, { signal: AbortSignal.any([this.#signal, ...(gone ? [gone] : [])]) }).catch(() => {});
    }
  }

  async #imageOnce(disk: Disk): Promise<void> {
    const { config, store, caseId } = this.#session;
    const exhibitId = (config.once ? config.volumeId : undefined) ?? disk.identity;
    // Before an acquisition begins, which would end as FAILED in the audit log. Any other failure is the acquisition's to tell.
    await refuseCollected({ store, exhibit: { caseId, exhibitId }, signal: this.#signal }).catch((error: unknown) => {
      if (error instanceof StageError && error.code === 'COLLECTED') throw error;
    });
    const source = await openAnswering(this.#session, disk, {}, this.#signal);
    this.#imaging++;
    try {
      const view = this.#bar ? new ProgressBar(exhibitId) : NO_PROGRESS;
      const { status } = await collectOpened(this.#session, source, exhibitId, view, this.#signal);
      this.#exit = worse(this.#exit, exitFor(status));
    } finally {
      this.#imaging--;
      await source.close();
    }
  }

  /** Says what a failure means for the disk; true when it is not tried again. */
  #leaveAlone(disk: Disk, error: unknown, pause: number): boolean {
    const { events, caseId, config } = this.#session;
    const { code, safe, advice } = toldOf(error);
    const facts = { caseId, identity: disk.identity, name: disk.name, code, because: messageOf(error) };
    const told = AbortSignal.any([this.#session.signal, this.#deadline.signal]);
    if (told.aborted && endOf(error, told) === told.reason) {
      this.#interrupted = true;
      return true;
    }
    if (code === 'COLLECTED') {
      events.info(LogEvent.diskLeftAlone, { ...facts, reason: 'collected' });
      if (config.once) this.#ended.abort();
      return true;
    }
    // What a store refuses, a person can put right while the disk stays attached.
    const again = !told.aborted && error instanceof StageError && (error.retryable || error.code === 'STORE_REFUSED');
    // What passes by itself needs nobody, unless the failure itself says what a person can do.
    events.error(LogEvent.diskLeftAlone, { ...facts, safe, ...(again ? { tryAgainSeconds: pause, advice: error.advice && advice } : { advice }) });
    if (again) return false;
    this.#exit = worse(this.#exit, EXIT.failed);
    if (config.once) this.#ended.abort();
    return true;
  }

  get #reason(): StopReason {
    if (this.#session.signal.aborted) return 'told';
    return this.#deadline.signal.aborted ? 'deadline' : 'done';
  }

  #startDeadline(): NodeJS.Timeout | undefined {
    const { deadlineSeconds } = this.#session.config;
    if (deadlineSeconds === undefined) return undefined;
    const pass = (): void => this.#deadline.abort(new StageError('watch', 'INTERRUPTED', `the deadline of ${deadlineSeconds} s passed`, {
      retryable: true,
      advice: 'Start another collector for the case: what was stored is taken over.',
    }));
    return setTimeout(pass, deadlineSeconds * 1000);
  }

  #heartbeat(): NodeJS.Timeout {
    const started = performance.now();
    const beat = (): void => {
      const uptimeSeconds = Math.round((performance.now() - started) / 1000);
      const rssBytes = process.memoryUsage.rss();
      this.#session.events.info(LogEvent.collectorHeartbeat, { caseId: this.#session.caseId, uptimeSeconds, imaging: this.#imaging, rssBytes });
    };
    return setInterval(beat, this.#session.config.heartbeatSeconds * 1000);
  }

  #warn(error: unknown): void {
    this.#session.events.warn(LogEvent.warning, { message: messageOf(error) });
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => (signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true })));

/** FAILED outweighs PARTIAL, which outweighs COMPLETE. */
const worse = (a: ExitStatus, b: ExitStatus): ExitStatus => ([EXIT.failed, EXIT.partial].find((status) => a === status || b === status) ?? EXIT.complete);
