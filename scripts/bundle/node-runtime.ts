/** The Node runtime that the bundle carries: the npm packages of scripts/with-node.sh, pinned by their SHA-512. */
import { createHash } from 'node:crypto';
import { access, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';

export const NODE_VERSION = '24.21.0';

export const ARCHITECTURES = ['x64', 'arm64'] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

/** Subresource integrity of `node-linux-<architecture>` of {@link NODE_VERSION}, as npm's registry published it. */
export const NODE_INTEGRITY: Readonly<Record<Architecture, string>> = {
  x64: 'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  arm64: 'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
};

export type NodeRuntime = { readonly binary: string; readonly licence: string; readonly integrity: string };

const exists = (path: string): Promise<boolean> => access(path).then(() => true, () => false);

/** Asserts that a package is the one that was pinned. */
export function checkIntegrity(content: Uint8Array, expected: string, what: string): void {
  const found = `sha512-${createHash('sha512').update(content).digest('base64')}`;
  if (found === expected) return;
  throw new Error(`${what} has integrity ${found}, expected ${expected}: it is not the package that was pinned; do not build with it`);
}

async function download(name: string, into: string, integrity: string): Promise<void> {
  await execa('npm', ['pack', `${name}@${NODE_VERSION}`, '--ignore-scripts', '--loglevel', 'error', '--pack-destination', into], { cwd: into });
  const [tarball] = (await readdir(into)).filter((file) => file.endsWith('.tgz'));
  if (tarball === undefined) throw new Error(`npm pack left no package of ${name}@${NODE_VERSION} in ${into}; check the network and npm's registry`);
  checkIntegrity(await readFile(join(into, tarball)), integrity, `${name}@${NODE_VERSION}`);
  await execa('tar', ['--extract', '--gzip', '--file', tarball, '--no-same-owner', 'package/bin/node', 'package/LICENSE'], { cwd: into });
  await rm(join(into, tarball));
}

/** The runtime's files, downloaded and verified once. @param cache folder that keeps them, for example `.tools/runtime` */
export async function nodeRuntime(architecture: Architecture, cache: string): Promise<NodeRuntime> {
  const integrity = NODE_INTEGRITY[architecture];
  // The folder's name holds the digest: a changed pin finds no folder, and one that is there was verified before it got its name.
  const folder = join(cache, `node-${NODE_VERSION}-${architecture}-${Buffer.from(integrity).toString('hex').slice(-24)}`);
  if (!(await exists(folder))) {
    const temporary = `${folder}.${process.pid}`;
    await mkdir(temporary, { recursive: true });
    try {
      await download(`node-linux-${architecture}`, temporary, integrity);
      await rename(temporary, folder).catch((error: unknown) => {
        if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error; // another build was first
      });
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
  }
  return { binary: join(folder, 'package/bin/node'), licence: join(folder, 'package/LICENSE'), integrity };
}
