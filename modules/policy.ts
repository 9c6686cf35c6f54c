/** IAM policy documents as plain data: built by pure functions, minified, and measured against their quota. */

export type Scalar = string | number | boolean;
export type Conditions = Readonly<Record<string, Readonly<Record<string, Scalar | readonly Scalar[]>>>>;
export type Principals = '*' | Readonly<Record<string, string | readonly string[]>>;

export interface PolicyStatement {
  readonly Sid?: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Principal?: Principals;
  readonly NotPrincipal?: Principals;
  readonly Action?: string | readonly string[];
  readonly NotAction?: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly NotResource?: string | readonly string[];
  readonly Condition?: Conditions;
}

export interface PolicyDocument {
  readonly Version: '2012-10-17';
  readonly Statement: readonly PolicyStatement[];
}

/** Wraps statements in a document; `undefined`, `false` and empty conditions are left out, so that optional ones read in place. */
export const policyDocument = (...statements: readonly (PolicyStatement | undefined | false)[]): PolicyDocument => ({
  Version: '2012-10-17',
  Statement: statements
    .filter((statement) => statement !== undefined && statement !== false)
    .map(({ Condition, ...rest }) => (Condition === undefined || Object.keys(Condition).length === 0 ? rest : { ...rest, Condition })),
});

/** Largest size of each kind of policy, in characters of minified JSON (white space counts on AWS's side). */
export const POLICY_QUOTAS = {
  /** 5,120 until May 2026; an estate says which of the two its organization has. */
  scp: 10_240,
  scpBefore2026: 5_120,
  rcp: 5_120,
  declarative: 10_000,
  s3: 10_000,
  tag: 10_000,
  managed: 6_144,
  /** All inline policies of a role together. */
  inlineRole: 10_240,
  trust: 2_048,
  bucket: 20_480,
  key: 32_768,
  endpoint: 20_480,
  /** An event bus's. */
  bus: 10_240,
  /** A queue's. */
  queue: 8_192,
} as const;
export type PolicyKind = keyof typeof POLICY_QUOTAS;

/** IAM's own variables (`${aws:…}`) would be read as Terraform's; a doubled dollar sign tells Terraform to leave them. */
const escapeVariables = (json: string): string => json.replaceAll(/\$\{(?=[a-z0-9-]+:)/g, '$$$${');

/** What a reference that only Terraform can resolve counts for: about an account id or a Region. */
const REFERENCE_SIZE = 14;
const sizeOf = (json: string): number => json.replaceAll(/[$#]\{TfToken\[[^\]]+\]\}/g, 'x'.repeat(REFERENCE_SIZE)).length;

/**
 * Minified JSON of a policy, ready for a Terraform argument.
 * @throws RangeError when it is over its quota: AWS would refuse it in the middle of a deployment
 */
export function policyJson(document: object, kind: PolicyKind, what: string): string {
  const json = JSON.stringify(document);
  const quota = POLICY_QUOTAS[kind];
  const size = sizeOf(json);
  if (size > quota) {
    throw new RangeError(`${what} has ${size} characters; a policy of kind ${kind} may have ${quota}: split it`);
  }
  return escapeVariables(json);
}

/**
 * Packs statements into as few documents as a size allows, first fit in decreasing size.
 * @param limit characters of minified JSON a document may have
 * @throws RangeError when one statement alone is over the limit
 */
export function packStatements(statements: readonly PolicyStatement[], limit: number): readonly PolicyDocument[] {
  const together = (list: readonly PolicyStatement[]) => sizeOf(JSON.stringify(policyDocument(...list)));
  const bins: PolicyStatement[][] = [];
  const bySize = statements.toSorted((a, b) => JSON.stringify(b).length - JSON.stringify(a).length);
  for (const statement of bySize) {
    if (together([statement]) > limit) {
      throw new RangeError(`statement ${statement.Sid ?? '(no Sid)'} has ${together([statement])} characters; ${limit} are allowed`);
    }
    const bin = bins.find((candidate) => together([...candidate, statement]) <= limit);
    if (bin) bin.push(statement);
    else bins.push([statement]);
  }
  return bins.map((list) => policyDocument(...list));
}
