import { GetObjectCommand, PutObjectLockConfigurationCommand, type S3Client } from '@aws-sdk/client-s3';
import {
  AcquisitionRecord, caseKey, CaseRecord, checkCaseCustody, DEFAULT_OPTIONS, executionArn, executionName, instanceKey,
  type AcquisitionInput, type CaseChange, type CaseCustodyEvent,
} from '../../../modules/vocabulary/index.ts';
import { record, type RecordDependencies } from '../../../modules/acquisition-workflow/handlers/record/record.ts';
import type { AuditLine } from '../../../modules/acquisition-workflow/handlers/record/audit-summary.ts';
import { s3Records } from '../../../modules/acquisition-workflow/handlers/records.ts';
import { sha256Hex } from '../../helpers/evidence.ts';
import { startMoto } from '../../helpers/moto.ts';
import { type RecordedRequest, startS3Front } from '../../helpers/s3-front.ts';
import { newBucket, s3ClientOf, useCredentials } from '../../helpers/s3-store.ts';

export const PLACE = { prefix: 'acme', partition: 'aws', account: '111122223333', region: 'eu-central-1' };
export const MEMBER = '444455556666';
export const INSTANCE = 'i-0123456789abcdef0';
export const VOLUME = 'vol-0123456789abcdef0';
export const AT = '2026-01-02T03:04:05.678Z';
/** `AT` and some seconds, so that every change has a time of its own. */
export const later = (seconds: number): string => new Date(Date.parse(AT) + seconds * 1000).toISOString();

export const anInput = (edit: Partial<AcquisitionInput> = {}): AcquisitionInput => ({
  schema: 'cleanroom/acquisition/v1',
  caseId: 'case-1',
  account: MEMBER,
  region: PLACE.region,
  instanceId: INSTANCE,
  requester: 'arn:aws:iam::111122223333:role/acme/acme-responder-eu-central-1',
  reason: 'beaconing',
  trigger: { kind: 'person', key: 'case-1' },
  options: DEFAULT_OPTIONS,
  ...edit,
});
export const executionOf = (input: AcquisitionInput): string => executionArn(PLACE, executionName(input, sha256Hex));
export const opened = (input: AcquisitionInput, at = AT): CaseChange => ({ kind: 'opened', at, executionArn: executionOf(input) });

/** An evidence bucket, versioned and locked, behind a front that checks what S3 checks and remembers every request. */
export type Vault = {
  readonly s3: S3Client;
  readonly endpoint: string;
  readonly bucket: string;
  readonly requests: readonly RecordedRequest[];
  readonly audited: AuditLine[];
  readonly dependencies: RecordDependencies;
  readonly record: ReturnType<typeof record>;
  read(key: string): Promise<string>;
  caseOf(caseId?: string): Promise<CaseRecord>;
  acquisitionOf(input?: AcquisitionInput): Promise<AcquisitionRecord>;
  /** The custody log, checked. */
  custodyOf(input?: AcquisitionInput): Promise<readonly CaseCustodyEvent[]>;
  stop(): Promise<void>;
};

export async function startVault(): Promise<Vault> {
  useCredentials();
  const moto = await startMoto();
  const front = await startS3Front({ upstream: moto.endpoint, requireChecksum: true });
  const s3 = s3ClientOf(front);
  const bucket = await newBucket(s3, { objectLock: true });
  await s3.send(new PutObjectLockConfigurationCommand({
    Bucket: bucket,
    ChecksumAlgorithm: 'CRC32',
    ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled', Rule: { DefaultRetention: { Mode: 'COMPLIANCE', Days: 1 } } },
  }));
  const audited: AuditLine[] = [];
  const dependencies: RecordDependencies = {
    records: s3Records(s3, bucket),
    audit: (_, lines) => Promise.resolve(void audited.push(...lines)),
    now: () => new Date(AT),
  };
  const read = async (Key: string): Promise<string> => (await s3.send(new GetObjectCommand({ Bucket: bucket, Key }))).Body!.transformToString();
  return {
    s3,
    endpoint: front.endpoint,
    bucket,
    requests: front.requests,
    audited,
    dependencies,
    record: record(dependencies),
    read,
    caseOf: async (caseId = 'case-1') => CaseRecord.parse(JSON.parse(await read(caseKey(caseId, 'case.json')))),
    acquisitionOf: async ({ caseId, instanceId } = anInput()) => AcquisitionRecord.parse(JSON.parse(await read(instanceKey(caseId, instanceId, 'acquisition.json')))),
    async custodyOf({ caseId, instanceId } = anInput()) {
      const { events, problems } = checkCaseCustody(await read(instanceKey(caseId, instanceId, 'custody.jsonl')), sha256Hex);
      if (problems.length > 0) throw new Error(problems.join('\n'));
      return events;
    },
    async stop() {
      s3.destroy();
      await front.stop();
      await moto.stop();
    },
  };
}
