/** The vocabulary: the names, keys, records and limits that infrastructure, collector and command line share. */
export * from './custody.ts';
export * from './evidence-keys.ts';
export * from './hostile-text.ts';
export * from './identifiers.ts';
export * from './image-layout.ts';
export * from './log-events.ts';
export * from './manifest-rules.ts';
export * from './manifest.ts';
export * from './status.ts';
export * from './estate-names.ts';
export * from './stacks.ts';
