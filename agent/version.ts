import { readFileSync } from 'node:fs';

/** Put in by the bundler; a checkout reads its package.json. */
declare const COLLECTOR_VERSION: string | undefined;

const fromPackage = (): string => (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version;

/** The collector's version, as manifests record it. */
export const VERSION = typeof COLLECTOR_VERSION === 'string' ? COLLECTOR_VERSION : fromPackage();
