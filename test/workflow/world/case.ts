import { createHash } from 'node:crypto';
import {
  AcquisitionRecord, caseKey, CaseRecord, checkCaseCustody, DEFAULT_OPTIONS, executionName, instanceKey, stateMachineArn,
  type AcquisitionInput, type AcquisitionOptions, type CaseCustodyEvent,
} from '../../../modules/vocabulary/index.ts';
import type { Records } from '../../../modules/acquisition-workflow/handlers/records.ts';
import { MEMBER, PLACE } from './aws-world.ts';

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

let cases = 0;

/** What somebody asks for: an acquisition of one instance, in a case of its own. */
export const inputFor = (instanceId: string, options: Partial<AcquisitionOptions> = {}, caseId = `case-${++cases}`): AcquisitionInput => ({
  schema: 'cleanroom/acquisition/v1',
  caseId,
  account: MEMBER,
  region: PLACE.region,
  instanceId,
  requester: `arn:aws:iam::${PLACE.account}:role/cleanroom/cleanroom-responder-${PLACE.region}`,
  reason: 'beaconing',
  trigger: { kind: 'person', key: caseId },
  options: { ...DEFAULT_OPTIONS, ...options },
});

export const nameOf = (input: AcquisitionInput): string => executionName(input, sha256);
export const MACHINE_ARN = stateMachineArn(PLACE);

/** What the case's records say. */
export async function readCase(records: Records, { caseId, instanceId }: AcquisitionInput): Promise<{
  readonly record: AcquisitionRecord;
  readonly summary: CaseRecord;
  readonly custody: readonly CaseCustodyEvent[];
}> {
  const read = async (Key: string): Promise<string> => (await records.read(Key))?.text ?? '';
  const { events, problems } = checkCaseCustody(await read(instanceKey(caseId, instanceId, 'custody.jsonl')), sha256);
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return {
    record: AcquisitionRecord.parse(JSON.parse(await read(instanceKey(caseId, instanceId, 'acquisition.json')))),
    summary: CaseRecord.parse(JSON.parse(await read(caseKey(caseId, 'case.json')))),
    custody: events,
  };
}
