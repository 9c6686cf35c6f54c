/** `npm run schema:estate`: writes the JSON Schema of estate files, for editors, to infra/estate.schema.json. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { Estate } from './config.ts';

export const SCHEMA_FILE = fileURLToPath(new URL('estate.schema.json', import.meta.url));

/** The schema of what may stand in a file: fields with a default may be left out. */
export const estateSchema = (): string => `${JSON.stringify({ title: 'Cleanroom estate', ...z.toJSONSchema(Estate, { io: 'input' }) }, null, 2)}\n`;

if (import.meta.main) writeFileSync(SCHEMA_FILE, estateSchema());
