import { z } from 'zod';
import { DEFAULT_OPTIONS, strict, TriggerSettings } from '../modules/vocabulary/index.ts';

const minutes = (least: number, most: number) => {
  const allowed = `${least} to ${most} minutes are allowed`;
  return z.int(allowed).min(least, allowed).max(most, allowed);
};
const hours = z.int('1 to 168 hours are allowed').min(1, '1 to 168 hours are allowed').max(168, '1 to 168 hours are allowed');

/** What an estate says about acquisitions: how they start, what is asked first, and what they may do. */
export const workflowOptions = () =>
  strict({
    triggers: TriggerSettings.prefault({}).describe('What opens a case by itself; a person always can.'),
    approval: z.enum(['none', 'required'], '"none" or "required" is allowed').default(DEFAULT_OPTIONS.approval).describe('Whether a person has to approve before anything is done to a suspect.'),
    approvalMinutes: minutes(1, 7 * 24 * 60).default(DEFAULT_OPTIONS.approvalMinutes).describe('Minutes in which an approval has to be given; without it the case ends as cancelled.'),
    containment: z
      .enum(['none', 'isolate'], '"none" or "isolate" is allowed')
      .default(DEFAULT_OPTIONS.containment)
      .describe('Whether suspects are isolated after their snapshots. Only in monitored accounts that allow it (monitoredAccounts[].containment).'),
    volumeType: z.enum(['gp3', 'standard'], '"gp3" or "standard" (magnetic) is allowed').default(DEFAULT_OPTIONS.volumeType).describe('Type of the volume that is imaged: gp3, or standard (magnetic) where a policy asks for it.'),
    deadlineMinutes: minutes(10, 14 * 24 * 60).default(DEFAULT_OPTIONS.deadlineMinutes).describe('Minutes from the start of a volume\'s imaging to its manifest.'),
    tracing: z.boolean().default(false).describe('Whether X-Ray traces executions as well; the log has everything already.'),
    sweepHours: hours.default(24).describe('Hours between two looks for what cases left behind.'),
  })
    .prefault({})
    .describe('How acquisitions start, what is asked first, and what they may do.');
