/** `npm run build:readmes`: writes the reference tables of the modules' READMEs, below their marker. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { constructReference } from './module-reference.ts';

const MODULES = new URL('../modules/', import.meta.url);
const MARKER = '\n## Reference\n\n<!-- written by npm run build:readmes; what is above is by hand -->\n\n';

/** Folders of modules that have a README and constructs. */
export const referenceFolders = (): readonly string[] =>
  readdirSync(MODULES, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() && !['terraform', 'vocabulary'].includes(entry.name) ? [entry.name] : []));

/** A module's README as it should be: what was written by hand, and the reference of its constructs. */
export function readmeWithReference(folder: string): string {
  const directory = new URL(`${folder}/`, MODULES);
  const [byHand = ''] = readFileSync(new URL('README.md', directory), 'utf8').split(MARKER);
  const sources = readdirSync(directory).filter((file) => file.endsWith('.ts')).toSorted();
  const references = sources.map((file) => constructReference(readFileSync(new URL(file, directory), 'utf8'))).filter((text) => text !== '');
  return `${byHand.trimEnd()}\n${MARKER}${references.join('\n')}`;
}

if (import.meta.main) for (const folder of referenceFolders()) writeFileSync(new URL(`${folder}/README.md`, MODULES), readmeWithReference(folder));
