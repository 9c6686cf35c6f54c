import { jsonata, type States } from './asl.ts';
import type { WorkflowNames } from './tasks.ts';

export const containStates = (_names: WorkflowNames): States => ({
  'Is the instance to be isolated?': { Type: 'Choice', Choices: [{ Condition: jsonata('false'), Next: 'Record that imaging begins' }], Default: 'Record that imaging begins' },
});
