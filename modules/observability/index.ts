export * from './collector-dashboard.ts';
export * from './metrics.ts';
