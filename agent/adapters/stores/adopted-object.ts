import type { ImageLayout } from '../../../modules/vocabulary/index.ts';
import type { StageError } from '../../errors.ts';
import { compareObject } from './compare-object.ts';
import type { EvidenceStore, ImageUpload } from './evidence-store.ts';
import { undefinedWhenForbidden } from './s3-errors.ts';

/**
 * An object that an earlier attempt completed before it could write the manifest. The source is read once more, and
 * `complete` reads the object back and compares: an object nobody vouches for is never believed.
 * @param taken the store's refusal to overwrite; thrown on where the object cannot be looked at
 */
export async function adoptObject(store: EvidenceStore, key: string, layout: ImageLayout, objectIndex: number, taken: StageError, signal: AbortSignal): Promise<ImageUpload> {
  const found = await store.head(key, signal).catch(undefinedWhenForbidden);
  if (!found) throw taken;
  return {
    key,
    uploadId: 'completed earlier',
    stored: new Map(),
    adopted: true,
    putPart: () => Promise.reject(new Error('an adopted object takes no parts')),
    async complete(digests, completeSignal) {
      const { versionId } = found;
      await compareObject({ store, key, storedLength: found.length, layout, objectIndex, digests, ...(versionId === undefined ? {} : { versionId }) }, completeSignal);
      return found;
    },
    release: () => Promise.resolve(),
  };
}
