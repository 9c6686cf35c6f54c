import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { expect } from 'chai';

const root = resolve(import.meta.dirname, '..');
const oxlint = join(root, 'node_modules/.bin/oxlint');

/** Rules that the linter names for one source at a path, one entry a finding, under the project's own configuration. */
const broken = (path: string, source: string, ...flags: string[]): string[] => {
  const directory = mkdtempSync(join(tmpdir(), 'cleanroom-lint-'));
  try {
    cpSync(join(root, '.oxlintrc.json'), join(directory, '.oxlintrc.json'));
    cpSync(join(root, 'tsconfig.json'), join(directory, 'tsconfig.json'));
    symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'));
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), source);
    const { stdout, stderr } = spawnSync(oxlint, ['--format', 'json', '--deny-warnings', ...flags, path], { cwd: directory, encoding: 'utf8' });
    if (!stdout.startsWith('{')) throw new Error(`oxlint gave no JSON: ${stdout}${stderr}`);
    const { diagnostics, number_of_files: files } = JSON.parse(stdout) as { diagnostics: { code: string }[]; number_of_files: number };
    expect(files, 'files looked at').to.equal(1);
    return diagnostics.map(({ code }) => code).toSorted();
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};

const RESTRICTED = 'eslint(no-restricted-imports)';
/** Whether a file at this path may import this. Imports and re-exports, of values and of types, must agree. */
const mayImport = (path: string, specifier: string): boolean => {
  const forms = [
    `import { value } from '${specifier}';`,
    `import type { Type } from '${specifier}';`,
    `export { other } from '${specifier}';`,
    `export * from '${specifier}';`,
  ];
  const source = [...forms, 'export const copy = value;', 'export type Copy = Type;', ''].join('\n');
  const refusals = broken(path, source).filter((code) => code === RESTRICTED).length;
  expect(refusals, `refusals of ${path} importing ${specifier} in ${forms.length} forms`).to.be.oneOf([0, forms.length]);
  return refusals === 0;
};

describe('lint: import directions', () => {
  const allowed: [path: string, specifier: string][] = [
    ['infra/main.ts', '../stacks/seal/index.ts'],
    ['stacks/seal/index.ts', '../../modules/governance/index.ts'],
    ['modules/evidence/bucket.ts', '../vocabulary/index.ts'],
    ['modules/evidence/bucket.ts', 'cdktf'],
    ['modules/evidence/bucket.ts', '@cdktf/provider-aws/lib/s3-bucket'],
    ['modules/vocabulary/manifest.ts', 'zod'],
    ['modules/vocabulary/manifest.ts', './status.ts'],
    ['modules/governance/policies/deny-tampering.ts', '../../vocabulary/index.ts'],
    ['agent/stages/acquire.ts', '../../modules/vocabulary/index.ts'],
    ['agent/cli.ts', '../modules/vocabulary/index.ts'],
    ['agent/stages/acquire.ts', '@aws-sdk/client-s3'],
    ['cli/case.ts', '../modules/vocabulary/index.ts'],
  ];
  for (const [path, specifier] of allowed) {
    it(`lets ${path} import ${specifier}`, () => expect(mayImport(path, specifier)).to.equal(true));
  }

  const refused: [promise: string, path: string, ...specifiers: string[]][] = [
    ['keeps the vocabulary free of all but zod and itself', 'modules/vocabulary/manifest.ts',
      '../evidence/index.ts', '../index.ts', '../../agent/errors.ts', '../../stacks/seal/index.ts', 'cdktf', 'node:crypto', 'execa', 'zod/v4', '@aws-sdk/client-s3', './../policy.ts'],
    ['keeps modules from importing stacks, infra, agent and cli', 'modules/evidence/bucket.ts',
      '../../stacks/seal/index.ts', '../../infra/config.ts', '../../agent/errors.ts', '../../cli/case.ts'],
    ['keeps stacks from importing infra, agent and cli', 'stacks/seal/index.ts',
      '../../infra/config.ts', '../../agent/errors.ts', '../../cli/case.ts'],
    ['keeps infra from importing agent and cli', 'infra/main.ts', '../agent/errors.ts', '../cli/case.ts'],
    ['keeps the agent from importing anything of modules but the vocabulary', 'agent/stages/acquire.ts',
      '../../modules/evidence/index.ts', '../../modules/index.ts', '../../modules/policy.ts', '../../modules/governance/policies/deny-tampering.ts'],
    ['keeps the agent from importing stacks, infra and cdktf', 'agent/stages/acquire.ts',
      '../../stacks/seal/index.ts', '../../infra/config.ts', 'cdktf', 'constructs', '@cdktf/provider-aws/lib/s3-bucket'],
    ['keeps the cli from importing anything of modules but the vocabulary', 'cli/case.ts',
      '../modules/evidence/index.ts', '../modules/index.ts', '../modules/policy.ts'],
    ['keeps the cli from importing stacks, infra, agent and cdktf', 'cli/case.ts',
      '../stacks/seal/index.ts', '../infra/config.ts', '../agent/errors.ts', 'cdktf', '@cdktf/provider-aws/lib/s3-bucket'],
    ['keeps policies free of cdktf', 'modules/governance/policies/deny-tampering.ts',
      'cdktf', 'cdktf/lib/token', 'constructs', '@cdktf/provider-aws/lib/s3-bucket', 'cdktn', '../../../stacks/seal/index.ts'],
    ['keeps the workflow definition free of cdktf', 'modules/acquisition-workflow/definition.ts', 'cdktf', 'constructs', '../../agent/errors.ts'],
    ['keeps the image recipe free of cdktf', 'modules/collector-image/recipe.ts', 'cdktf', 'constructs', '../../agent/errors.ts'],
  ];
  for (const [promise, path, ...specifiers] of refused) {
    it(promise, () => expect(specifiers.filter((specifier) => mayImport(path, specifier))).to.deep.equal([]));
  }

  it('refuses the barrel of the provider everywhere', () => {
    const folders = ['infra/a.ts', 'stacks/a/b.ts', 'modules/a/b.ts', 'agent/a.ts', 'cli/a.ts', 'test/a.ts', 'scripts/a.ts'];
    expect(folders.filter((path) => mayImport(path, '@cdktf/provider-aws'))).to.deep.equal([]);
  });
});

describe('lint: promises and leftovers', () => {
  it('refuses a promise that nobody waits for', () => {
    const source = "export const start = async (): Promise<void> => {};\nexport const run = (): void => {\n  start();\n};\n";
    expect(broken('agent/a.ts', source, '--type-aware')).to.deep.equal(['typescript(no-floating-promises)']);
  });

  it('refuses a promise where a condition is meant', () => {
    const source = 'export const ready = async (): Promise<boolean> => true;\nexport const state = (): string => (ready() ? "up" : "down");\n';
    expect(broken('agent/a.ts', source, '--type-aware')).to.deep.equal(['typescript(no-misused-promises)']);
  });

  it('refuses an async function as a listener that nobody waits for', () => {
    const source = "import { EventEmitter } from 'node:events';\nnew EventEmitter().on('add', async () => {\n  await Promise.resolve();\n});\n";
    expect(broken('agent/a.ts', source, '--type-aware')).to.deep.equal(['typescript(no-misused-promises)']);
  });

  it('refuses what is declared and never used', () => {
    expect(broken('agent/a.ts', 'const left = 1;\nexport const right = 2;\n')).to.deep.equal(['eslint(no-unused-vars)']);
  });

  it('looks at every folder of sources', () => {
    const tracked = execFileSync(oxlint, ['--debug=files'], { cwd: root, encoding: 'utf8' });
    expect(tracked).to.match(/agent\/errors\.ts/).and.to.match(/modules\/vocabulary\/manifest\.ts/).and.to.match(/test\/lint\.test\.ts/);
    expect(JSON.parse(readFileSync(join(root, '.oxlintrc.json'), 'utf8')).categories).to.deep.equal({ correctness: 'error', suspicious: 'error' });
  });
});
