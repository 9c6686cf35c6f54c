import { fileURLToPath } from 'node:url';
import { GiB, MiB } from '../../modules/vocabulary/index.ts';
import type { Door } from './start-sink.ts';

/** Where a case's image goes: through a door of the sink, into a folder on tmpfs or on a disk, or nowhere. */
export type Destination = Door | 'tmpfs' | 'disk' | 'nowhere';

/**
 * One thing to measure. The command is bash, with pipefail, in a fresh folder, and finds in its environment: SOURCE, SIZE,
 * ENDPOINT and URI (`s3://bucket/prefix`) or OUT (a folder), NODE, AWS, COLLECTOR and COLLECTOR_ARGS. It must leave the
 * source's SHA-256 in its standard output, in a file of its folder, in OUT, or in a small object under URI.
 */
export type Case = {
  readonly name: string;
  readonly group: 'collector' | 'peer' | 'limit';
  readonly to: Destination;
  readonly about: string;
  readonly command: string;
  /** For a case that computes no SHA-256, so that none is looked for. */
  readonly hashesNothing?: true;
};

const script = (name: string): string => `'${fileURLToPath(new URL(name, import.meta.url)).replaceAll("'", `'\\''`)}'`;

const COMMON = '--case bench --volume source --logs none --json --allow-writable-source';
const toStore = `"$NODE" "$COLLECTOR" collect "$SOURCE" --to "$URI" --endpoint "$ENDPOINT" --reread never ${COMMON}`;
const toFolder = `"$NODE" "$COLLECTOR" collect "$SOURCE" --to "$OUT" ${COMMON}`;

const collector = (name: string, to: Destination, about: string, flags = ''): Case => ({
  name: `collector ${name}`,
  group: 'collector',
  to,
  about,
  command: `${to === 'tmpfs' || to === 'disk' ? toFolder : toStore} ${flags} $COLLECTOR_ARGS`,
});

const DC3DD = 'dc3dd if="$SOURCE" hash=sha256 log=dc3dd.log';
const AWS = '"$AWS" s3 cp - "$URI/image.dd" --expected-size "$SIZE" --endpoint-url "$ENDPOINT" --no-progress';
// The shell does not wait for >(…) by itself; whoever wants the digest has to.
const TEE = '{ tee >(openssl dgst -sha256 >digest); wait $!; }';

// rclone 1.60 cannot start while AWS_CA_BUNDLE is set; it has RCLONE_CA_CERT.
const RCLONE = 'env -u AWS_CA_BUNDLE rclone rcat "sink:${URI#s3://}/image.dd"';

const peer = (name: string, to: Destination, about: string, command: string): Case => ({ name, group: 'peer', to, about, command });
const limit = (name: string, about: string, command: string, more: Pick<Case, 'hashesNothing'> = {}): Case => ({
  name: `limit ${name}`,
  group: 'limit',
  to: 'nowhere',
  about,
  command,
  ...more,
});

/** The names that the targets refer to. */
export const NAME = {
  first: 'dc3dd hash=sha256 | aws: HTTPS',
  firstSlow: 'dc3dd hash=sha256 | aws: slow link',
  tee: 'dc3dd | tee >(openssl) | aws: HTTPS',
  https: 'collector HTTPS, SHA-256 a part',
  httpsCrc: 'collector HTTPS, CRC32 full object',
  http: 'collector HTTP, SHA-256 a part',
  slow: 'collector slow link, SHA-256 a part',
  part1Tib: 'collector HTTPS, parts of a 1 TiB disk',
  part48Tib: 'collector HTTPS, parts of a 48 TiB disk',
  tmpfs: 'collector folder on tmpfs',
  disk: 'collector folder on a disk',
  peerTmpfs: 'dc3dd hash=sha256 of=: tmpfs',
  peerDisk: 'dc3dd hash=sha256 of=: disk',
  readAndHash: 'limit read and hash, SHA-256 a part',
} as const;

/** Everything the bench can measure, in the order of a round. */
export const CASES: readonly Case[] = [
  peer(NAME.first, 'https', 'the first peer; its own defaults', `${DC3DD} | ${AWS}`),
  collector('HTTPS, SHA-256 a part', 'https', 'the default'),
  peer(NAME.tee, 'https', 'the best peer with a SHA-256', `dc3dd if="$SOURCE" log=dc3dd.log | ${TEE} | ${AWS}`),
  collector('HTTPS, CRC32 full object', 'https', 'the option', '--part-checksum crc32'),
  peer('dc3dd hash=sha256 | rclone rcat: HTTPS', 'https', '16 MiB chunks, 4 at once', `${DC3DD} | ${RCLONE}`),
  peer('dc3dd hash=sha256 | aws: HTTP', 'http', 'as the first, without TLS', `${DC3DD} | ${AWS}`),
  collector('HTTP, SHA-256 a part', 'http', 'the default, without TLS'),
  peer('dc3dd hash=sha256 | rclone rcat: HTTP', 'http', 'as over HTTPS', `${DC3DD} | ${RCLONE}`),
  peer(NAME.firstSlow, 'slow', 'HTTPS with latency and a capped rate a connection', `${DC3DD} | ${AWS}`),
  collector('slow link, SHA-256 a part', 'slow', 'HTTPS with latency and a capped rate a connection'),
  peer('dc3dd hash=sha256 | rclone rcat: slow link', 'slow', 'as over HTTPS', `${DC3DD} | ${RCLONE}`),
  collector('HTTPS, parts of a 1 TiB disk', 'https', '105 MiB: for the memory', `--part-size ${105 * MiB}`),
  collector('HTTPS, parts of a 48 TiB disk', 'https', '5 GiB: for the memory', `--part-size ${5 * GiB}`),
  peer(NAME.peerTmpfs, 'tmpfs', 'does not sync', `${DC3DD} of="$OUT/image.dd"`),
  collector('folder on tmpfs', 'tmpfs', 'syncs, and reads everything back'),
  peer(NAME.peerDisk, 'disk', 'does not sync', `${DC3DD} of="$OUT/image.dd"`),
  peer('dc3dd hash=sha256 of= && sync: disk', 'disk', 'on the disk when it ends', `${DC3DD} of="$OUT/image.dd" && sync "$OUT/image.dd"`),
  collector('folder on a disk', 'disk', 'on the disk when it ends, and read back'),
  limit('dc3dd into a pipe', 'reading alone', 'dc3dd if="$SOURCE" log=dc3dd.log | cat >/dev/null', { hashesNothing: true }),
  limit('SHA-256 by openssl', 'hashing alone', 'openssl dgst -sha256 "$SOURCE"'),
  limit('SHA-256 by node:crypto', 'hashing alone', `"$NODE" ${script('hash-file.ts')} "$SOURCE"`),
  limit('read and hash, SHA-256 a part', "the collector's reader with nothing behind it", `"$NODE" ${script('read-and-hash.ts')} "$SOURCE" ${16 * MiB} sha256`),
  limit('read and hash, CRC32 a part', "the collector's reader with nothing behind it", `"$NODE" ${script('read-and-hash.ts')} "$SOURCE" ${16 * MiB} crc32`),
];
