export * from './forensic-roles.ts';
export * from './policies/index.ts';
