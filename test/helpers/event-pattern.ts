import { resolve } from 'node:path';
import { execa } from 'execa';
import { findPython } from './moto.ts';

/**
 * EventBridge's matching of events by patterns, as its guide describes it: values by `prefix`, `numeric`, `exists`,
 * `anything-but`, `wildcard` and exactly; fields by nesting, where all fields of one pattern have to match inside the same
 * element of an array of objects. moto does not look into arrays of objects, and AWS's own library is Java; of all other
 * questions that a test has asked here, {@link disagreementsWithMoto} asks moto too.
 * Language: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
 */
type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type Pattern = { readonly [key: string]: Pattern | readonly Json[] };

const isObject = (value: unknown): value is { readonly [key: string]: Json } => typeof value === 'object' && value !== null && !Array.isArray(value);

type Asked = { readonly pattern: object; readonly event: unknown; readonly verdict: boolean };
let asked: Asked[] = [];

export function matches(pattern: object, event: unknown): boolean {
  const verdict = holds(pattern, event);
  asked.push({ pattern, event, verdict });
  return verdict;
}

function holds(pattern: object, event: unknown): boolean {
  if (Array.isArray(event)) return event.some((element) => holds(pattern, element));
  if (!isObject(event)) return false;
  return Object.entries(pattern as Pattern).every(([field, wanted]) => {
    if (field === '$or') return (wanted as readonly object[]).some((either) => holds(either, event));
    if (Array.isArray(wanted)) return matchesValue(wanted as readonly Json[], event[field]);
    return holds(wanted, event[field] ?? {});
  });
}

/** Whether a pattern leads into an array of objects, which moto does not look into. */
const entersArray = (pattern: unknown, event: unknown): boolean =>
  isObject(pattern) && (Array.isArray(event) || Object.entries(pattern).some(([field, wanted]) => entersArray(wanted, isObject(event) ? event[field] : undefined)));

/** Asks moto everything that was asked since the last time: how often, and where it says otherwise. */
export async function disagreementsWithMoto(): Promise<{ readonly asked: number; readonly disagreements: readonly Asked[] }> {
  const questions = asked.filter(({ pattern, event }) => !entersArray(pattern, event));
  asked = [];
  const input = questions.map(({ pattern, event }) => `${JSON.stringify([pattern, event])}\n`).join('');
  const { stdout } = await execa(await findPython(), ['-B', resolve(import.meta.dirname, 'aws/event-patterns.py')], { input });
  const verdicts = stdout.trim().split('\n').map((line) => JSON.parse(line) as boolean);
  if (verdicts.length !== questions.length) throw new Error(`moto answered ${verdicts.length} of ${questions.length} questions`);
  return { asked: questions.length, disagreements: questions.filter(({ verdict }, index) => verdict !== verdicts[index]) };
}

const matchesValue = (wanted: readonly Json[], value: Json | undefined): boolean => wanted.some((one) => (isObject(one) ? matchesFilter(one, value) : contains(value, one)));

const contains = (value: Json | undefined, one: Json): boolean => (Array.isArray(value) ? value.includes(one) : value === one);

function matchesFilter(filter: { readonly [key: string]: Json }, value: Json | undefined): boolean {
  const [[name, argument] = ['', null]] = Object.entries(filter);
  if (name === 'exists') return (value !== undefined) === argument;
  const values = Array.isArray(value) ? (value as readonly Json[]) : [value];
  if (name === 'anything-but') return value !== undefined && !values.some((one) => [argument].flat().includes(one as never));
  return values.some((one) => {
    if (name === 'prefix' && typeof argument === 'string') return typeof one === 'string' && one.startsWith(argument);
    if (name === 'wildcard' && typeof argument === 'string') return typeof one === 'string' && wildcard(argument).test(one);
    if (name === 'numeric') return typeof one === 'number' && inRange(argument as readonly (string | number)[], one);
    throw new Error(`the filter "${name}" is not one that the project's patterns use; teach it to this helper`);
  });
}

const wildcard = (text: string): RegExp => new RegExp(`^${text.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`, 's');

function inRange(range: readonly (string | number)[], value: number): boolean {
  for (let at = 0; at < range.length; at += 2) {
    const limit = Number(range[at + 1]);
    const within = { '=': value === limit, '>': value > limit, '>=': value >= limit, '<': value < limit, '<=': value <= limit }[String(range[at])];
    if (!within) return false;
  }
  return true;
}
