import type { SurveyedDisk } from './adapters/block-devices.ts';
import type { AssessedDisk, Disk } from './adapters/disk.ts';

/** What is news since the survey before. */
export type Changes = {
  readonly gone: readonly Disk[];
  /** `first` is false for a disk that was known, but left alone until now. */
  readonly found: readonly (AssessedDisk & { readonly first: boolean })[];
};

/** A free loop or network block device: a socket without a disk in it, of which a machine may have hundreds. */
const isFreeSlot = ({ disk, verdict }: AssessedDisk): boolean =>
  !verdict.eligible && verdict.reason === 'no-medium' && disk.backingFile === undefined && /^(?:loop|nbd)\d/.test(disk.name);

/** Whether udev may say what it likes of a disk: it is left alone for as long as it is there. */
const isForEver = ({ verdict }: AssessedDisk): boolean =>
  !verdict.eligible && (verdict.reason === 'root-disk' || verdict.reason === 'virtual' || verdict.reason === 'instance-store');

/** Turns one survey after another into events: what is new, what was freed, what has left. */
export class DiskLedger {
  /** Attachments that were reported, and whether as eligible. Never forgotten: the kernel gives no diskseq twice. */
  readonly #reported = new Map<string, boolean>();
  readonly #present = new Map<string, Disk>();
  readonly #waitingSince = new Map<string, number>();
  readonly #settleMs: number;

  /** @param settleMs milliseconds a new disk may wait for udev to finish with it */
  constructor(settleMs: number) {
    this.#settleMs = settleMs;
  }

  /** Whether a disk is kept back because udev is still at work on it. */
  get waiting(): boolean {
    return this.#waitingSince.size > 0;
  }

  /** Enters a survey and gives what it changed. */
  update(survey: readonly SurveyedDisk[]): Changes {
    const keyed = new Map(
      survey.filter((each) => !isFreeSlot(each)).map((each) => [`${each.disk.identity}/${each.disk.diskseq}`, each]),
    );
    const gone = [...this.#present].filter(([key]) => !keyed.has(key));
    for (const [key] of gone) this.#present.delete(key);
    for (const key of this.#waitingSince.keys()) if (!keyed.has(key)) this.#waitingSince.delete(key);
    const found = [...keyed].flatMap(([key, surveyed]) => {
      const { disk, verdict } = surveyed;
      const settled = surveyed.settled || isForEver(surveyed);
      const before = this.#reported.get(key);
      const isNews = before === undefined || (!before && verdict.eligible);
      if (isNews && !settled && !this.#waitedLongEnough(key)) return [];
      this.#waitingSince.delete(key);
      this.#present.set(key, disk);
      if (!isNews) return [];
      this.#reported.set(key, verdict.eligible);
      return [{ disk, verdict, first: before === undefined }];
    });
    return { gone: gone.map(([, disk]) => disk), found };
  }

  #waitedLongEnough(key: string): boolean {
    const now = performance.now();
    const since = this.#waitingSince.get(key) ?? now;
    this.#waitingSince.set(key, since);
    return now - since >= this.#settleMs;
  }
}
