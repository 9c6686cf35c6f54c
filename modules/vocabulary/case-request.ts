import { z } from 'zod';
import { AcquisitionOptions, SafeText } from './case-input.ts';
import { AccountId, CaseId, InstanceId, RegionName } from './identifiers.ts';
import { PERSON_EVENT } from './triggers.ts';

/** What a person asks for: `detail` of the event that the command line sends. */
export const PersonRequest = z.strictObject({
  caseId: CaseId,
  account: AccountId,
  region: RegionName,
  instanceIds: z.array(InstanceId).min(1).max(100),
  requester: SafeText.min(1),
  reason: SafeText.min(1),
  /** What differs from the estate's options. */
  options: AcquisitionOptions.partial(),
  /** Start once more what ended without its evidence. @default false */
  again: z.boolean().optional(),
});
export type PersonRequest = z.infer<typeof PersonRequest>;

export const personEvent = (detail: PersonRequest) => ({ ...PERSON_EVENT, detail: PersonRequest.parse(detail) });

/** What opening a case answers. */
export const OpenCaseOutput = z.strictObject({
  cases: z.array(
    z.strictObject({
      caseId: CaseId,
      executions: z.array(
        z.strictObject({
          instanceId: InstanceId,
          executionArn: z.string(),
          /** False where the instance's acquisition in this case was open already, or had ended. */
          started: z.boolean(),
        }),
      ),
    }),
  ),
  /** What of the event starts nothing, and why. */
  ignored: z.array(SafeText),
});
export type OpenCaseOutput = z.infer<typeof OpenCaseOutput>;
