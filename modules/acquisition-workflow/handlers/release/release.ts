import { z } from 'zod';
import {
  ACQUISITION_SCHEMA, AcquisitionRecord, CaseId, escapeHostile, InstanceId, instanceKey, isBegunAgain, isEnded, SafeText,
  type AcquisitionInput, type CaseChange, type DoneStep, type UndoCall,
} from '../../../vocabulary/index.ts';
import type { RecordInput, RecordOutput, ReleaseInput, ReleaseOutput } from '../contract.ts';
import { HandlerError, messageOf, nameOf } from '../errors.ts';
import { parseRecord, readCaseInstance } from '../record/record.ts';
import type { Records } from '../records.ts';
import { actionName, undo, type UndoClients } from './undo-calls.ts';

export type ReleaseDependencies = {
  readonly records: Records;
  readonly record: (event: RecordInput) => Promise<RecordOutput>;
  /** Clients of a monitored account; throws where the estate does not know it. */
  readonly member: (account: string, caseId: string) => Promise<UndoClients>;
  readonly now: () => Date;
};

const Input = z.strictObject({ caseId: CaseId, instanceId: InstanceId, requester: SafeText.min(1) });

/**
 * Undoes what was done to a suspect, the last step first, and records each step as it is undone. A step that cannot be
 * undone stops no other; a second release tries it again. What was made, snapshots and images, is left as it is.
 * @throws HandlerError `Cleanroom.BadInput` while the acquisition runs: it would do again what is undone
 */
export const release = ({ records, record, member, now }: ReleaseDependencies) => async (event: ReleaseInput): Promise<ReleaseOutput> => {
  const { caseId, instanceId, requester } = Input.parse(event);
  const key = instanceKey(caseId, instanceId, 'acquisition.json');
  const stored = await records.read(key);
  if (!stored) throw new HandlerError('Cleanroom.RecordMissing', `there is no ${key}: nothing was done to ${instanceId} in case ${caseId}`);
  const acquisition = parseRecord(AcquisitionRecord, key, stored.text);
  const again = isBegunAgain(await readCaseInstance(records, caseId, instanceId), acquisition);
  if (again || !isEnded(acquisition.status)) {
    throw new HandlerError('Cleanroom.BadInput', `the acquisition of ${instanceId} is ${again ? 'begun again' : acquisition.status}; release it when it has ended, or cancel it first`);
  }
  const clients = await member(acquisition.account, caseId);
  // Custody names who released, not who asked for the case.
  const input: AcquisitionInput = { ...inputOf(acquisition), requester };
  const output = { undone: [] as string[], problems: [] as string[] };
  for (const [step, done] of [...acquisition.done.entries()].reverse()) {
    if (done.undo === undefined || done.undoneAt !== undefined) continue;
    const change = await undoStep(clients, acquisition, step, { ...done, undo: done.undo }, now);
    await record({ input, change });
    if (change.problem === undefined) output.undone.push(done.what);
    else output.problems.push(`${done.what}: ${change.problem}`);
  }
  return output;
};

type Undone = Extract<CaseChange, { kind: 'undone' }>;

async function undoStep(clients: UndoClients, acquisition: AcquisitionRecord, step: number, { undo: call }: DoneStep & { undo: UndoCall }, now: () => Date): Promise<Undone> {
  const { account, region, instanceId } = acquisition;
  const enteredAt = now().toISOString();
  const common = { kind: 'undone', at: enteredAt, step } as const;
  const named = call.parameters['InstanceId'];
  if (call.account !== account || call.region !== region || (named !== undefined && named !== instanceId)) {
    return { ...common, problem: `the recorded call is for another account, Region or instance than ${instanceId} and is not made` };
  }
  try {
    const answer = await undo(clients, call, instanceId);
    if (!answer) return common;
    const made = { action: actionName(call), account, region, resources: [instanceId], state: 'release', enteredAt, endedAt: now().toISOString() };
    return { ...common, calls: [{ ...made, ...answer }] };
  } catch (error) {
    return { ...common, problem: escapeHostile(Buffer.from(`${nameOf(error)}: ${messageOf(error)}`)).slice(0, 1000) };
  }
}

const inputOf = ({ caseId, account, region, instanceId, requester, reason, trigger, options }: AcquisitionRecord): AcquisitionInput => ({
  schema: ACQUISITION_SCHEMA, caseId, account, region, instanceId, requester, reason, trigger, options,
});
