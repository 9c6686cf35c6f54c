import type { Origins } from './load-config.ts';
import { redact } from './problems.ts';
import type { CollectorConfig } from './schema.ts';
import { SETTINGS } from './settings.ts';
import { printSize } from './sizes.ts';

/** The result of all layers, each value with where it comes from, without secrets: a table for a person, or JSON. */
export function printConfig(config: CollectorConfig, origins: Origins, options: { readonly json: boolean }): string {
  const rows = SETTINGS.map(({ key, name, kind }) => {
    const raw = config[key];
    const value = typeof raw === 'string' ? redact(name, raw) : raw;
    return { key, name, kind, value: value ?? null, from: raw === undefined ? 'not set' : (origins[key]?.source ?? 'default') };
  });
  if (options.json) {
    const entries = rows.map(({ key, value, from }) => [key, { value, from }] as const);
    return `${JSON.stringify(Object.fromEntries(entries), null, 2)}\n`;
  }
  const cells = rows.map(({ name, kind, value, from }) => {
    const text = value === null ? '-' : kind === 'size' ? printSize(Number(value)) : value === '' ? '""' : String(value);
    return [name, text, from] as const;
  });
  const [first, second] = [0, 1].map((column) => Math.max(...cells.map((row) => row[column as 0 | 1].length)));
  return cells.map(([name, text, from]) => `${name.padEnd(first ?? 0)}  ${text.padEnd(second ?? 0)}  ${from}\n`).join('');
}
