import { App, Fn, TerraformOutput, TerraformStack, TerraformVariable, Testing } from 'cdktf';
import type { ModuleSpec, Variables } from './spec.ts';
import { AWS_PROVIDER, TERRAFORM } from './versions.ts';

/** Versions that the emitted modules ask for. */
const VERSIONS = { terraform: { required_version: TERRAFORM, required_providers: { aws: { source: 'hashicorp/aws', version: AWS_PROVIDER } } } };

type Json = Record<string, unknown>;
const print = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** The files of one plain Terraform module, by name. */
export function emitModule(spec: ModuleSpec): Readonly<Record<string, string>> {
  const app = Testing.stubVersion(new App({ stackTraces: false }));
  const stack = new TerraformStack(app, spec.name);
  const variables = new Map<string, TerraformVariable>();
  for (const [name, { type, description, default: value, validation }] of Object.entries(spec.variables)) {
    const variable = new TerraformVariable(stack, `variable-${name}`, { type, description, nullable: false, ...(value === undefined ? {} : { default: value }) });
    variable.overrideLogicalId(name);
    if (validation) variable.addValidation({ condition: `\${${validation.condition.replaceAll('VALUE', `var.${name}`)}}`, errorMessage: validation.message });
    variables.set(name, variable);
  }
  const get = (name: string): TerraformVariable => {
    const variable = variables.get(name);
    if (!variable) throw new RangeError(`module ${spec.name} reads ${name}, which it does not declare`);
    return variable;
  };
  const reader: Variables = {
    text: (name) => get(name).stringValue,
    number: (name) => get(name).numberValue,
    flag: (name) => get(name).booleanValue,
    list: (name) => get(name).listValue,
    element: (name, index) => Fn.element(get(name).listValue, index) as string,
  };
  const outputs = spec.build(stack, reader);
  for (const [name, { value, description }] of Object.entries(outputs)) {
    new TerraformOutput(stack, `output-${name}`, { value, description }).overrideLogicalId(name);
  }
  const { resource = {}, data, variable = {}, output = {} } = JSON.parse(Testing.synth(stack)) as Record<'resource' | 'data' | 'variable' | 'output', Json | undefined>;
  return {
    'main.tf.json': print({ ...(data === undefined ? {} : { data }), resource }),
    ...(Object.keys(variable).length === 0 ? {} : { 'variables.tf.json': print({ variable }) }),
    ...(Object.keys(output).length === 0 ? {} : { 'outputs.tf.json': print({ output }) }),
    'versions.tf.json': print(VERSIONS),
    'README.md': readme(spec, resource, Object.fromEntries(Object.entries(outputs).map(([name, { description }]) => [name, description]))),
  };
}

const cell = (text: string): string => text.replaceAll('|', '\\|');

/** A module's README: what it is for, its use, inputs, outputs, resources, costs, and what it does not do. */
function readme(spec: ModuleSpec, resource: Json, outputs: Readonly<Record<string, string>>): string {
  const required = Object.entries(spec.variables).filter(([, { default: value }]) => value === undefined);
  const example = (type: string) => (type === 'list(string)' ? '["…"]' : type === 'number' ? '0' : '"…"');
  const inputs = Object.entries(spec.variables).map(
    ([name, { type, description, default: value, validation }]) =>
      `| \`${name}\` | \`${type}\` | ${value === undefined ? 'required' : `\`${JSON.stringify(value)}\``} | ${cell(description)} ${cell(validation?.message ?? '')} |`,
  );
  const width = Math.max(0, ...required.map(([name]) => name.length), 'source'.length);
  return `${[
    `# ${spec.name}`,
    spec.description,
    `\`\`\`hcl\nmodule "${spec.name.replaceAll('-', '_')}" {\n  ${'source'.padEnd(width)} = "./${spec.name}"\n${required.map(([name, { type }]) => `  ${name.padEnd(width)} = ${example(type)}\n`).join('')}}\n\`\`\``,
    '## Inputs',
    inputs.length === 0 ? 'None.' : `| name | type | default | |\n|---|---|---|---|\n${inputs.join('\n')}`,
    '## Outputs',
    Object.keys(outputs).length === 0 ? 'None.' : `| name | |\n|---|---|\n${Object.entries(outputs).map(([name, description]) => `| \`${name}\` | ${cell(description)} |`).join('\n')}`,
    '## Resources',
    `| type | how many |\n|---|---|\n${Object.entries(resource).map(([type, byName]) => `| \`${type}\` | ${Object.keys(byName as Json).length} |`).join('\n')}`,
    '## What it costs',
    spec.costs,
    '## What it does not do',
    spec.not,
  ].join('\n\n')}\n`;
}
