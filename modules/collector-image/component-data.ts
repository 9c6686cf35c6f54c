import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ComponentName } from './recipe.ts';

/** A component's document, as Image Builder reads it. */
export const componentDocument = (name: ComponentName): string => readFileSync(new URL(`components/${name}.yml`, import.meta.url), 'utf8');

/** A text that Terraform is to take as it is: its own braces doubled. */
export const literal = (text: string): string => text.replaceAll(/[$%](?=\{)/g, (sign) => sign + sign);

/** What stands in a text for a value that only Terraform will know. */
const REFERENCE = /\$\{TfToken\[[^\]]*\]\}/g;

/**
 * A short name for content. Components and recipes cannot be changed once they are there: what differs gets another name,
 * and what is the same keeps its own. Values that only Terraform knows are left out.
 */
export const contentName = (content: unknown): string => createHash('sha256').update(JSON.stringify(content).replaceAll(REFERENCE, '')).digest('hex').slice(0, 8);
