import { createHash } from 'node:crypto';
import { combineCrc32, type Manifest } from '../../../vocabulary/index.ts';
import type { StoredObject } from './stored-object.ts';

type Part = Manifest['integrity']['parts'][number];

/** SHA-256 of a multipart object as S3 makes it: of the parts' digests, one after the other. */
const compositeSha256 = (parts: readonly Part[]): string | undefined => {
  const hash = createHash('sha256');
  for (const { sha256 } of parts) {
    if (sha256 === undefined) return undefined;
    hash.update(Buffer.from(sha256, 'hex'));
  }
  return `${hash.digest('base64')}-${parts.length}`;
};

const fullCrc32 = (parts: readonly Part[]): string | undefined => {
  let combined = 0;
  for (const { crc32, length } of parts) {
    if (crc32 === undefined) return undefined;
    combined = combineCrc32(combined, Number.parseInt(crc32, 16), length);
  }
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(combined);
  return bytes.toString('base64');
};

/**
 * Compares one object of the image with what the manifest says of it. The store made its checksum of the bytes it
 * received; here it is made again of the parts' digests in the manifest, so every part is proven without reading one.
 */
export function imageObjectProblems(manifest: Manifest, index: number, stored: StoredObject | undefined, latest: StoredObject | undefined): string[] {
  const recorded = manifest.storage.objects[index]!;
  const name = `image object ${index} (${recorded.key})`;
  if (recorded.versionId === undefined) return [`${name}: the manifest names no version, so nothing says which one it means`];
  if (!stored) return [`${name}: version ${recorded.versionId} is not there`];
  const parts = manifest.integrity.parts.filter(({ object }) => object === index);
  const problems: string[] = [];
  if (stored.length !== recorded.length) problems.push(`${name} has ${stored.length} bytes, the manifest says ${recorded.length}`);
  if (latest?.versionId !== recorded.versionId) {
    problems.push(`${name}: its latest version is ${latest?.versionId ?? 'gone'}, the manifest names ${recorded.versionId}: somebody wrote or deleted after it`);
  }
  return [...problems, ...checksumProblems(name, parts, recorded.checksum, stored)];
}

function checksumProblems(name: string, parts: readonly Part[], recorded: string | undefined, stored: StoredObject): string[] {
  const [algorithm, given, made] =
    stored.sha256 !== undefined ? (['SHA-256', stored.sha256, compositeSha256(parts)] as const)
    : stored.crc32 !== undefined ? (['CRC32', stored.crc32, fullCrc32(parts)] as const)
    : ([undefined, undefined, undefined] as const);
  if (algorithm === undefined) return [`${name}: the store has no checksum of it, so its bytes are not proven`];
  if (made === undefined) return [`${name}: the store has a ${algorithm}, and the manifest's parts have none to compare with`];
  const problems = given === made ? [] : [`${name}: the store's ${algorithm} is ${given}, that of the manifest's parts ${made}`];
  if (recorded !== undefined && recorded !== given) problems.push(`${name}: the store's ${algorithm} is ${given}, the manifest says ${recorded}`);
  return problems;
}
