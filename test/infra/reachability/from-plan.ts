import type { Loose } from '../helpers/loose.ts';
import type { Synthesized } from '../helpers/synth.ts';

/** What `terraform show -json` says of a plan's configuration, as far as it is read here. */
export interface PlanConfiguration {
  readonly configuration: { readonly root_module: { readonly module_calls: Readonly<Record<string, { readonly module: { readonly resources: readonly Loose[] } }>> } };
}

/** An argument as Terraform understood it: a constant, a reference, or nested blocks. */
const argument = (expression: Loose): unknown => {
  if (Array.isArray(expression)) return expression.map(block);
  if ('constant_value' in expression) return expression.constant_value;
  if (Array.isArray(expression.references)) return `\${${expression.references[0]}}`;
  return block(expression);
};
const block = (expressions: Record<string, Loose>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(expressions).map(([key, expression]) => [key, argument(expression)]));

/** One module of a plan, in the form in which a stack is synthesised: not what was written, but what Terraform read. */
export function stackFromPlan(plan: PlanConfiguration, module: string, provider: Synthesized['provider']): Synthesized {
  const resource: Record<string, Record<string, Record<string, unknown>>> = {};
  for (const { mode, type, name, expressions } of plan.configuration.root_module.module_calls[module]?.module.resources ?? []) {
    if (mode === 'managed') resource[type] = { ...resource[type], [name]: block(expressions ?? {}) };
  }
  return { terraform: {}, provider, resource };
}
