import { GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { AcquisitionRecord, CaseId, caseKey, CaseRecord, EXIT, InstanceId, instanceKey } from '../modules/vocabulary/index.ts';
import type { Context } from './context.ts';
import { CliError } from './errors.ts';

type Where = Pick<Context, 's3' | 'bucket'>;

async function read<Record>({ s3, bucket }: Where, key: string, schema: { parse(value: unknown): Record }): Promise<Record | undefined> {
  let text: string;
  try {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    text = (await Body?.transformToString()) ?? '';
  } catch (error) {
    if (error instanceof Error && error.name === 'NoSuchKey') return undefined;
    throw error;
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new CliError(`s3://${bucket}/${key} is not a record that this version reads; update cleanroom, or look at the object's earlier versions`, EXIT.failed, { cause });
  }
}

/** A case, or a clear word that there is none. */
export async function readCase(where: Where, caseId: string): Promise<CaseRecord> {
  if (!CaseId.safeParse(caseId).success) throw new CliError(`"${caseId}" is no case id; 1 to 64 letters, digits, ".", "_" and "-" are allowed`, EXIT.usage);
  const found = await read(where, caseKey(caseId, 'case.json'), CaseRecord);
  if (!found) throw new CliError(`there is no case ${caseId} in s3://${where.bucket}; see \`cleanroom case list\``, EXIT.usage);
  return found;
}

/** What happened to one instance of a case; undefined where its execution has not begun to write. */
export const readAcquisition = (where: Where, caseId: string, instanceId: string): Promise<AcquisitionRecord | undefined> =>
  read(where, instanceKey(caseId, instanceId, 'acquisition.json'), AcquisitionRecord);

/** The instance that is meant: the one that is named, or the only one of the case. */
export function instanceOf(record: CaseRecord, named: string | undefined): string {
  const known = Object.keys(record.instances);
  if (named !== undefined) {
    if (InstanceId.safeParse(named).success && known.includes(named)) return named;
    throw new CliError(`case ${record.caseId} has no instance "${named}"; it has ${known.join(', ') || 'none'}`, EXIT.usage);
  }
  if (known.length === 1) return known[0]!;
  throw new CliError(`case ${record.caseId} has ${known.length} instances; name one with --instance: ${known.join(', ')}`, EXIT.usage);
}

/** Case ids in the bucket, as their prefixes sort. */
export async function* caseIds({ s3, bucket }: Where): AsyncGenerator<string> {
  let ContinuationToken: string | undefined;
  do {
    const page = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Delimiter: '/', ContinuationToken }));
    for (const { Prefix = '' } of page.CommonPrefixes ?? []) {
      const caseId = Prefix.slice(0, -1);
      if (CaseId.safeParse(caseId).success) yield caseId;
    }
    ContinuationToken = page.NextContinuationToken;
  } while (ContinuationToken !== undefined);
}
