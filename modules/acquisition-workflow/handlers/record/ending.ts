import { z } from 'zod';
import { AcquisitionInput, AcquisitionRecord, escapeHostile, instanceKey, isBegunAgain, isEnded, type CaseChange } from '../../../vocabulary/index.ts';
import type { RecordInput, RecordOutput } from '../contract.ts';
import type { Records } from '../records.ts';
import { parseRecord, readCaseInstance } from './record.ts';

/** EventBridge's event of an execution that may have ended without a last word in the record: somebody stopped it, its time was over, or it failed. */
export const ExecutionEnded = z.looseObject({
  source: z.literal('aws.states'),
  'detail-type': z.literal('Step Functions Execution Status Change'),
  detail: z.looseObject({
    executionArn: z.string(),
    status: z.enum(['ABORTED', 'TIMED_OUT', 'FAILED']),
    input: z.string(),
    stopDate: z.number(),
    error: z.string().nullish(),
    cause: z.string().nullish(),
  }),
});

export type EndingDependencies = { readonly record: (event: RecordInput) => Promise<RecordOutput>; readonly records: Pick<Records, 'read'> };

const inputOf = (text: string): AcquisitionInput | undefined => {
  try {
    return AcquisitionInput.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
};

async function isOfCase(records: Pick<Records, 'read'>, { caseId, instanceId }: AcquisitionInput, executionArn: string, acquisition: AcquisitionRecord): Promise<boolean> {
  const instance = await readCaseInstance(records, caseId, instanceId);
  return instance?.executionArn === executionArn && isBegunAgain(instance, acquisition);
}

/** Closes the record of such an execution, so that no case stays open that nothing works on. Gives null where it is closed already. */
export const recordEnding = ({ record, records }: EndingDependencies) => async (event: unknown): Promise<RecordOutput | null> => {
  const { detail } = ExecutionEnded.parse(event);
  const input = inputOf(detail.input);
  if (!input) return null; // it was refused, and has no record
  const key = instanceKey(input.caseId, input.instanceId, 'acquisition.json');
  const stored = await records.read(key);
  const at = new Date(detail.stopDate).toISOString();
  const known = stored && parseRecord(AcquisitionRecord, key, stored.text);
  // An older execution of an instance that was begun again is no news of it; one that wrote no word is known to the case alone.
  const wroteNothing = known?.executionArn !== detail.executionArn;
  if (known && (wroteNothing ? !(await isOfCase(records, input, detail.executionArn, known)) : isEnded(known.status))) return null;
  const why = escapeHostile(Buffer.from([detail.error, detail.cause].filter(Boolean).join(': '))).slice(0, 900);
  const because = why === '' ? '' : ` (${why})`;
  const problem = {
    ABORTED: `the execution was stopped${because}; what it made stays`,
    TIMED_OUT: 'the execution ran out of time; what it made stays',
    FAILED: `the execution failed and could not say so here${because}; what it made stays`,
  }[detail.status];
  const closed: CaseChange = { kind: 'closed', at, status: detail.status === 'ABORTED' ? 'CANCELLED' : 'FAILED', problems: [problem] };
  return await record({ input, change: !wroteNothing ? closed : [{ kind: 'opened', at, executionArn: detail.executionArn }, closed] });
};
