export * from './alert-patterns.ts';
export * from './alerts.ts';
export * from './config-recorder.ts';
export * from './forensic-logs.ts';
export * from './log-archive.ts';
export * from './policies/index.ts';
export * from './session-preferences.ts';
export * from './trail.ts';
