import { createHash } from 'node:crypto';
import { escapeHostile } from '../../vocabulary/index.ts';

/** Somebody's text as printable ASCII, cut to what a record, a log line or a message takes. @param length characters */
export const safe = (text: string, length = 1024): string => escapeHostile(text).slice(0, length);

/** Lower-case hexadecimal SHA-256; of a string, that of its UTF-8. */
export const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');
