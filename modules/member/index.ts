export * from './acquisition-role.ts';
export * from './key-grants.ts';
export * from './policies.ts';
