/**
 * Builds the collector's bundle: `dist/collector.mjs`, and with `--arch` a tar.gz that installs it with its own Node.
 *
 *   npm run build:collector                     collector.mjs, and the archive for this machine's architecture
 *   npm run build:collector -- --arch all       for x64 and arm64
 *   npm run build:collector -- --arch none      collector.mjs alone
 */
import { chmod, copyFile, cp, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { pack, sha256Of } from './bundle/archive.ts';
import { bundleCollector, type CollectorBundle } from './bundle/bundle-collector.ts';
import { ARCHITECTURES, NODE_VERSION, nodeRuntime, type Architecture } from './bundle/node-runtime.ts';
import { bundledPackages, licenceText } from './bundle/packages.ts';
import { sbomOf } from './bundle/sbom.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Seconds since the epoch that every file of the archive bears: SOURCE_DATE_EPOCH, otherwise the commit's time. */
async function sourceTime(): Promise<number> {
  const given = process.env['SOURCE_DATE_EPOCH'] ?? (await execa('git', ['log', '-1', '--format=%ct'], { cwd: root, reject: false })).stdout;
  if (given !== undefined && /^\d+$/.test(given)) return Number(given);
  throw new Error(`got no time for the archive (${given ?? 'git says nothing'}): build in a git checkout, or set SOURCE_DATE_EPOCH to seconds since 1970`);
}

function chosen(arch: string): readonly Architecture[] {
  if (arch === 'none') return [];
  if (arch === 'all') return ARCHITECTURES;
  const found = ARCHITECTURES.find((name) => name === arch);
  if (found) return [found];
  throw new Error(`got --arch ${arch}; allowed: ${ARCHITECTURES.join(', ')}, all, none`);
}

/** Every file below a folder, relative to it, sorted. */
async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1)).toSorted();
}

async function archive({ code, metafiles, version }: CollectorBundle, architecture: Architecture, out: string): Promise<string> {
  const seconds = await sourceTime();
  const name = `cleanroom-collector-${version}-linux-${architecture}`;
  const stage = await mkdtemp(join(out, '.stage-'));
  try {
    const folder = join(stage, name);
    await cp(join(root, 'agent/host'), folder, { recursive: true });
    const runtime = await nodeRuntime(architecture, join(root, '.tools/runtime'));
    await mkdir(join(folder, 'lib'), { recursive: true });
    await copyFile(runtime.binary, join(folder, 'lib/node'));
    await copyFile(runtime.licence, join(folder, 'node.LICENSE'));
    await writeFile(join(folder, 'lib/collector.mjs'), code);
    await writeFile(join(folder, 'VERSION'), `${version} linux-${architecture} node-${NODE_VERSION}\n`);
    const packages = await bundledPackages(root, metafiles);
    await writeFile(join(folder, 'LICENSES.txt'), licenceText(packages));
    const sbom = sbomOf({ version, architecture, packages, node: { version: NODE_VERSION, integrity: runtime.integrity }, time: new Date(seconds * 1000) });
    await writeFile(join(folder, 'sbom.cdx.json'), sbom);
    const sums = await Promise.all((await filesBelow(folder)).map(async (file) => `${await sha256Of(join(folder, file))}  ${file}`));
    await writeFile(join(folder, 'SHA256SUMS'), `${sums.join('\n')}\n`);
    const made = join(stage, `${name}.tar.gz`);
    await pack(stage, name, made, seconds);
    const file = join(out, `${name}.tar.gz`);
    await rename(made, file); // whoever finds it finds it whole
    await writeFile(`${file}.sha256`, `${await sha256Of(file)}  ${name}.tar.gz\n`);
    await writeFile(join(out, `${name}.sbom.cdx.json`), sbom);
    return file;
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
}

const { values } = parseArgs({ options: { arch: { type: 'string', default: process.arch }, out: { type: 'string', default: join(root, 'dist') } } });
const architectures = chosen(values.arch);
await mkdir(values.out, { recursive: true });
const bundle = await bundleCollector(root);
const script = join(values.out, 'collector.mjs');
await writeFile(script, bundle.code);
await chmod(script, 0o755);
for (const architecture of architectures) console.log(await archive(bundle, architecture, values.out));
