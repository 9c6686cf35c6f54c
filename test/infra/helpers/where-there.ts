import { execaSync } from 'execa';

const PROBES = {
  terraform: ['terraform', ['version']],
  moto: ['python3', ['-c', 'import moto.server']],
  'cfn-lint': ['cfn-lint', ['--version']],
} as const;
export type OutsideTool = keyof typeof PROBES;

const missing = (tools: readonly OutsideTool[]): readonly OutsideTool[] =>
  tools.filter((tool) => {
    const [command, args] = PROBES[tool];
    return execaSync(command, args, { reject: false, env: { CHECKPOINT_DISABLE: '1' } }).exitCode !== 0;
  });

/** A suite that needs tools which are not the project's own; where one is missing, it says so instead of proving anything. */
export function describeWhereThere(tools: readonly OutsideTool[], title: string, suite: (this: Mocha.Suite) => void): void {
  const absent = missing(tools);
  if (absent.length === 0) describe(title, suite);
  else describe(title, () => void it(`is not proven on this machine, which has no ${absent.join(' and no ')}`, () => undefined));
}
