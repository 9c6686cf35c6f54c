import { createHash } from 'node:crypto';
import { GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { AcquisitionRecord, CaseId, caseKey, CaseRecord, checkCaseCustody, EXIT, InstanceId, instanceKey, recordedCalls, type RecordedCall } from '../modules/vocabulary/index.ts';
import type { Context } from './context.ts';
import { CliError } from './errors.ts';

type Where = Pick<Context, 's3' | 'bucket'>;

async function readText({ s3, bucket }: Where, key: string): Promise<string | undefined> {
  try {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    return (await Body?.transformToString()) ?? '';
  } catch (error) {
    if (error instanceof Error && error.name === 'NoSuchKey') return undefined;
    throw error;
  }
}

async function read<Record>(where: Where, key: string, schema: { parse(value: unknown): Record }): Promise<Record | undefined> {
  const text = await readText(where, key);
  if (text === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new CliError(`s3://${where.bucket}/${key} is not a record that this version reads; update cleanroom, or look at the object's earlier versions`, EXIT.failed, { cause });
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

/** What an instance's custody log says of calls to AWS, and what is wrong with the log: a chain that does not hold proves nothing. */
export type Custody = { readonly calls: readonly RecordedCall[]; readonly problems: readonly string[] };

/** The custody log of one instance, checked; undefined where there is none yet. */
export async function readCustody(where: Where, caseId: string, instanceId: string): Promise<Custody | undefined> {
  const text = await readText(where, instanceKey(caseId, instanceId, 'custody.jsonl'));
  if (text === undefined) return undefined;
  const { events, problems } = checkCaseCustody(text, sha256);
  return { calls: recordedCalls(events), problems };
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

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

/** How many records are read at once. */
const AT_ONCE = 8;

export type Cases = { readonly records: readonly CaseRecord[]; readonly unreadable: readonly { readonly caseId: string; readonly problem: string }[] };

/** The records of all cases in the bucket, as their prefixes sort; and those that cannot be read, which may be of open cases. */
export async function readCases(where: Where): Promise<Cases> {
  const ids = await Array.fromAsync(caseIds(where));
  const records: CaseRecord[] = [];
  const unreadable: { readonly caseId: string; readonly problem: string }[] = [];
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const some = ids.slice(at, at + AT_ONCE);
    const settled = await Promise.allSettled(some.map((caseId) => readCase(where, caseId)));
    for (const [index, one] of settled.entries()) {
      if (one.status === 'fulfilled') records.push(one.value);
      else if (!(one.reason instanceof CliError)) throw one.reason;
      else if (one.reason.exit !== EXIT.usage) unreadable.push({ caseId: some[index]!, problem: one.reason.message }); // else a prefix without a record, which is no case
    }
  }
  return { records, unreadable };
}

/** Case ids in the bucket, as their prefixes sort. */
async function* caseIds({ s3, bucket }: Where): AsyncGenerator<string> {
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
