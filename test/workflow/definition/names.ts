import { acquisitionDefinition } from '../../../modules/acquisition-workflow/definition.ts';
import type { WorkflowNames } from '../../../modules/acquisition-workflow/definition/tasks.ts';

/** What the tests' definition is made for. */
export const NAMES: WorkflowNames = {
  prefix: 'cleanroom',
  partition: 'aws',
  account: '100000000003',
  region: 'eu-west-1',
  logPrefix: '',
  snapshotLockDays: 2555,
  snapshotLockMode: 'governance',
};

export const MACHINE = acquisitionDefinition(NAMES);
