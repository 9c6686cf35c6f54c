/** Public API for platform teams: constructs and policies to use in an app of one's own. */
export * from './access/index.ts';
export * from './acquisition-workflow/index.ts';
export * from './audit/index.ts';
export * from './collector-image/index.ts';
export * from './detection/index.ts';
export * from './evidence/index.ts';
export * from './governance/index.ts';
export * from './isolated-network/index.ts';
export * from './member/index.ts';
export * from './observability/index.ts';
export * from './perimeter.ts';
export * from './policy.ts';
export * as vocabulary from './vocabulary/index.ts';
