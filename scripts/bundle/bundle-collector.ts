/** The collector as one JavaScript file. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build, type BuildOptions, type Metafile, type Plugin } from 'esbuild';

export type CollectorBundle = { readonly code: Uint8Array; readonly metafiles: readonly Metafile[]; readonly version: string };

/** Node's own modules by `require`: an `import` of one runs all its getters, and one of node:http's loads all of undici. */
const builtinsByRequire: Plugin = {
  name: 'builtins-by-require',
  setup(bundle) {
    bundle.onResolve({ filter: /^node:/ }, ({ kind, path }) => (kind === 'import-statement' ? { path, namespace: 'builtin' } : undefined));
    bundle.onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({ contents: `module.exports = require(${JSON.stringify(path)})` }));
  },
};

const COMMON = {
  bundle: true,
  platform: 'node',
  target: 'node24',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'warning',
  metafile: true,
  plugins: [builtinsByRequire],
  write: false,
} as const satisfies BuildOptions;

/** Threads of the collector, by the name under which their code stands in it. */
const WORKERS = { SLAB_WORKER: 'agent/adapters/slab-worker.ts', READ_BACK_WORKER: 'agent/adapters/stores/read-back-worker.ts' } as const;

/** Bundles `agent/cli.ts`, with its workers as texts inside: a worker that loaded the whole file would cost its parsing. */
export async function bundleCollector(root: string): Promise<CollectorBundle> {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  const workers = await Promise.all(
    Object.entries(WORKERS).map(async ([name, entry]) => ({ name, built: await build({ ...COMMON, absWorkingDir: root, entryPoints: [entry], format: 'cjs' }) })),
  );
  const collector = await build({
    ...COMMON,
    absWorkingDir: root,
    entryPoints: ['agent/cli.ts'],
    format: 'esm',
    define: {
      COLLECTOR_VERSION: JSON.stringify(version),
      ...Object.fromEntries(workers.map(({ name, built }) => [name, JSON.stringify(built.outputFiles[0]!.text)])),
    },
    // Some dependencies are CommonJS and ask for Node's own modules with `require`.
    banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
  });
  return { code: collector.outputFiles[0]!.contents, metafiles: [...workers.map(({ built }) => built.metafile), collector.metafile], version };
}
