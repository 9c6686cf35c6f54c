import type { PolicyStatement } from '../../../modules/policy.ts';

const matches = (pattern: string, action: string): boolean =>
  new RegExp(`^${pattern.replaceAll(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*').replaceAll('?', '.')}$`, 'i').test(action);
const list = (value: string | readonly string[] | undefined): readonly string[] => (value === undefined ? [] : typeof value === 'string' ? [value] : value);
/** Whether a statement is about an action. */
export const concerns = ({ Action, NotAction }: PolicyStatement, action: string): boolean =>
  Action === undefined ? !list(NotAction).some((pattern) => matches(pattern, action)) : list(Action).some((pattern) => matches(pattern, action));

/** Condition keys that a statement names, in its conditions and in its variables. */
export const keysNamed = ({ Condition = {}, Resource, NotResource }: PolicyStatement): readonly string[] => [
  ...Object.values(Condition).flatMap((keys) => Object.keys(keys)),
  ...[...JSON.stringify([Condition, Resource, NotResource]).matchAll(/\$\{([a-z0-9-]+:[^},]+)\}/g)].map((match) => match[1] ?? ''),
];

/** A key by its name alone: without regard to case, and encryption contexts by one name, as the simulator knows them. */
export const keyName = (key: string): string => key.toLowerCase().replace(/^(kms:encryptioncontext):.*/, '$1');
