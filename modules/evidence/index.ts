export * from './closed-bucket.ts';
export * from './evidence-bucket.ts';
export * from './evidence-vault.ts';
export * from './guarded-key.ts';
export * from './log-bucket.ts';
export * from './policies/access-logs.ts';
export * from './policies/bucket.ts';
export * from './policies/keys.ts';
