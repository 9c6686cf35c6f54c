import { imageKey, recordKey } from './evidence-keys.ts';
import { S3_LIMITS } from './image-layout.ts';
import type { Manifest, ManifestBody } from './manifest.ts';

/**
 * What a manifest says that cannot be true together: the verified-image contract, read from the record alone. A genuine
 * manifest breaks none. Times are not judged by each other: a host's clock may be set back while an image is taken.
 * Each problem is one sentence; text from the manifest in it is not escaped.
 */
export const manifestRules = (manifest: Manifest | ManifestBody): string[] => [
  ...keyRules(manifest),
  ...processRules(manifest),
  ...badSectorRules(manifest),
  ...tilingRules(manifest),
  ...integrityRules(manifest),
];

/** Problems with how the objects and parts cover the image; where there are none, the parts can be checked in one pass. */
export const tilingRules = (manifest: Manifest | ManifestBody): string[] => [...objectRules(manifest), ...partRules(manifest)];

/** Problems of the list whose condition holds. */
const broken = (rules: readonly (readonly [broken: boolean, problem: string])[]): string[] =>
  rules.flatMap(([isBroken, problem]) => (isBroken ? [problem] : []));

/** A manifest speaks of its own exhibit only: a key of another's must never be read in its name. */
function keyRules({ caseId, exhibitId, acquisitionId, storage: { objects }, records }: ManifestBody): string[] {
  const pieces = objects.map(({ key }, index) => {
    const expected = imageKey(caseId, exhibitId, objects.length > 1 ? index : undefined);
    return [key !== expected, `object ${index} is ${key}, expected ${expected}`] as const;
  });
  const isLog = (key: string, record: 'capture.log' | 'custody.jsonl'): boolean =>
    key === recordKey(caseId, exhibitId, record) || key === recordKey(caseId, exhibitId, record, acquisitionId);
  return broken([
    ...pieces,
    [!isLog(records.captureLog.key, 'capture.log'), `the capture log is ${records.captureLog.key}, expected ${recordKey(caseId, exhibitId, 'capture.log')}`],
    [!isLog(records.custodyLog.key, 'custody.jsonl'), `the custody log is ${records.custodyLog.key}, expected ${recordKey(caseId, exhibitId, 'custody.jsonl')}`],
  ]);
}

function processRules({ source, process }: ManifestBody): string[] {
  const { size, kind } = source;
  const { exitCode, signal, footer, bytesStreamed, sectorSize } = process;
  const wrongSectors = (sectors: number): boolean => {
    // A disk has whole sectors only; a file may end inside one, which a tool may count or not.
    const rest = kind === 'image-file' ? size % sectorSize : 0;
    return sectors * sectorSize !== size - rest && (rest === 0 || sectors * sectorSize !== size - rest + sectorSize);
  };
  const counted = (what: 'in' | 'out', sectors: number) =>
    [wrongSectors(sectors), `${sectors} sectors ${what} of ${sectorSize} bytes are not the source's ${size} bytes`] as const;
  return broken([
    [exitCode !== 0, `the imaging tool's exit status is ${exitCode ?? 'unknown'}, and only 0 makes evidence`],
    [signal !== null, `the imaging tool was ended by the signal ${signal ?? ''}`],
    [footer !== 'completed', `the imaging tool's last word is "${footer}", expected "completed"`],
    [bytesStreamed !== size, `${bytesStreamed} bytes were streamed of a source of ${size}`],
    counted('in', process.sectorsIn),
    counted('out', process.sectorsOut),
    [kind === 'block-device' && size % source.logicalSectorSize !== 0, `the disk's ${size} bytes are not whole sectors of ${source.logicalSectorSize}`],
    [kind === 'block-device' && !source.readOnlyAfter, 'the disk was not read-only at the end'],
  ]);
}

function badSectorRules({ status, source, process: { badSectors, badRanges, sectorSize } }: ManifestBody): string[] {
  const problems = broken([
    [status === 'COMPLETE' && (badSectors > 0 || badRanges.length > 0), `the status is COMPLETE with ${badSectors} bad sectors in ${badRanges.length} ranges`],
    [status === 'PARTIAL' && badSectors === 0, 'the status is PARTIAL without a bad sector'],
  ]);
  let end = 0;
  let mapped = 0;
  for (const { offset, length } of badRanges) {
    const range = `the bad range at ${offset} of ${length} bytes`;
    problems.push(
      ...broken([
        [offset < end, `${range} overlaps the one before it or is out of order`],
        [offset + length > source.size, `${range} ends behind the source's ${source.size} bytes`],
        [offset % sectorSize !== 0 || length % sectorSize !== 0, `${range} is not made of whole sectors of ${sectorSize}`],
      ]),
    );
    end = Math.max(end, offset + length);
    mapped += length;
  }
  if (mapped > 0 && mapped >= source.size) problems.push('every sector of the source is bad, and nothing of it is evidence');
  if (mapped !== badSectors * sectorSize) {
    problems.push(`${badSectors} bad sectors of ${sectorSize} bytes are counted, and ${mapped} bytes are mapped`);
  }
  return problems;
}

function objectRules({ source, storage: { objects } }: ManifestBody): string[] {
  const problems = objects.length === 0 ? ['the manifest names no object'] : [];
  let end = 0;
  for (const [index, { offset, length }] of objects.entries()) {
    if (offset !== end) problems.push(`object ${index} begins at ${offset}, the one before it ends at ${end}`);
    if (length === 0 && source.size > 0) problems.push(`object ${index} is empty`);
    end = offset + length;
  }
  if (objects.length > 0 && end !== source.size) problems.push(`the objects end at ${end}, the source has ${source.size} bytes`);
  return problems;
}

/** The parts of each object tile it: numbered from 1, without gap or overlap, all but the last of the part size. */
function partRules({ integrity: { parts, partSize }, storage: { objects } }: ManifestBody): string[] {
  const problems: string[] = [];
  let next = 0; // index into parts
  for (const [object, { offset, length }] of objects.entries()) {
    let position = offset;
    for (let number = 1; parts[next]?.object === object; number++, next++) {
      const part = parts[next]!;
      const name = `part ${part.part} of object ${object}`;
      const isLast = parts[next + 1]?.object !== object;
      const wrongSize = isLast ? part.length > partSize || (part.length === 0 && length > 0) : part.length !== partSize;
      problems.push(
        ...broken([
          [part.part !== number, `${name} stands where part ${number} belongs`],
          [part.offset > position, `${name} begins at ${part.offset}: bytes ${position} to ${part.offset} are in no part`],
          [part.offset < position, `${name} begins at ${part.offset}, inside the part before it, which ends at ${position}`],
          [wrongSize, `${name} has ${part.length} bytes, the part size is ${partSize}`],
          [number === S3_LIMITS.maxParts + 1, `object ${object} has over ${S3_LIMITS.maxParts} parts`],
        ]),
      );
      position = part.offset + part.length;
    }
    if (position !== offset + length) problems.push(`the parts of object ${object} end at ${position}, the object at ${offset + length}`);
    if (length === 0 && parts[next - 1]?.object !== object) problems.push(`object ${object} has no part; an empty one has one empty part`);
  }
  if (next < parts.length) problems.push(`part ${parts[next]!.part} of object ${parts[next]!.object} is of no object, or out of order`);
  return problems;
}

function integrityRules({ integrity: { sha256, secondSha256, parts, storeChecksum, reread } }: ManifestBody): string[] {
  const [only] = parts;
  return broken([
    [secondSha256 !== undefined && secondSha256 !== sha256, `the imaging tool's own SHA-256 ${secondSha256 ?? ''} is not the image's ${sha256}`],
    [
      parts.length === 1 && only?.sha256 !== undefined && only.sha256 !== sha256,
      `the only part's SHA-256 ${only?.sha256 ?? ''} is not the image's ${sha256}`,
    ],
    [storeChecksum.algorithm === 'none' && storeChecksum.verifiedByStore, 'the store is said to have verified a checksum that there is none of'],
    [!storeChecksum.verifiedByStore && reread !== 'identical', 'what was stored was neither verified by the store nor read back'],
  ]);
}
