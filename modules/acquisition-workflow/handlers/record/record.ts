import { z } from 'zod';
import {
  AcquisitionInput, AcquisitionRecord, CaseChange, caseKey, CaseRecord, chainCaseEvent, checkCaseCustody, instanceKey, MOST_AT_ONCE, recordedCalls, serializeChain,
  type CaseCustodyEvent, type CaseInstance,
} from '../../../vocabulary/index.ts';
import type { RecordInput, RecordOutput } from '../contract.ts';
import { HandlerError } from '../errors.ts';
import { updateRecord, type Records } from '../records.ts';
import { sha256 } from '../texts.ts';
import { applyChange, openedRecord } from './apply-change.ts';
import { auditSummary, type AuditLine } from './audit-summary.ts';
import { instanceSummary, newCase, withInstance } from './case-summary.ts';
import { custodyEventsOf } from './custody-events.ts';

export type RecordDependencies = {
  readonly records: Records;
  /** Writes the summary of an acquisition that ended to the audit log group. */
  readonly audit: (record: AcquisitionRecord, lines: readonly AuditLine[]) => Promise<void>;
  readonly now: () => Date;
};

const Input = z.strictObject({ input: AcquisitionInput, change: z.union([CaseChange, z.array(CaseChange).min(1).max(MOST_AT_ONCE)]) });

const print = (value: object): string => `${JSON.stringify(value, null, 2)}\n`;

/** Parses a stored record. A record that is not what it should be is never written over: a person has to look. */
export function parseRecord<Schema extends z.ZodType>(schema: Schema, key: string, text: string): z.infer<Schema> {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    const problem = cause instanceof z.ZodError ? z.prettifyError(cause).replaceAll('\n', ' ') : 'not JSON';
    throw new HandlerError('Cleanroom.RecordDamaged', `${key} is not a record of this version (${problem}); look at its earlier versions`, { cause });
  }
}

/** What the case record says of one of its instances; undefined where there is none. */
export async function readCaseInstance(records: Pick<Records, 'read'>, caseId: string, instanceId: string): Promise<CaseInstance | undefined> {
  const key = caseKey(caseId, 'case.json');
  const stored = await records.read(key);
  return stored && parseRecord(CaseRecord, key, stored.text).instances[instanceId];
}

/**
 * Writes changes to an acquisition: first its custody log, then its own record, then the case record. Each is read,
 * changed and written on condition that nobody came between; a change that is already there is left out, so that a
 * retried task does no harm.
 */
export const record = ({ records, audit, now }: RecordDependencies) => async (event: RecordInput): Promise<RecordOutput> => {
  const { input, change } = Input.parse(event);
  const { caseId, instanceId } = input;
  const changes = (Array.isArray(change) ? change : [change]).map((one) => ({ id: sha256(JSON.stringify(one)), change: one }));
  const key = instanceKey(caseId, instanceId, 'acquisition.json');
  const opening = changes.map((one) => one.change).find((one) => one.kind === 'opened');
  const stored = await records.read(key);
  const executionArn = opening?.executionArn ?? (stored && parseRecord(AcquisitionRecord, key, stored.text).executionArn);
  if (executionArn === undefined) {
    throw new HandlerError('Cleanroom.RecordMissing', `there is no ${key}: the first change of an acquisition is "opened", this one is "${changes[0]?.change.kind ?? ''}"`);
  }

  await updateRecord(records, instanceKey(caseId, instanceId, 'custody.jsonl'), (text) => appendCustody(text, input, executionArn, changes));

  let after: AcquisitionRecord | undefined;
  const etag = await updateRecord(records, key, (text) => {
    const before = text === undefined ? openedRecord(input, { at: opening?.at ?? now().toISOString(), executionArn }) : parseRecord(AcquisitionRecord, key, text);
    const fresh = changes.filter(({ id }) => !before.applied.includes(id));
    after = { ...fresh.reduce((current, one) => applyChange(current, one.change), before), applied: [...before.applied, ...fresh.map(({ id }) => id)] };
    return fresh.length === 0 && text !== undefined ? undefined : print(AcquisitionRecord.parse(after));
  });
  if (after === undefined) throw new Error('unreachable: an update calls its change');
  const current = after;

  const caseRecordKey = caseKey(caseId, 'case.json');
  await updateRecord(records, caseRecordKey, (text) => {
    const before = text === undefined ? newCase(input, current.openedAt) : parseRecord(CaseRecord, caseRecordKey, text);
    const next = withInstance(before, instanceId, instanceSummary(current), current.updatedAt);
    return next && print(next);
  });

  if (changes.some((one) => one.change.kind === 'closed')) await audit(current, auditSummary(current, now().toISOString()));
  return { etag };
};

type Identified = { readonly id: string; readonly change: CaseChange };

/** Traces of calls that are in the log and have none yet: two searches that run at once say nothing twice. */
function withoutKnownTraces(change: CaseChange, chain: readonly CaseCustodyEvent[]): CaseChange {
  if (change.kind !== 'traced') return change;
  const open = new Set(recordedCalls(chain).filter(({ trace, requestId }) => trace === undefined && requestId === undefined).map(({ sequence, hash }) => `${sequence} ${hash}`));
  return { ...change, traces: change.traces.filter(({ sequence, hash }) => open.has(`${sequence} ${hash}`)) };
}

/** The log with its new events behind what is there, which stays byte for byte. */
function appendCustody(text: string | undefined, { caseId, instanceId, requester }: AcquisitionInput, executionArn: string, changes: readonly Identified[]): string | undefined {
  const chain: CaseCustodyEvent[] = [];
  if (text !== undefined) {
    const { events, problems } = checkCaseCustody(text, sha256);
    if (problems.length > 0) throw new HandlerError('Cleanroom.RecordDamaged', `the custody log of ${instanceId} in ${caseId} does not check: ${problems[0]}`);
    chain.push(...events);
  }
  const known = new Set(chain.map(({ changeId }) => changeId));
  const before = chain.length;
  for (const { id, change } of changes.filter((one) => !known.has(one.id))) {
    for (const event of custodyEventsOf(withoutKnownTraces(change, chain))) {
      chain.push(chainCaseEvent(chain, { ...event, caseId, instanceId, executionArn, changeId: id, actor: requester }, sha256));
    }
  }
  return chain.length === before ? undefined : `${text ?? ''}${serializeChain(chain.slice(before))}`;
}
