/** Which npm packages are in a bundle, with what their makers say of them. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';

export type BundledPackage = {
  readonly name: string;
  readonly version: string;
  /** SPDX expression. */
  readonly license: string;
  /** Subresource integrity, from package-lock.json. */
  readonly integrity: string;
  /** The licence's and notice's own text. */
  readonly texts: readonly string[];
};

type Lock = { readonly packages: Readonly<Record<string, { readonly version?: string; readonly integrity?: string }>> };

const FOLDER = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//;
const LEGAL = /^(?:licen[cs]e|notice|copying)(?:[.-].*)?$/i;

/** Folders, relative to the checkout, of the packages that gave at least one byte to the bundle. */
export function foldersOf({ outputs }: Metafile): string[] {
  const inputs = Object.values(outputs).flatMap(({ inputs: parts }) => Object.entries(parts).filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([path]) => path));
  return [...new Set(inputs.flatMap((path) => FOLDER.exec(path)?.[1] ?? []))].toSorted();
}

async function describe(root: string, folder: string, lock: Lock): Promise<BundledPackage> {
  const { name, version, license } = JSON.parse(await readFile(join(root, folder, 'package.json'), 'utf8')) as { name: string; version: string; license?: unknown };
  const locked = lock.packages[folder];
  if (locked?.integrity === undefined || locked.version !== version) {
    throw new Error(`${folder} has version ${version}, package-lock.json ${locked?.version ?? 'does not have it'}; install what it says: npm ci`);
  }
  if (typeof license !== 'string') throw new Error(`${name}@${version} names no licence; look for it and decide whether it may be bundled`);
  const files = (await readdir(join(root, folder))).filter((file) => LEGAL.test(file)).toSorted();
  const texts = await Promise.all(files.map((file) => readFile(join(root, folder, file), 'utf8')));
  return { name, version, license, integrity: locked.integrity, texts };
}

/** Every package of the bundle once, by name and version. */
export async function bundledPackages(root: string, metafiles: readonly Metafile[]): Promise<BundledPackage[]> {
  const lock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as Lock;
  const folders = [...new Set(metafiles.flatMap(foldersOf))];
  const all = await Promise.all(folders.map((folder) => describe(root, folder, lock)));
  return [...new Map(all.map((found) => [`${found.name}@${found.version}`, found])).entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, found]) => found);
}

const RULE = `\n${'='.repeat(100)}\n`;

/** Licences of everything in the bundle; texts that are shared stand once, under all packages that carry them. */
export function licenceText(packages: readonly BundledPackage[]): string {
  const shared = Map.groupBy(packages, ({ license, texts }) => (texts.length > 0 ? texts.join('\n') : `Licensed under ${license}; the package carries no text of its own.`));
  const sections = [...shared].map(([text, list]) => `${list.map(({ name, version, license }) => `${name} ${version} (${license})`).join('\n')}\n\n${text.trim()}\n`);
  return `The collector contains these packages. The licence of the Node runtime is in node.LICENSE.\n${RULE}${sections.join(RULE)}`;
}
