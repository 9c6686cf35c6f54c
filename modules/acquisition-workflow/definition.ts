import type { StateMachine } from './definition/asl.ts';
import { caseRoleStates, roleRemovalStates } from './definition/case-role.ts';
import { closeStates } from './definition/close.ts';
import { containStates } from './definition/contain.ts';
import { openStates } from './definition/open.ts';
import { preserveStates } from './definition/preserve.ts';
import { snapshotStates } from './definition/snapshot.ts';
import type { WorkflowNames } from './definition/tasks.ts';
import { volumesStates } from './definition/volumes.ts';

/**
 * Seconds after which Step Functions itself ends an acquisition: beyond everything that its own waits may take together
 * (a week for an approval, two for the imaging). No state can tell of that ending, so an alarm watches for it.
 */
export const EXECUTION_SECONDS = 30 * 24 * 3600;

/** The acquisition of one instance of one case, from a finding to proven images: plain data. */
export const acquisitionDefinition = (names: WorkflowNames): StateMachine => ({
  Comment: 'Forensic acquisition of one instance: preserve, snapshot, isolate, image, prove, record',
  QueryLanguage: 'JSONata',
  TimeoutSeconds: EXECUTION_SECONDS,
  StartAt: 'Begin',
  States: {
    ...openStates(names),
    ...preserveStates(names),
    ...snapshotStates(names),
    ...containStates(names),
    ...caseRoleStates(names),
    ...volumesStates(names),
    ...roleRemovalStates(names),
    ...closeStates(names),
  },
});
