export * from './acquisition-workflow.ts';
export * from './case-bus.ts';
export * from './choose-volume.ts';
export * from './estimate.ts';
export * from './policies/bus.ts';
export * from './policies/functions.ts';
export * from './workflow-alarms.ts';
export * from './workflow-functions.ts';
