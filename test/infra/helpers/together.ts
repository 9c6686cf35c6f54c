import { AWS_PROVIDER } from '../../../modules/terraform/versions.ts';
import type { Synthesized } from './synth.ts';

const REQUIRED = { required_providers: { aws: { source: 'hashicorp/aws', version: AWS_PROVIDER } } };

/**
 * All stacks as modules of one configuration that share one provider: a real provider takes seconds to start, and a
 * stack's own takes as long again.
 */
export function together(stacks: ReadonlyMap<string, Synthesized>, provider?: Readonly<Record<string, unknown>>): Record<string, string> {
  const root = {
    terraform: REQUIRED,
    ...(provider === undefined ? {} : { provider: { aws: [provider] } }),
    module: Object.fromEntries([...stacks.keys()].map((id) => [id, { source: `./${id}` }])),
  };
  const files: Record<string, string> = { 'main.tf.json': JSON.stringify(root) };
  for (const [id, { provider: _, ...stack }] of stacks) {
    const { backend: __, required_providers: ___, ...terraform } = stack.terraform;
    files[`${id}/main.tf.json`] = JSON.stringify({ ...stack, terraform });
  }
  return files;
}
