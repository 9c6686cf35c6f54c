export * from './acquisition-role.ts';
export * from './containment-policies.ts';
export * from './containment.ts';
export * from './key-grants.ts';
export * from './policies.ts';
