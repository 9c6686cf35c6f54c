import { z } from 'zod';

/** One path segment of an evidence key: nothing that a shell, a URL or a file system could read as more than a name. */
const SAFE_SEGMENT = /^[A-Za-z0-9._-]+$/;

const segment = (what: string, maxLength: number) =>
  z
    .string()
    .min(1, `${what} is empty`)
    .max(maxLength, `${what} is longer than ${maxLength} characters`)
    .regex(SAFE_SEGMENT, `${what} may hold only letters, digits, ".", "_" and "-"`)
    .refine((text) => text !== '.' && text !== '..', `${what} may not be "." or ".."`);

/** A case (one incident), 1 to 64 characters of `A-Z a-z 0-9 . _ -`. */
export const CaseId = segment('a case id', 64);
export type CaseId = z.infer<typeof CaseId>;

/**
 * The name of an exhibit: the source's EBS volume ID where there is one (`vol-0123456789abcdef0`), otherwise a name the
 * responder gave, otherwise `disk-<boot id>-<diskseq>`. Never a device name, never a label.
 */
export const ExhibitId = segment('an exhibit (volume) id', 128).refine(
  (text) => !/\.[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(text),
  'an exhibit (volume) id may not end in "." and a ULID: that is how the records of a further attempt are named',
);
export type ExhibitId = z.infer<typeof ExhibitId>;

/** An EC2 instance ID. */
export const InstanceId = z.string().regex(/^i-[0-9a-f]{8,17}$/, 'an instance id looks like i-0123456789abcdef0');

/** An AWS account ID. */
export const AccountId = z.string().regex(/^\d{12}$/, 'an account id has 12 digits');

/** A Region's name, such as `eu-central-1`. */
export const RegionName = z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d{1,2}$/, 'a Region looks like eu-central-1');

/** An EBS volume ID. */
export const VolumeId = z.string().regex(/^vol-[0-9a-f]{8,17}$/, 'a volume id looks like vol-0123456789abcdef0');

/** An EBS snapshot ID. */
export const SnapshotId = z.string().regex(/^snap-[0-9a-f]{8,17}$/, 'a snapshot id looks like snap-0123456789abcdef0');

/** An ARN of any service: printable, without white space. */
export const Arn = z.string().max(2048).regex(/^arn:aws[a-z-]*:[\x21-\x7e]+$/, 'an ARN begins with arn: and the partition');

/** One attempt to image an exhibit: a ULID, so attempts sort by time. */
export const AcquisitionId = z.string().regex(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/, 'an acquisition id is a ULID');

/** Lower-case hexadecimal SHA-256. */
export const Sha256Hex = z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 is 64 lower-case hexadecimal digits');

/** UTC, to the millisecond, as `Date.toISOString` prints it. */
export const UtcTime = z.iso.datetime({ precision: 3 });

/** `nvme` serial of an EBS volume (`vol0123…`) to its volume ID (`vol-0123…`); undefined for any other serial. */
export function volumeIdFromSerial(serial: string): string | undefined {
  const match = /^vol-?([0-9a-f]{8}|[0-9a-f]{17})$/.exec(serial.trim());
  return match ? `vol-${match[1]}` : undefined;
}
