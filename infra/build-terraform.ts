/** `npm run build:terraform [directory]`: writes every module as a plain Terraform module, to dist/terraform unless told otherwise. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { emitModule } from '../modules/terraform/emit.ts';
import { MODULE_SPECS } from '../modules/terraform/specs/index.ts';

/** Writes all modules and gives back their directories. */
export function buildTerraform(target: string): readonly string[] {
  return MODULE_SPECS.map((spec) => {
    const directory = join(target, spec.name);
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
    for (const [file, content] of Object.entries(emitModule(spec))) writeFileSync(join(directory, file), content);
    return directory;
  });
}

if (import.meta.main) for (const directory of buildTerraform(process.argv[2] ?? join('dist', 'terraform'))) process.stdout.write(`${directory}\n`);
