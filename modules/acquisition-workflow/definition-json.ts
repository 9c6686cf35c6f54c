/** Largest definition that Step Functions takes, in characters. */
export const DEFINITION_QUOTA = 1_048_576;

/**
 * A definition as a Terraform argument. JSONata is full of what Terraform would read as templates of its own: `%{` and `${`
 * are doubled, but for references that Terraform is to fill in.
 * @throws RangeError when it is over what Step Functions takes
 */
export function definitionJson(definition: object): string {
  const json = JSON.stringify(definition);
  if (json.length > DEFINITION_QUOTA) throw new RangeError(`the definition has ${json.length} characters; Step Functions takes ${DEFINITION_QUOTA}`);
  return json.replaceAll('%{', '%%{').replaceAll(/\$\{(?!TfToken\[)/g, '$$$${');
}
