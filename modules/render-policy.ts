import { Fn } from 'cdktf';
import { policyJson as resolvedPolicyJson, type PolicyKind } from './policy.ts';

/** How cdktf marks a list whose elements only Terraform will know. Such a list cannot stand inside a string. */
const LIST_TOKEN = '#{TfToken[';

/**
 * A policy as a Terraform argument: minified and measured JSON, or, where it contains a list that only Terraform knows,
 * an expression that makes the JSON at plan time. The size of the latter is for AWS to check.
 * @throws RangeError when the policy is over its quota
 */
export function policyJson(document: object, kind: PolicyKind, what: string): string {
  const json = resolvedPolicyJson(document, kind, what);
  return json.includes(LIST_TOKEN) ? Fn.jsonencode(escaped(document)) : json;
}

/** IAM's own variables, escaped so that Terraform leaves them alone. */
const escaped = (value: unknown): unknown => {
  if (typeof value === 'string') return value.replaceAll(/\$\{(?=[a-z0-9-]+:)/g, '$$$${');
  if (Array.isArray(value)) return value.some((item) => typeof item === 'string' && item.startsWith(LIST_TOKEN)) ? value : value.map(escaped);
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, escaped(inner)]));
  return value;
};
