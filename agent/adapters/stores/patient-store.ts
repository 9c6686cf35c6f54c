import { StageError } from '../../errors.ts';
import { abandon, answered, Waiting } from '../patience.ts';
import type { EvidenceStore, ImageUpload, PartSource, Slab, StoredObjectInfo, StoredPart, UnfinishedUpload, UploadOptions } from './evidence-store.ts';
import { inTurn } from './in-turn.ts';

/** Longest wait for what an upload still does when the collector was told to stop. Milliseconds. */
const RELEASE_MS = 4000;

/** How long a store may be silent; once it was, nothing is asked of it until it has answered. */
class Patience {
  readonly #location: string;
  readonly milliseconds: number;
  readonly #turn = inTurn();
  #stuck = 0;
  #waited = 0;

  constructor(location: string, milliseconds: number) {
    this.#location = location;
    this.milliseconds = milliseconds;
  }

  get isAtEnd(): boolean {
    return this.#stuck > 0;
  }

  /** @throws StageError code STORE_SILENT */
  ask<T>(work: () => Promise<T>): Promise<T> {
    return this.#turn(() => {
      if (this.isAtEnd) throw this.late();
      return this.wait(work(), this.milliseconds);
    });
  }

  /** @throws StageError code STORE_SILENT */
  wait<T>(asked: Promise<T>, milliseconds: number): Promise<T> {
    return answered(asked, () => this.#stop(asked, milliseconds), milliseconds);
  }

  /** As {@link ask}, for each of them. */
  async *askEach<T>(items: AsyncIterable<T>): AsyncGenerator<T> {
    const iterator = items[Symbol.asyncIterator]();
    try {
      for (let next = await this.ask(() => iterator.next()); next.done !== true; next = await this.ask(() => iterator.next())) yield next.value;
    } finally {
      if (this.isAtEnd) abandon(Promise.resolve(iterator.return?.())); // it closes what it opened when it is answered
      else await this.ask(async () => iterator.return?.());
    }
  }

  /** Gives up on work that nothing can cancel. */
  giveUp(work: Promise<unknown>): StageError {
    abandon(work);
    return this.#stop(work, this.milliseconds);
  }

  /** Nothing more is asked until this has settled. */
  #stop(work: Promise<unknown>, milliseconds: number): StageError {
    this.#stuck++;
    this.#waited = milliseconds;
    work.catch(() => undefined).finally(() => this.#stuck--);
    return this.late();
  }

  late(): StageError {
    return new StageError('store', 'STORE_SILENT', `${this.#location} gave no answer for ${Math.round(this.#waited / 1000)} s`, {
      retryable: true,
      advice: 'Look at what is mounted there (a file server that is gone?) and at the kernel log; start the same command again when it answers, or raise --stall-seconds.',
    });
  }
}

/**
 * A directory whose file system may cease to answer: of a file server that is gone, or on a disk that hangs. Whoever asks it waits
 * for ever, and nothing can cancel that; here it is given up after `milliseconds`, with the code STORE_SILENT, resumable.
 */
export class PatientStore implements EvidenceStore {
  readonly kind: EvidenceStore['kind'];
  readonly location: string;
  readonly partChecksum: EvidenceStore['partChecksum'];
  readonly #store: EvidenceStore;
  readonly #patience: Patience;

  constructor(store: EvidenceStore, milliseconds: number) {
    const { kind, location, partChecksum } = store;
    [this.kind, this.location, this.partChecksum] = [kind, location, partChecksum];
    this.#store = store;
    this.#patience = new Patience(location, milliseconds);
  }

  /** @throws what `open` throws, and STORE_SILENT */
  static async open(location: string, open: () => Promise<EvidenceStore>, milliseconds: number): Promise<PatientStore> {
    return new PatientStore(await new Patience(location, milliseconds).ask(open), milliseconds);
  }

  async openImage(key: string, options: UploadOptions, signal: AbortSignal): Promise<ImageUpload> {
    let opening: Promise<ImageUpload> | undefined;
    try {
      return new PatientUpload(await this.#patience.ask(() => (opening = this.#store.openImage(key, options, signal))), this.#patience, signal);
    } catch (error) {
      opening?.then((late) => late.release()).catch(() => undefined); // its lock would stand against our own next try
      throw error;
    }
  }

  putRecord(...record: Parameters<EvidenceStore['putRecord']>): Promise<StoredObjectInfo> {
    return this.#patience.ask(() => this.#store.putRecord(...record));
  }

  head(...object: Parameters<EvidenceStore['head']>): Promise<StoredObjectInfo | undefined> {
    return this.#patience.ask(() => this.#store.head(...object));
  }

  read(...object: Parameters<EvidenceStore['read']>): AsyncIterable<Uint8Array> {
    return this.#patience.askEach(this.#store.read(...object));
  }

  list(...under: Parameters<EvidenceStore['list']>): AsyncIterable<string> {
    return this.#patience.askEach(this.#store.list(...under));
  }

  unfinished(...under: Parameters<EvidenceStore['unfinished']>): AsyncIterable<UnfinishedUpload> {
    return this.#patience.askEach(this.#store.unfinished(...under));
  }

  async close(): Promise<void> {
    if (!this.#patience.isAtEnd) await this.#store.close();
  }
}

class PatientUpload implements ImageUpload {
  readonly key: string;
  readonly uploadId: string;
  readonly stored: ImageUpload['stored'];
  readonly readsBack?: true;
  readonly #upload: ImageUpload;
  readonly #patience: Patience;
  readonly #signal: AbortSignal;
  #released: Promise<void> | undefined;

  /** @param signal of the acquisition */
  constructor(upload: ImageUpload, patience: Patience, signal: AbortSignal) {
    const { key, uploadId, stored, readsBack } = upload;
    [this.key, this.uploadId, this.stored] = [key, uploadId, stored];
    if (readsBack) this.readsBack = readsBack;
    this.#upload = upload;
    this.#patience = patience;
    this.#signal = signal;
  }

  async putPart(source: PartSource, signal: AbortSignal): Promise<StoredPart> {
    if (this.#patience.isAtEnd) throw this.#patience.late();
    const late = Promise.withResolvers<never>();
    const waiting = new Waiting(this.#patience.milliseconds, () => late.reject(this.#patience.giveUp(this.#letGo())));
    waiting.begin();
    try {
      return await Promise.race([this.#upload.putPart(timed(source, waiting), signal), late.promise]);
    } finally {
      waiting.end();
    }
  }

  complete(...how: Parameters<ImageUpload['complete']>): Promise<StoredObjectInfo> {
    return this.#patience.ask(() => this.#upload.complete(...how));
  }

  async release(): Promise<void> {
    const releasing = this.#letGo();
    if (this.#patience.isAtEnd) return abandon(releasing); // it lets go when the store answers
    const { milliseconds } = this.#patience;
    await this.#patience.wait(releasing, this.#signal.aborted ? Math.min(RELEASE_MS, milliseconds) : milliseconds);
  }

  #letGo(): Promise<void> {
    return (this.#released ??= this.#upload.release());
  }
}

/** A part's slabs, with the time counted that the store takes for them: not while it waits for the source and holds none. */
function timed(source: PartSource, waiting: Waiting): PartSource {
  let held = 0;
  let asks = false;
  const look = (): void => (asks && held === 0 ? waiting.pause() : waiting.begin());
  const lent = (slab: Slab): Slab => {
    held++;
    return {
      bytes: slab.bytes,
      release() {
        held--;
        look();
        slab.release();
      },
    };
  };
  const slabs = (): AsyncIterable<Slab> => {
    const iterator = source.slabs()[Symbol.asyncIterator]();
    const next = async (): Promise<IteratorResult<Slab>> => {
      asks = true;
      look();
      try {
        const { done, value } = await iterator.next();
        return done === true ? { done, value } : { done: false, value: lent(value) };
      } finally {
        asks = false;
        look();
      }
    };
    return { [Symbol.asyncIterator]: () => ({ next, return: async () => (await iterator.return?.()) ?? { done: true, value: undefined } }) };
  };
  return { range: source.range, digests: source.digests, slabs };
}
