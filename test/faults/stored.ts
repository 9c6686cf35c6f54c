import { S3Store } from '../../agent/adapters/stores/s3-store.ts';
import { directoryStore } from '../../agent/adapters/stores/directory-store.ts';
import type { EvidenceStore } from '../../agent/adapters/stores/evidence-store.ts';
import { checkManifest, imageKey, recordKey, type Manifest } from '../../modules/vocabulary/index.ts';
import { sha256Hex } from '../helpers/evidence.ts';
import { s3ClientOf, useCredentials } from '../helpers/s3-store.ts';
import { CASE, EXHIBIT, type Bucket, type Place } from './place.ts';

const live = (): AbortSignal => new AbortController().signal;

/** Looks into a place from this process. */
export function storeOf(place: Place): Promise<EvidenceStore> {
  if (!('bucket' in place)) return directoryStore(place.to);
  const { front, bucket } = place as Bucket;
  useCredentials();
  return Promise.resolve(new S3Store({ client: s3ClientOf(front), bucket, prefix: 'lab', algorithm: 'SHA256' }));
}

async function readAll(store: EvidenceStore, key: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of store.read(key, undefined, live())) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The manifest of the exhibit; rejects where there is none, or a wrong one. */
export async function manifestOf(place: Place): Promise<Manifest> {
  const store = await storeOf(place);
  try {
    const { manifest, problems } = checkManifest((await readAll(store, recordKey(CASE, EXHIBIT, 'manifest.json'))).toString(), sha256Hex);
    if (!manifest || problems.length > 0) throw new Error(`the manifest is wrong: ${problems.join('; ')}`);
    return manifest;
  } finally {
    await store.close();
  }
}

/** The image as it is stored, of all its objects. */
export async function storedImage(place: Place): Promise<Buffer> {
  const { storage } = await manifestOf(place);
  const store = await storeOf(place);
  try {
    const pieces: Buffer[] = [];
    for (const index of storage.objects.keys()) pieces.push(await readAll(store, imageKey(CASE, EXHIBIT, storage.objects.length > 1 ? index : undefined)));
    return Buffer.concat(pieces);
  } finally {
    await store.close();
  }
}

/** Keys of all objects in a place. */
export async function keysOf(place: Place): Promise<string[]> {
  const store = await storeOf(place);
  try {
    return await Array.fromAsync(store.list('', live()));
  } finally {
    await store.close();
  }
}

/** Every record beside the images, with its text. */
export async function recordsOf(place: Place): Promise<readonly { readonly key: string; readonly text: string }[]> {
  const store = await storeOf(place);
  try {
    const keys = (await Array.fromAsync(store.list('', live()))).filter((key) => !key.includes('.image.dd'));
    return await Promise.all(keys.map(async (key) => ({ key, text: (await readAll(store, key)).toString() })));
  } finally {
    await store.close();
  }
}
