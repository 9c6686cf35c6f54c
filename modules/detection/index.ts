export * from './detection.ts';
export * from './patterns.ts';
