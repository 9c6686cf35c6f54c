import { z } from 'zod';
import { CaseId, ExhibitId, GiB, MiB, S3_LIMITS } from '../../modules/vocabulary/index.ts';
import { printSize } from './sizes.ts';

/** How a setting is written: decides what a flag, a variable or a tag's text is turned into. */
export type SettingKind = 'text' | 'switch' | 'number' | 'size' | 'choice';

/** What the command line, the environment, tags and `--print-config` need to know of a setting. */
export type SettingMeta = {
  readonly kind: SettingKind;
  /** For `--help`: what it does, with its limits; the default is printed beside it. */
  readonly description: string;
  /** Name in kebab case, where it is not the key's own. */
  readonly name?: string;
  /** Placeholder for the value in `--help`. */
  readonly value?: string;
  /** What is allowed, where the schema's own message would not say. */
  readonly allowed?: string;
};

/** Meta data of every setting, by its schema. */
export const settingMeta = z.registry<SettingMeta>();

const choice = <const T extends readonly [string, ...string[]]>(choices: T, fallback: T[number], description: string) =>
  z.enum(choices).default(fallback as never).register(settingMeta, {
    kind: 'choice', description, value: choices.join('|'), allowed: choices.map((text) => `"${text}"`).join(', '),
  });

const flag = (fallback: boolean, description: string) =>
  z.boolean().default(fallback).register(settingMeta, { kind: 'switch', description, allowed: 'true or false' });

const count = (min: number, max: number, fallback: number, description: string, value = 'number') =>
  z.int().min(min).max(max).default(fallback).register(settingMeta, { kind: 'number', description, value, allowed: `a whole number from ${min} to ${max}` });

const bytes = (min: number, max: number) => z.int().min(min).max(max);
const sizeMeta = (min: number, max: number, description: string): SettingMeta => ({
  kind: 'size', description, value: 'size', allowed: `${printSize(min)} to ${printSize(max)}, for example 16MiB`,
});

const MAX_OBJECT = S3_LIMITS.maxParts * S3_LIMITS.maxPartSize;

/** Text that goes into headers, logs and the manifest as it is: printable ASCII. */
const printable = (max: number) => z.string().min(1).max(max).regex(/^[\x20-\x7e]+$/);

/** A bucket's name and a prefix of safe segments. */
export const S3_LOCATION = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])((?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._-]+)*)\/?$/;

/** A directory, unless it begins as a URL does: `s3:/bucket` is a mistyped bucket, and nobody may find out after imaging into a folder. */
const Destination = printable(4096).refine((to) => !/^[a-z][a-z0-9+.-]*:/i.test(to) || S3_LOCATION.test(to));

const Endpoint = printable(2048).refine((text) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && /^https?:$/.test(url.protocol) && !url.username && !url.password && !url.search && !url.hash;
});

/** Every setting of the collector, with its limits and default. The one place they are stated. */
export const CollectorConfig = z.strictObject({
  caseId: CaseId.optional().register(settingMeta, {
    kind: 'text', name: 'case', value: 'id', description: 'the case that the images belong to', allowed: '1 to 64 of A-Z a-z 0-9 . _ -',
  }),
  volumeId: ExhibitId.optional().register(settingMeta, {
    kind: 'text', name: 'volume', value: 'id', description: 'name of the exhibit when one disk is imaged (of run, with --once); otherwise the EBS volume ID, or boot ID and diskseq',
    allowed: '1 to 128 of A-Z a-z 0-9 . _ -',
  }),
  to: Destination.default('./evidence').register(settingMeta, {
    kind: 'text', value: 'directory|s3://bucket[/prefix]', description: 'where evidence is stored', allowed: 'a directory (./s3:x where its name begins as a URL does), or s3://bucket[/prefix]; a bucket is 3 to 63 of a-z 0-9 . -, a prefix A-Z a-z 0-9 . _ - /',
  }),
  endpoint: Endpoint.optional().register(settingMeta, {
    kind: 'text', value: 'url', description: 'URL of an S3-compatible store', allowed: 'an http or https URL without user, password, query or fragment',
  }),
  region: z.string().regex(/^[a-z0-9-]{2,32}$/).optional().register(settingMeta, {
    kind: 'text', value: 'region', description: 'Region of the bucket and of the log groups; otherwise AWS_REGION, AWS_DEFAULT_REGION, the profile\'s, or the instance\'s own', allowed: 'a Region such as eu-central-1',
  }),
  forcePathStyle: flag(false, 'address the bucket in the path, not the host name; S3-compatible stores often need it'),
  kmsKeyId: z.string().regex(/^[A-Za-z0-9:/_-]{1,2048}$/).optional().register(settingMeta, {
    kind: 'text', value: 'key', description: 'KMS key that S3 encrypts with; without it the bucket\'s default decides', allowed: 'a key ID, alias/… or ARN',
  }),
  partChecksum: choice(['sha256', 'crc32', 'md5'], 'sha256', 'checksum that the store verifies for each part; resuming leans on sha256'),
  partSize: bytes(S3_LIMITS.minPartSize, S3_LIMITS.maxPartSize).optional()
    .register(settingMeta, sizeMeta(S3_LIMITS.minPartSize, S3_LIMITS.maxPartSize, 'bytes of a part; without it the disk\'s size decides')),
  maxObjectSize: bytes(S3_LIMITS.minPartSize, MAX_OBJECT).optional()
    .register(settingMeta, sizeMeta(S3_LIMITS.minPartSize, MAX_OBJECT, 'largest object before the image is split')),
  ringSize: bytes(4 * MiB, GiB).default(64 * MiB).register(settingMeta, sizeMeta(4 * MiB, GiB, 'memory between reading and storing, for each disk')),
  concurrency: count(1, 64, 12, 'parts that are stored at once, for each disk'),
  secondHash: flag(false, 'let dc3dd hash as well, as a second opinion'),
  reread: choice(['auto', 'always', 'never'], 'auto', 'read what was stored again and compare; auto: where the store did not verify each part itself'),
  resume: choice(['auto', 'never'], 'auto', 'take over what an earlier attempt stored; never: begin anew beside it, and leave it as it is'),
  parallel: count(1, 8, 1, 'disks that are imaged at once'),
  once: flag(false, 'end after the first disk'),
  deadlineSeconds: z.int().min(1).max(1_209_600).optional().register(settingMeta, {
    kind: 'number', value: 'seconds', description: 'end, resumable, so long after it was ready; without it the watch goes on', allowed: 'a whole number from 1 to 1209600 (14 days)',
  }),
  idleSeconds: z.int().min(5).max(86_400).optional().register(settingMeta, {
    kind: 'number', value: 'seconds', description: 'end when at least one disk was imaged and nothing more came for so long', allowed: 'a whole number from 5 to 86400',
  }),
  ignoreAttached: flag(false, 'leave alone the disks that are attached when the watch begins'),
  includeInstanceStore: flag(false, 'image instance-store disks too'),
  allowWritableSource: flag(false, 'image files only: go on when the source cannot be set read-only'),
  accountable: printable(256).optional().register(settingMeta, {
    kind: 'text', value: 'name', description: 'role or person who is accountable; otherwise the instance profile\'s ARN, or user@host',
    allowed: '1 to 256 printable ASCII characters',
  }),
  snapshotChain: z.string().regex(/^snap-[0-9a-f]{8,17}(?:,snap-[0-9a-f]{8,17}){0,15}$/).optional().register(settingMeta, {
    kind: 'text', value: 'ids', description: 'snapshots that the disk was made from, the first one first; for the manifest', allowed: 'up to 16 snapshot IDs with commas between them',
  }),
  logs: choice(['auto', 'cloudwatch', 'none'], 'auto', 'where events go besides standard output; auto: CloudWatch Logs when evidence goes to AWS'),
  logGroupPrefix: z.string().max(400).regex(/^[A-Za-z0-9._/#-]*$/).default('').register(settingMeta, {
    kind: 'text', value: 'prefix', description: 'put before the names of the three log groups, for example /cleanroom/', allowed: 'up to 400 of A-Z a-z 0-9 . _ / # -',
  }),
  awaitLogs: flag(false, 'end only when every event was delivered, however long that takes; for a machine that powers off then'),
  scratchDir: printable(4096).regex(/^\//).optional().register(settingMeta, {
    kind: 'text', value: 'directory', description: 'for spooled events and other scratch files; /var/lib/cleanroom where this user owns it', allowed: 'an absolute path',
  }),
  rescanSeconds: count(1, 3600, 30, 'how often disks are looked for without being told', 'seconds'),
  heartbeatSeconds: count(5, 3600, 60, 'how often a heartbeat is logged', 'seconds'),
  requestTimeoutSeconds: count(1, 3600, 120, 'how long a request may make no progress', 'seconds'),
  stallSeconds: count(5, 86_400, 900, 'how long a disk, or the evidence directory, may give no answer before it is given up, resumable', 'seconds'),
  partTries: count(1, 50, 8, 'how often a part is tried before the acquisition stops, resumable'),
  json: flag(false, 'JSON lines on standard output'),
  progress: flag(true, 'log lines on a terminal instead of sentences and a progress bar'),
});

/** A valid configuration; what has a default that depends on the host is filled in by `loadConfig`. */
export type CollectorConfig = z.infer<typeof CollectorConfig> & {
  readonly accountable: string;
  readonly scratchDir: string;
};
export type ConfigKey = keyof z.infer<typeof CollectorConfig>;
