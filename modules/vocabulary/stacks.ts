/** The kinds of stack, in the order in which they are deployed. */
export const STACK_KINDS = [
  'organization',
  'log-archive',
  'forensics',
  'evidence',
  'image-builder',
  'security',
  'member',
  'seal',
] as const;
export type StackKind = (typeof STACK_KINDS)[number];

/** Id of a stack: its kind and, for a kind with several, the Region or account. Also the name of its state. */
export const stackId = (kind: StackKind, which?: string): string => (which === undefined ? kind : `${kind}-${which}`);
