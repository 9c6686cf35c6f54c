import { createHash, randomUUID } from 'node:crypto';
import jsonata from 'jsonata';
import { AslError } from './errors.ts';

export type Variables = Readonly<Record<string, unknown>>;

const EXPRESSION = /^\{%([\s\S]*)%\}$/;
const compiled = new Map<string, jsonata.Expression>();

/** The text of an expression, or undefined of any other data. */
export const expressionIn = (data: unknown): string | undefined => (typeof data === 'string' ? EXPRESSION.exec(data)?.[1] : undefined);

const HASHES: Readonly<Record<string, string>> = { MD5: 'md5', 'SHA-1': 'sha1', 'SHA-256': 'sha256', 'SHA-384': 'sha384', 'SHA-512': 'sha512' };

/** The functions that Step Functions adds to JSONata's own; it takes `$eval` away. */
const ADDED = {
  partition: (list: readonly unknown[], size: number): unknown[][] =>
    Array.from({ length: Math.ceil(list.length / size) }, (_, index) => list.slice(index * size, (index + 1) * size)),
  range: (from: number, to: number, step: number): number[] =>
    Array.from({ length: Math.max(0, Math.floor((to - from) / step) + 1) }, (_, index) => from + index * step),
  hash: (text: unknown, algorithm: string): string => {
    const name = HASHES[algorithm];
    if (name === undefined) throw new Error(`$hash knows no algorithm ${algorithm}`);
    return createHash(name).update(typeof text === 'string' ? text : JSON.stringify(text)).digest('hex');
  },
  uuid: (): string => randomUUID(),
  parse: (text: string): unknown => JSON.parse(text) as unknown,
  eval: (): never => {
    throw new Error('Step Functions knows no $eval');
  },
};

/** Plain JSON of what JSONata gives: its sequences and functions go no further. */
const plain = (value: unknown): unknown => (value === undefined ? undefined : (JSON.parse(JSON.stringify(value)) as unknown));

/** Evaluates one expression. @param nowMs the time that `$now` and `$millis` give @param random what `$random` gives */
export async function evaluateExpression(text: string, variables: Variables, nowMs: number, random: () => number = Math.random): Promise<unknown> {
  try {
    let expression = compiled.get(text);
    if (!expression) compiled.set(text, (expression = jsonata(text)));
    const result: unknown = await expression.evaluate(undefined, {
      ...ADDED,
      random,
      now: () => new Date(nowMs).toISOString(),
      millis: () => nowMs,
      ...variables,
    });
    return plain(result);
  } catch (error) {
    throw new AslError('States.QueryEvaluationError', `${(error as Error).message ?? String(error)} in ${text.trim().slice(0, 300)}`);
  }
}

/** Evaluates all expressions in a piece of data; one that gives nothing is an error, as in Step Functions. */
export async function evaluateData(data: unknown, variables: Variables, nowMs: number, random?: () => number): Promise<unknown> {
  const text = expressionIn(data);
  if (text !== undefined) {
    const result = await evaluateExpression(text, variables, nowMs, random);
    if (result === undefined) throw new AslError('States.QueryEvaluationError', `the expression gives nothing: ${text.trim().slice(0, 300)}`);
    return result;
  }
  if (Array.isArray(data)) return Promise.all(data.map((item) => evaluateData(item, variables, nowMs, random)));
  if (typeof data !== 'object' || data === null) return data;
  const entries = await Promise.all(Object.entries(data).map(async ([key, value]) => [key, await evaluateData(value, variables, nowMs, random)] as const));
  return Object.fromEntries(entries);
}
