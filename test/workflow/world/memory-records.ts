import type { Records, StoredRecord } from '../../../modules/acquisition-workflow/handlers/records.ts';

/** Records that are kept in memory, under the same conditions as in S3: for tests of what is written, not of how. */
export class MemoryRecords implements Records {
  readonly #stored = new Map<string, StoredRecord>();
  #writes = 0;

  read(key: string): Promise<StoredRecord | undefined> {
    return Promise.resolve(this.#stored.get(key));
  }

  write(key: string, text: string, seen: StoredRecord | undefined): Promise<string | undefined> {
    if (this.#stored.get(key)?.etag !== seen?.etag) return Promise.resolve(undefined);
    const etag = `"${this.#writes++}"`;
    this.#stored.set(key, { text, etag });
    return Promise.resolve(etag);
  }
}
