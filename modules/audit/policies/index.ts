export * from './alert-topic.ts';
export * from './audit-logs-bucket.ts';
export * from './audit-logs-key.ts';
export * from './forwarder.ts';
export * from './logs-key.ts';
