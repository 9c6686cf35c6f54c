import { objectLength, type ImageLayout } from '../../../modules/vocabulary/index.ts';
import { StageError } from '../../errors.ts';
import { compareObject } from './compare-object.ts';
import type { EvidenceStore, ImageUpload } from './evidence-store.ts';
import { undefinedWhenForbidden } from './s3-errors.ts';

/**
 * An object that an earlier attempt completed before it could write the manifest. The source is read once more, and
 * `complete` reads the object back and compares: an object nobody vouches for is never believed.
 * @param taken the store's refusal to overwrite; thrown on where the object cannot be looked at
 * @throws StageError code LAYOUT_DIFFERS where its length alone shows that it is not what is planned
 */
export async function adoptObject(store: EvidenceStore, key: string, layout: ImageLayout, objectIndex: number, taken: StageError, signal: AbortSignal): Promise<ImageUpload> {
  const found = await store.head(key, signal).catch(undefinedWhenForbidden);
  if (!found) throw taken;
  const planned = objectLength(layout, objectIndex);
  if (found.length !== planned) {
    throw new StageError('store', 'LAYOUT_DIFFERS', `${key} is complete with ${found.length} bytes, planned are ${planned}`, {
      retryable: false,
      safe: 'What is stored was not touched.',
      advice: 'See that it is the disk that --case and --volume name, and give --max-object-size and --part-size as they were given then; or image it under another --volume.',
    });
  }
  return {
    key,
    uploadId: 'completed earlier',
    stored: new Map(),
    adopted: true,
    putPart: () => Promise.reject(new Error('an adopted object takes no parts')),
    async complete(digests, completeSignal) {
      const { versionId } = found;
      await compareObject({ store, key, layout, objectIndex, digests, ...(versionId === undefined ? {} : { versionId }) }, completeSignal);
      return found;
    },
    release: () => Promise.resolve(),
  };
}
