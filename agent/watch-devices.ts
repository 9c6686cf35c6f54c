import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { watch } from 'chokidar';
import type { HostileText } from '../modules/vocabulary/index.ts';
import { type ListOptions, surveyDisks } from './adapters/block-devices.ts';
import type { AssessedDisk, Disk } from './adapters/disk.ts';
import { devPath } from './adapters/sysfs.ts';
import { LINK_KINDS, type LinkKind, tellingLink } from './adapters/udev-names.ts';
import { DiskLedger } from './disk-ledger.ts';

/**
 * How a disk became known: by the most telling of udev's links to it; by the scan at the start, which finds what was there
 * before; or by a later scan alone, where no link leads to it.
 */
export type Trigger = LinkKind | 'scan' | 'rescan';

export type DeviceEvent =
  /** A disk is there. Once for each attachment; once more when a disk that was left alone becomes eligible. */
  | ({ readonly type: 'found'; readonly trigger: Trigger; readonly link?: HostileText } & AssessedDisk)
  /** A disk that was found has left. */
  | { readonly type: 'gone'; readonly disk: Disk };

export type WatchOptions = ListOptions & {
  /** Milliseconds between scans that nothing asked for: the net under the watches. @default 5000 */
  readonly rescanMs?: number;
  /** Milliseconds that events are gathered before a scan; also the least time between scans. @default 50 */
  readonly debounceMs?: number;
  /** Milliseconds a new disk may wait for udev to finish with it, so that its labels are known. @default 10000 */
  readonly settleMs?: number;
  /** Told of a failed watch or scan; watching goes on. */
  readonly onWarning?: (error: unknown) => void;
};

/** Milliseconds between looks at a disk that udev is still at work on. */
const SETTLE_POLL_MS = 100;

/** Milliseconds the watches may take to stand; then the scans must do. */
const READY_MS = 10_000;

export type DeviceWatcher = {
  /** Scans made so far. */
  readonly scans: number;
  /** Ends the watch; no event is reported from here on. */
  close(): Promise<void>;
};

/**
 * Reports disks as they are attached, freed and detached. Links and events only say *when* to look: every one leads to a
 * survey of all disks, which alone says *what* is there. So a missed, repeated or forged event costs time, never a disk.
 *
 * Resolves when the watches stand and the first scan is done. Ends with the signal or {@link DeviceWatcher.close}.
 * @throws whatever the first scan throws; later failures go to `onWarning`
 */
export async function watchDevices(
  options: WatchOptions,
  onEvent: (event: DeviceEvent) => void,
  signal: AbortSignal,
): Promise<DeviceWatcher> {
  signal.throwIfAborted();
  const { rescanMs = 5000, debounceMs = 50, settleMs = 10_000, onWarning = () => {} } = options;
  const ledger = new DiskLedger(settleMs);
  const stop = new AbortController();
  const stopped = stop.signal;
  let scans = 0;
  let lastScanMs = 0;

  const scan = async (fallback: 'scan' | 'rescan'): Promise<void> => {
    const startedAt = performance.now();
    scans += 1;
    const { gone, found } = ledger.update(await surveyDisks(options));
    for (const disk of gone) if (!stopped.aborted) onEvent({ type: 'gone', disk });
    for (const { disk, verdict, first } of found) {
      const link = first && fallback === 'rescan' ? await tellingLink(options, disk) : undefined;
      if (stopped.aborted) return;
      onEvent({ type: 'found', disk, verdict, trigger: link?.kind ?? fallback, ...(link && { link: link.name }) });
    }
    lastScanMs = performance.now() - startedAt;
  };

  let asked = Promise.withResolvers<void>();
  /** Waits for a reason to look, at most so many milliseconds. */
  const idle = async (ms: number): Promise<void> => {
    const over = new AbortController();
    await Promise.race([asked.promise, delay(ms, undefined, { signal: over.signal }).catch(() => {})]);
    over.abort();
  };
  const keepLooking = async (): Promise<void> => {
    while (!stopped.aborted) {
      await idle(ledger.waiting ? Math.min(SETTLE_POLL_MS, rescanMs) : rescanMs);
      // Gathers a storm of events into one scan, and leaves at least half of the time to others.
      await delay(Math.max(debounceMs, lastScanMs), undefined, { signal: stopped }).catch(() => {});
      if (stopped.aborted) return;
      asked = Promise.withResolvers(); // from here on an event may be about something that this scan misses
      await scan('rescan').catch(onWarning);
    }
  };

  // Directories that do not exist yet, or vanish, are awaited from their nearest parent; a `depth` would count from there
  // and miss the links in them. `atomic` would ignore labels like `x~`.
  const links = watch(
    LINK_KINDS.map((kind) => devPath(options, 'disk', kind)),
    { ignoreInitial: true, followSymlinks: false, atomic: false, ignorePermissionErrors: true },
  );
  links.on('error', onWarning);
  links.on('all', () => asked.resolve());
  let looking = Promise.resolve();
  const close = async (): Promise<void> => {
    signal.removeEventListener('abort', onAbort);
    stop.abort();
    asked.resolve();
    await Promise.all([links.close(), looking]);
  };
  const onAbort = (): void => void close().catch(onWarning);
  signal.addEventListener('abort', onAbort);
  try {
    await once(links, 'ready', { signal: AbortSignal.any([stopped, AbortSignal.timeout(READY_MS)]) }).catch(() => {
      if (!stopped.aborted) onWarning(new Error(`the watch of ${devPath(options, 'disk')} was not ready in ${READY_MS / 1000} s`));
    });
    await scan('scan'); // after the watches stand: what comes later is seen by them
    signal.throwIfAborted();
  } catch (error) {
    await close();
    throw error;
  }
  looking = keepLooking();
  return {
    get scans() {
      return scans;
    },
    close,
  };
}
