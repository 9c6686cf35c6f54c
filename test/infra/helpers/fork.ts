import { execa } from 'execa';
import { cpSync, globSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../../..');
const SOURCES = ['infra', 'stacks', 'modules', 'examples'] as const;

/**
 * Lays this project's sources out as npm lays out one whose package.json says
 * `"cdktf": "npm:cdktn@…", "@cdktf/provider-aws": "npm:@cdktn/provider-aws@…"`: the fork in the folder of cdktf's name, and
 * once more beside it under its own, for the provider's bindings, which ask for it so.
 */
export function layOutOnFork(directory: string): void {
  for (const source of SOURCES) cpSync(join(ROOT, source), join(directory, source), { recursive: true });
  const modules = join(directory, 'node_modules');
  mkdirSync(join(modules, '@cdktf'), { recursive: true });
  cpSync(join(ROOT, 'node_modules/cdktn'), join(modules, 'cdktf'), { recursive: true });
  const others = readdirSync(join(ROOT, 'node_modules')).filter((name) => !/^(\.|@?cdktf$)/.test(name));
  for (const name of others) symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  symlinkSync(join(ROOT, 'node_modules/@cdktn/provider-aws'), join(modules, '@cdktf/provider-aws'));
  writeFileSync(join(directory, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  const { compilerOptions } = JSON.parse(readFileSync(join(ROOT, 'tsconfig.json'), 'utf8')) as { compilerOptions: Record<string, unknown> };
  writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify({ compilerOptions: { ...compilerOptions, types: ['node'] }, include: SOURCES }));
}

/** What the sources in a directory make: every stack of both estates, and the plain Terraform modules, by file. */
export async function make(sources: string, into: string): Promise<Readonly<Record<string, unknown>>> {
  const run = async (name: string, script: string, args: readonly string[], env: Record<string, string>): Promise<void> => {
    const cwd = join(into, name);
    mkdirSync(cwd, { recursive: true });
    await execa(process.execPath, ['--no-warnings', join(sources, script), ...args], { cwd, env });
  };
  for (const name of ['example', 'minimal']) await run(name, 'infra/main.ts', [], { CLEANROOM_ESTATE: join(sources, `infra/estates/${name}.json`) });
  await run('modules', 'infra/build-terraform.ts', ['.'], {});
  const files = globSync('{example,minimal,modules}/**/*.tf.json', { cwd: into }).toSorted();
  return Object.fromEntries(files.map((file) => [file, JSON.parse(readFileSync(join(into, file), 'utf8'))]));
}

/** This project's own sources, which cdktf answers. */
export const OWN_SOURCES = ROOT;
