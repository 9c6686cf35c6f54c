import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { EstateError, parseEstate, type Estate } from './config.ts';

/** The estate that is synthesised when nothing else is asked for. */
export const DEFAULT_ESTATE = fileURLToPath(new URL('estates/example.json', import.meta.url));

/**
 * Reads an estate file.
 * @throws EstateError with every problem at once
 */
export function readEstate(file: string): Estate {
  let input: unknown;
  try {
    input = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new EstateError(file, [{ path: '(the file)', got: (error as Error).message, allowed: 'a readable JSON file is allowed' }]);
  }
  return parseEstate(input, file);
}
