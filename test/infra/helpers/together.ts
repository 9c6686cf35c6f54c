import { AWS_PROVIDER } from '../../../modules/terraform/versions.ts';
import type { Synthesized } from './synth.ts';

const AWS = { source: 'hashicorp/aws', version: AWS_PROVIDER };
const REQUIRED = { required_providers: { aws: AWS } };

/** Names of a stack's providers for further Regions. */
const aliasesOf = ({ provider }: Synthesized): readonly string[] => (provider['aws'] ?? []).flatMap(({ alias }) => (typeof alias === 'string' ? [`aws.${alias}`] : []));

/**
 * All stacks as modules of one configuration that share one provider: a real provider takes seconds to start, and a
 * stack's own takes as long again.
 */
export function together(stacks: ReadonlyMap<string, Synthesized>, provider?: Readonly<Record<string, unknown>>): Record<string, string> {
  const root = {
    terraform: REQUIRED,
    ...(provider === undefined ? {} : { provider: { aws: [provider] } }),
    // One provider stands for all of a stack's.
    module: Object.fromEntries([...stacks].map(([id, stack]) => [id, { source: `./${id}`, providers: Object.fromEntries(['aws', ...aliasesOf(stack)].map((name) => [name, 'aws'])) }])),
  };
  const files: Record<string, string> = { 'main.tf.json': JSON.stringify(root) };
  for (const [id, whole] of stacks) {
    const { provider: _, ...stack } = whole;
    const { backend: __, required_providers: ___, ...terraform } = stack.terraform;
    const aliases = aliasesOf(whole);
    const required = aliases.length === 0 ? {} : { required_providers: { aws: { ...AWS, configuration_aliases: aliases } } };
    files[`${id}/main.tf.json`] = JSON.stringify({ ...stack, terraform: { ...terraform, ...required } });
  }
  return files;
}
