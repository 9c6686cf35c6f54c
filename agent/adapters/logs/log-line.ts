import type { LogRecord } from '../../../modules/vocabulary/index.ts';

/** Every UTF-16 unit outside printable ASCII: what a terminal, a bidi algorithm or a careless parser might act on. */
const NOT_PRINTABLE = /[^\x20-\x7e]/g;

const asUnicodeEscape = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** JSON in printable ASCII only (all else as `\uXXXX`), so that one character is one byte and no value can act on a terminal. */
export const asciiJson = (value: unknown): string => JSON.stringify(value).replaceAll(NOT_PRINTABLE, asUnicodeEscape);

/** A copy of a value of JSON whose strings are printable ASCII, all else in them written as `\uXXXX`: for records in a form that is fixed. */
export const printable = <T>(value: T): T =>
  JSON.parse(JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'string' ? inner.replaceAll(NOT_PRINTABLE, asUnicodeEscape) : inner))) as T;

/** A record as one line of JSON, without the newline; a record that JSON cannot hold becomes one that says so. */
export function jsonLine(record: LogRecord): string {
  try {
    return asciiJson(record);
  } catch {
    return asciiJson({ time: record.time, level: record.level, event: record.event, unserializable: true });
  }
}

/**
 * A record as one line of JSON of at most `maxBytes`. Where it is longer, its longest fields are cut, marked, and
 * `truncated` names how long the whole line was; the short fields that tell which case and exhibit it is about stay.
 */
export function boundedJsonLine(record: LogRecord, maxBytes: number): string {
  const whole = jsonLine(record);
  if (whole.length <= maxBytes) return whole;
  const { time, level, event, ...fields } = record;
  const head = { time, level, event, truncated: `${whole.length} bytes` };
  const kept: Record<string, unknown> = { ...fields };
  let length = jsonLine({ ...head, ...kept }).length;
  const longestFirst = Object.entries(kept)
    .map(([key, value]) => ({ key, text: asciiJson(value) ?? '' }))
    .toSorted((a, b) => b.text.length - a.text.length);
  for (const { key, text } of longestFirst) {
    if (length <= maxBytes) break;
    const cut = `${text.slice(0, 1024)}... (${text.length} bytes, truncated)`;
    kept[key] = cut;
    length += asciiJson(cut).length - text.length;
  }
  const line = jsonLine({ ...head, ...kept });
  return line.length <= maxBytes ? line : jsonLine(head);
}

const printField = (value: unknown): string => {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return /^[\w.:/@+%-]+$/.test(text) ? text : asciiJson(text);
};

/** A record as a line for a person: time, level where it matters, event, then `key=value`; printable ASCII only. */
export function textLine(record: LogRecord): string {
  const { time, level, event, ...fields } = record;
  const words = [time, ...(level === 'info' ? [] : [level.toUpperCase()]), event];
  for (const [key, value] of Object.entries(fields)) words.push(`${printField(key)}=${printField(value)}`);
  return words.join(' ');
}
