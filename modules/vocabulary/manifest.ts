import { z } from 'zod';
import type { Sha256 } from './hash-chain.ts';
import { HostileText } from './hostile-text.ts';
import { AcquisitionId, CaseId, ExhibitId, InstanceId, Sha256Hex, UtcTime } from './identifiers.ts';
import { MAX_IMAGE_OBJECTS, MAX_RECORDED_PARTS } from './image-layout.ts';
import { IMAGE_STATUSES } from './status.ts';

/**
 * The manifest: the record that makes an image evidence. It is written last; where there is none, there is no evidence.
 * Field names follow ISO/IEC 27037's minimum record and the terms of NIST's forensic image tests.
 */
export const MANIFEST_SCHEMA = 'cleanroom/manifest/v1';

/** Bad ranges that a manifest names: the 16 MiB of dc3dd's log that are read hold fewer. */
const MAX_BAD_RANGES = 300_000;

/** Entries of every other list: far more than any disk, command line or acquisition makes, and few enough to be told one by one. */
const MAX_LISTED = 10_000;

const Bytes = z.int().min(0);
const Count = z.int().min(0);

/** A run of bytes that could not be read and was filled with zeroes. */
export const BadRange = z.strictObject({
  offset: Bytes,
  length: z.int().min(1),
  /** The error's name, for example `EIO`, as the last try that failed gave it. */
  errno: z.string(),
  /** How often each of its sectors was tried in all. */
  tries: z.int().min(1),
});
export type BadRange = z.infer<typeof BadRange>;

const Source = z.strictObject({
  kind: z.enum(['block-device', 'image-file']),
  /** The EBS volume ID of the disk that was read, from its NVMe serial. */
  attachedVolumeId: z.string().optional(),
  account: z.string().optional(),
  region: z.string().optional(),
  instanceId: InstanceId.optional(),
  snapshotChain: z.array(z.string()).max(MAX_LISTED).optional(),
  /** Device path at the time: a hint for people, never an identity. */
  path: HostileText,
  serial: HostileText.optional(),
  model: HostileText.optional(),
  diskseq: z.string().optional(),
  bootId: z.string().optional(),
  size: Bytes,
  logicalSectorSize: z.int().min(1),
  physicalSectorSize: z.int().min(1).optional(),
  /** File system labels that were seen on the disk and on its partitions, as udev published them. */
  labels: z.array(HostileText).max(MAX_LISTED),
  holders: z.array(HostileText).max(MAX_LISTED),
  readOnlyBefore: z.boolean(),
  readOnlyAfter: z.boolean(),
});

const Tool = z.strictObject({
  collector: z.strictObject({ version: z.string(), node: z.string() }),
  dc3dd: z.strictObject({
    path: z.string(),
    /** Version as the package manager records it: dc3dd's own banner is wrong in packages. */
    packageVersion: z.string().optional(),
    banner: z.string().optional(),
    binarySha256: Sha256Hex,
    argv: z.array(z.string()).max(MAX_LISTED),
  }),
  kernel: z.string(),
  host: z.string(),
  hashSelfTest: z.strictObject({ nodeCrypto: z.literal('passed'), hashWasm: z.literal('passed') }),
});

const Process = z.strictObject({
  openedAt: UtcTime,
  startedAt: UtcTime,
  endedAt: UtcTime,
  exitCode: z.int().nullable(),
  signal: z.string().nullable(),
  footer: z.enum(['completed', 'aborted', 'failed', 'missing']),
  bytesStreamed: Bytes,
  sectorSize: z.int().min(1),
  sectorsIn: Count,
  sectorsOut: Count,
  badSectors: Count,
  badRanges: z.array(BadRange).max(MAX_BAD_RANGES),
  /** What differed from the plan without making the image worthless, in sentences. */
  deviations: z.array(z.string()).max(MAX_LISTED),
});

/** A part's digests: SHA-256 unless the acquisition was told to use a full-object CRC32 or an S3-compatible store's MD5. */
const Part = z
  .strictObject({
    object: z.int().min(0),
    part: z.int().min(1),
    offset: Bytes,
    length: Bytes,
    sha256: Sha256Hex.optional(),
    crc32: z.string().regex(/^[0-9a-f]{8}$/).optional(),
    md5: z.string().regex(/^[0-9a-f]{32}$/).optional(),
  })
  .refine((part) => part.sha256 ?? part.crc32 ?? part.md5, 'a part has a SHA-256, a CRC32 or an MD5');

const Integrity = z.strictObject({
  /** SHA-256 of the whole image, over one uninterrupted pass. */
  sha256: Sha256Hex,
  /** dc3dd's own SHA-256 of what it read, where it was asked for. */
  secondSha256: Sha256Hex.optional(),
  partSize: z.int().min(1),
  parts: z.array(Part).max(MAX_RECORDED_PARTS),
  /** The store's own checksum: which, over what, and whether the store itself verified it. */
  storeChecksum: z.strictObject({
    algorithm: z.enum(['SHA256', 'CRC32', 'MD5', 'none']),
    type: z.enum(['COMPOSITE', 'FULL_OBJECT', 'none']),
    verifiedByStore: z.boolean(),
  }),
  reread: z.enum(['not-asked', 'identical']),
});

const StoredObject = z.strictObject({
  key: z.string(),
  offset: Bytes,
  length: Bytes,
  versionId: z.string().optional(),
  etag: z.string().optional(),
  /** The store's checksum of the object, as the store reports it. */
  checksum: z.string().optional(),
});

const Storage = z.strictObject({
  kind: z.enum(['s3', 'directory']),
  /** `s3://bucket/prefix` or the directory's path. */
  location: z.string(),
  objects: z.array(StoredObject).max(MAX_IMAGE_OBJECTS),
  encryption: z.string().optional(),
  kmsKeyArn: z.string().optional(),
  objectLock: z.strictObject({ mode: z.string(), retainUntil: z.string() }).optional(),
});

/** A log as it was stored. */
export const StoredLog = z.strictObject({ key: z.string(), length: Bytes, sha256: Sha256Hex, versionId: z.string().optional() });

export const Manifest = z.strictObject({
  schema: z.literal(MANIFEST_SCHEMA),
  caseId: CaseId,
  exhibitId: ExhibitId,
  acquisitionId: AcquisitionId,
  /** Who is accountable for this acquisition: the configured role or person. */
  accountable: z.string(),
  status: z.enum(IMAGE_STATUSES).exclude(['FAILED']),
  source: Source,
  tool: Tool,
  process: Process,
  integrity: Integrity,
  storage: Storage,
  records: z.strictObject({ captureLog: StoredLog, custodyLog: StoredLog }),
  createdAt: UtcTime,
  /** SHA-256 of this document's text without this field: see {@link serializeManifest}. */
  selfSha256: Sha256Hex,
});
export type StoredLog = z.infer<typeof StoredLog>;
export type Manifest = z.infer<typeof Manifest>;
export type ManifestBody = Omit<Manifest, 'selfSha256'>;

const print = (value: object): string => `${JSON.stringify(value, null, 2)}\n`;

/** The manifest's text as it is stored: two-space JSON whose last field is the SHA-256 of the text without that field. */
export function serializeManifest(body: ManifestBody, sha256: Sha256): string {
  const parsed = Manifest.omit({ selfSha256: true }).parse(body);
  return print({ ...parsed, selfSha256: sha256(print(parsed)) });
}

export type ManifestCheck = { readonly manifest?: Manifest; readonly problems: readonly string[] };

/** Parses a stored manifest and recomputes its own digest; any changed byte is a problem. */
export function checkManifest(text: string, sha256: Sha256): ManifestCheck {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return { problems: [`not JSON: ${(error as Error).message}`] };
  }
  const parsed = Manifest.safeParse(json);
  if (!parsed.success) return { problems: parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`) };
  const problems: string[] = [];
  if (print(json as object) !== text) problems.push('not in the form it was written in: some byte outside the values changed');
  const { selfSha256, ...body } = json as Manifest;
  const expected = sha256(print(body));
  if (selfSha256 !== expected) problems.push(`selfSha256 is ${selfSha256}, recomputed ${expected}: the manifest was changed`);
  return { manifest: parsed.data, problems };
}
