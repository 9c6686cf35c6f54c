/** Bundles the collector into dist/: collector.mjs and the reading worker beside it. */
import { chmod, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const { version } = JSON.parse(await readFile(`${root}/package.json`, 'utf8')) as { version: string };

await build({
  absWorkingDir: root,
  entryPoints: { collector: 'agent/cli.ts', 'slab-worker': 'agent/adapters/slab-worker.ts' },
  outdir: 'dist',
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'warning',
  define: { COLLECTOR_VERSION: JSON.stringify(version) },
  // Some dependencies are CommonJS and ask for Node's own modules with `require`.
  banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
});
await chmod(`${root}/dist/collector.mjs`, 0o755);
