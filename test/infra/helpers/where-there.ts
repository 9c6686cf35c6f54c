import { execaSync } from 'execa';

const PROBES = {
  terraform: ['terraform', ['version']],
  'cfn-lint': ['cfn-lint', ['--version']],
} as const;
export type OutsideTool = keyof typeof PROBES;

const missing = (tools: readonly OutsideTool[]): readonly OutsideTool[] =>
  tools.filter((tool) => {
    const [command, args] = PROBES[tool];
    return execaSync(command, args, { reject: false, env: { CHECKPOINT_DISABLE: '1' } }).exitCode !== 0;
  });

const INSTALL: Readonly<Record<OutsideTool, string>> = {
  terraform: 'install Terraform 1.11 or newer (https://developer.hashicorp.com/terraform/install) and put it on PATH',
  'cfn-lint': 'pip install cfn-lint',
};

/**
 * A suite that needs tools which are not the project's own. Where one is missing it fails, and says what to install; only
 * cfn-lint, a second opinion, may be absent.
 */
export function describeWhereThere(tools: readonly OutsideTool[], title: string, suite: (this: Mocha.Suite) => void): void {
  const absent = missing(tools);
  if (absent.length === 0) return void describe(title, suite);
  const advice = absent.map((tool) => `${tool}: ${INSTALL[tool]}`).join('; ');
  if (absent.every((tool) => tool === 'cfn-lint')) return console.warn(`not run: ${title}. ${advice}`);
  return void describe(title, () => {
    it(`needs ${absent.join(' and ')}`, () => {
      throw new Error(advice);
    });
  });
}
