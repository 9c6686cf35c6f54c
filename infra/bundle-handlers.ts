/** `npm run build:handlers [file]`: bundles the workflow's functions into one archive, dist/handlers.zip unless told otherwise. */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { zipSync } from 'fflate';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** The functions' archive, and what Terraform compares to see whether it changed. */
export interface HandlerArchive {
  readonly bytes: Uint8Array;
  /** SHA-256 in base64. */
  readonly sha256: string;
  /** Source files that are in it, relative to the checkout. */
  readonly sources: readonly string[];
}

/** Zip archives know no time before 1980. The same for every file, so that the same sources give the same bytes. */
const MTIME = new Date('1980-01-01T12:00:00Z');

/** Bundles the functions: one module with every dependency at its pinned version, the AWS SDK included; the same bytes every time. */
export async function bundleHandlers(): Promise<HandlerArchive> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: ['modules/acquisition-workflow/handlers/index.ts'],
    outfile: 'index.mjs',
    write: false,
    metafile: true,
    bundle: true,
    platform: 'node',
    target: 'node22',
    format: 'esm',
    minify: true, // without it, the paths of CommonJS modules stay in the code
    keepNames: true, // Step Functions tells errors by their names
    legalComments: 'none',
    logLevel: 'warning',
    // Some dependencies are CommonJS and ask for Node's own modules with `require`.
    banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
  });
  const [output] = outputFiles;
  if (output === undefined) throw new Error('esbuild gave no bundle of the handlers');
  const bytes = zipSync({ 'index.mjs': [output.contents, { level: 9, mtime: MTIME }] });
  return { bytes, sha256: createHash('sha256').update(bytes).digest('base64'), sources: Object.keys(metafile.inputs) };
}

/** Bundles the functions into a file. */
export async function writeHandlers(file: string): Promise<HandlerArchive> {
  const archive = await bundleHandlers();
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, archive.bytes);
  return archive;
}

if (import.meta.main) {
  const file = resolve(process.argv[2] ?? fileURLToPath(new URL('../dist/handlers.zip', import.meta.url)));
  const { sha256, bytes } = await writeHandlers(file);
  process.stdout.write(`${file}  ${bytes.length} bytes  sha256 ${sha256}\n`);
}
