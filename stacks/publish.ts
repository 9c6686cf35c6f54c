import { SsmParameter } from '@cdktf/provider-aws/lib/ssm-parameter/index.js';
import { TerraformOutput, type TerraformStack } from 'cdktf';
import { parameterName, type ParameterName, type Place } from '../modules/vocabulary/index.ts';

/** Publishes a value twice: as an output for people, and as a parameter for later stacks of the same account and Region. */
export function publish(stack: TerraformStack, place: Place, values: Readonly<Partial<Record<ParameterName, string>>>): void {
  for (const [name, value] of Object.entries(values)) {
    output(stack, name, value);
    new SsmParameter(stack, `parameter-${name}`, {
      name: parameterName(place, name as ParameterName),
      type: 'String',
      value,
      description: 'Published by the stack that made it',
    });
  }
}

/** An output under exactly this name. */
export function output(stack: TerraformStack, name: string, value: string): void {
  new TerraformOutput(stack, `output-${name}`, { value }).overrideLogicalId(name);
}
