import type { z } from 'zod';

/** One thing that is wrong with an estate. */
export interface Problem {
  /** Where, for example `regions.eu-west-1.cidr`. */
  readonly path: string;
  /** What stands there, as JSON, or `nothing`. */
  readonly got: string;
  /** What may stand there. */
  readonly allowed: string;
}

export const at = (input: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((value, key) => (typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined), input);

/** Everything that a terminal might take for an order, and what hides or turns text, as `\\u{…}`. */
export const inert = (text: string): string => text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (sign) => `\\u{${sign.codePointAt(0)?.toString(16)}}`);

const shown = (value: unknown): string => {
  if (value === undefined) return 'nothing';
  const json = JSON.stringify(value);
  return json.length > 120 ? `${json.slice(0, 117)}…` : json;
};

/** A path as it is written in messages: `accounts.forensic[0].id`. */
export const joined = (path: readonly PropertyKey[]): string =>
  path.length === 0 ? '(the file)' : path.map((key, index) => (typeof key === 'number' ? `[${key}]` : `${index > 0 ? '.' : ''}${String(key)}`)).join('');

export const problem = (input: unknown, path: readonly PropertyKey[], allowed: string): Problem => ({ path: joined(path), got: shown(at(input, path)), allowed });

const EXPECTED: Readonly<Record<string, string>> = {
  string: 'a text is allowed',
  number: 'a number is allowed',
  int: 'a whole number is allowed',
  boolean: 'true or false is allowed',
  array: 'a list is allowed',
  object: 'an object is allowed',
  record: 'an object is allowed',
};

const allowedBy = (issue: z.core.$ZodIssue): string => {
  if (issue.code === 'invalid_type') return EXPECTED[issue.expected] ?? `${issue.expected} is allowed`;
  if (issue.code === 'invalid_key') return issue.issues.map(({ message }) => message).join(', ');
  return issue.message;
};

/** Issues of zod as problems, with what was really there. */
export const readable = (issues: readonly z.core.$ZodIssue[], input: unknown): readonly Problem[] =>
  issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => problem(input, [...issue.path, key], issue.message));
    if (issue.code === 'invalid_key') return [{ ...problem(input, issue.path, allowedBy(issue)), got: `the key ${JSON.stringify(String(issue.path.at(-1)))}` }];
    return [problem(input, issue.path, allowedBy(issue))];
  });
