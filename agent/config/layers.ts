import { open } from 'node:fs/promises';
import type { InstanceMetadata } from '../adapters/instance-metadata.ts';
import { messageOf, StageError } from '../errors.ts';
import { nearest } from './nearest.ts';
import { shown, type ConfigProblem } from './problems.ts';
import type { ConfigKey } from './schema.ts';
import { SETTINGS, type Setting } from './settings.ts';
import { parseSize, SIZE_SYNTAX } from './sizes.ts';

/** Where a value comes from. */
export type OriginKind = 'argument' | 'flag' | 'environment' | 'file' | 'instance tag' | 'default';
export type Origin = {
  readonly kind: OriginKind;
  /** As a person would name it: `flag --part-size`, `environment CLEANROOM_PART_SIZE`, `default`. */
  readonly source: string;
};

export type LayerValue = Origin & { readonly key: ConfigKey; readonly value: unknown };
/** What one source says; the problems of reading it, not of its values' limits. */
export type Layer = { readonly values: readonly LayerValue[]; readonly problems: readonly ConfigProblem[] };

/** Variables that belong to the collector but are no settings. */
export const OTHER_VARIABLES = { file: 'CLEANROOM_CONFIG', imds: 'CLEANROOM_IMDS_ENDPOINT', debug: 'CLEANROOM_DEBUG' } as const;
/** What the project's own tests talk to each other with. */
const TEST_VARIABLE = /^CLEANROOM_TEST_/;
export const DEFAULT_FILE = '/etc/cleanroom/collector.json';
const MAX_FILE_BYTES = 1024 ** 2;

const camel = (name: string): string => name.replaceAll(/-[a-z]/g, (part) => part.charAt(1).toUpperCase());

const WORDS: Readonly<Record<string, boolean>> = { true: true, yes: true, on: true, 1: true, false: false, no: false, off: false, 0: false };

type Reading = { readonly value: unknown } | { readonly problem: string };

/** Turns the text of a flag, a variable or a tag into the setting's type. */
function readText({ kind, allowed }: Setting, text: string): Reading {
  if (kind === 'switch') {
    const word = text.toLowerCase();
    return Object.hasOwn(WORDS, word) ? { value: WORDS[word] } : { problem: 'must be true or false' };
  }
  if (kind === 'size') return readSize(text, allowed);
  if (kind === 'number') return /^-?\d{1,15}$/.test(text) ? { value: Number(text) } : { problem: `must be ${allowed}` };
  return { value: text };
}

function readSize(text: string, allowed: string): Reading {
  const value = parseSize(text);
  return value === undefined ? { problem: `is no size; write ${SIZE_SYNTAX}; allowed is ${allowed}` } : { value };
}

class LayerReader {
  readonly values: LayerValue[] = [];
  readonly problems: ConfigProblem[] = [];

  add(setting: Setting, origin: Origin, raw: unknown): void {
    const reading = typeof raw === 'string' && (origin.kind !== 'file' || setting.kind === 'size')
      ? (setting.kind === 'size' ? readSize(raw, setting.allowed) : readText(setting, raw))
      : { value: raw };
    if ('problem' in reading) {
      this.problems.push({ source: origin.source, key: setting.key, message: reading.problem, got: shown(setting.name, raw) });
    } else this.values.push({ ...origin, key: setting.key, value: reading.value });
  }

  unknown(source: string, name: string, known: readonly string[]): void {
    const near = nearest(name, known);
    this.problems.push({
      source,
      message: near === undefined ? `is no setting; known are ${known.join(', ')}` : `is no setting; did you mean ${near}?`,
    });
  }
}

/** Flags as commander hands them over: by their own camelCase name, or by the setting's key. Others are not ours. */
export function flagLayer(flags: Readonly<Record<string, unknown>>): Layer {
  const reader = new LayerReader();
  for (const setting of SETTINGS) {
    const raw = flags[camel(setting.name)] ?? flags[setting.key];
    if (raw === undefined || (raw === true && setting.fallback === true)) continue; // commander's own default of a --no-… flag
    const long = setting.flag.split(' ')[0] ?? '';
    reader.add(setting, { kind: 'flag', source: `flag ${raw === true ? `--${setting.name}` : long}` }, raw);
  }
  return reader;
}

/** The argument of a command that names a place, which is where evidence went. */
export function locationLayer(location: string): Layer {
  return { values: [{ key: 'to', value: location, kind: 'argument', source: 'argument <location>' }], problems: [] };
}

/** `CLEANROOM_…` variables; an unknown one is a problem, an empty one counts as a value. */
export function environmentLayer(env: Readonly<Record<string, string | undefined>>): Layer {
  const reader = new LayerReader();
  const others: readonly string[] = Object.values(OTHER_VARIABLES);
  const known = [...SETTINGS.map(({ variable }) => variable), ...others];
  for (const [name, raw] of Object.entries(env)) {
    if (!name.startsWith('CLEANROOM_') || raw === undefined || others.includes(name) || TEST_VARIABLE.test(name)) continue;
    const setting = SETTINGS.find(({ variable }) => variable === name);
    if (setting) reader.add(setting, { kind: 'environment', source: `environment ${name}` }, raw);
    else reader.unknown(`environment ${shown('', name).slice(1, -1)}`, name, known);
  }
  return reader;
}

/** The settings file. @param required whether it is a problem when there is none */
export async function fileLayer(path: string, required: boolean): Promise<Layer> {
  const reader = new LayerReader();
  const source = `file ${shown('', path).slice(1, -1)}`;
  let text: string;
  try {
    text = await readSmall(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && !required) return reader;
    reader.problems.push({ source, message: `cannot be read: ${messageOf(error)}` });
    return reader;
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    const place = /line \d+ column \d+|position \d+/.exec(messageOf(error))?.[0]; // never the text itself: it may hold a secret
    reader.problems.push({ source, message: `is not JSON${place === undefined ? '' : `, at ${place}`}` });
    return reader;
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    reader.problems.push({ source, message: 'must be a JSON object' });
    return reader;
  }
  for (const [key, raw] of Object.entries(json)) {
    const at = `${source} at ${shown('', key).slice(1, -1)}`;
    const setting = SETTINGS.find((candidate) => candidate.key === key);
    if (setting) reader.add(setting, { kind: 'file', source: at }, raw);
    else reader.unknown(at, key, SETTINGS.map((candidate) => candidate.key));
  }
  return reader;
}

async function readSmall(path: string): Promise<string> {
  await using file = await open(path, 'r');
  const info = await file.stat();
  if (!info.isFile()) throw new Error('it is not a regular file');
  if (info.size > MAX_FILE_BYTES) throw new Error(`it has ${info.size} bytes; at most ${MAX_FILE_BYTES} are read`);
  return await file.readFile('utf8');
}

/** The instance's `cleanroom:` tags. */
export async function tagLayer(metadata: Pick<InstanceMetadata, 'tags'>): Promise<Layer> {
  const reader = new LayerReader();
  let tags: ReadonlyMap<string, string>;
  try {
    tags = await metadata.tags('cleanroom:');
  } catch (error) {
    reader.problems.push({ source: 'instance tags', message: `cannot be read: ${messageOf(error)}`, ...(error instanceof StageError && { host: error.code }) });
    return reader;
  }
  for (const [key, raw] of tags) {
    const setting = SETTINGS.find(({ tag }) => tag === key);
    if (setting) reader.add(setting, { kind: 'instance tag', source: `instance tag ${key}` }, raw);
    else reader.unknown(`instance tag ${shown('', key).slice(1, -1)}`, key, SETTINGS.map(({ tag }) => tag));
  }
  return reader;
}
