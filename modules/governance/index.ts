export * from './forensic-organization.ts';
export * from './policies/index.ts';
export * from './seal.ts';
