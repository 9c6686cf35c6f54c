import { anonymousPrincipal, runSimulation, type Simulation } from '@cloud-copilot/iam-simulate';
import type { PolicyDocument } from '../../../modules/policy.ts';
import type { Estate } from '../../../infra/config.ts';
import { placeOfStack, resolveStack } from '../helpers/resolve.ts';
import { resources, synthEstate, type Synthesized } from '../helpers/synth.ts';
import { isService, requestKeys } from './request-keys.ts';

type Named = { readonly name: string; readonly policy: PolicyDocument };

interface Role {
  readonly arn: string;
  readonly account: string;
  readonly name: string;
  readonly identity: readonly Named[];
  readonly boundary?: Named;
  readonly trust: PolicyDocument;
}

/** Who asks: a role's session, and the tags it carries; or an AWS service; or anybody. */
export interface Principal {
  /** ARN of a role or a root, `….amazonaws.com` of a service, or `anonymous`. */
  readonly arn: string;
  readonly tags?: Readonly<Record<string, string>>;
  /** Policies and boundary of another role, for roles that the workflow makes after the same pattern. */
  readonly like?: string;
  /** Identity policies of a principal that is none of the estate's. @default full access */
  readonly policies?: readonly PolicyDocument[];
  /** ARNs of the estate's managed policies that it has besides them. */
  readonly attached?: readonly string[];
}

export type ContextKeys = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface Request {
  readonly principal: Principal;
  readonly action: string;
  readonly resource: string;
  /** Account that owns the resource. @default the one in its ARN, or the bucket's, or the principal's */
  readonly owner?: string;
  /** Policy of a resource that is none of the estate's, to see what holds where somebody was careless. */
  readonly resourcePolicy?: PolicyDocument;
  /** From inside the isolated network, through the endpoint of this service. @default from outside */
  readonly through?: string;
  readonly region?: string;
  /** Keys besides those that every request has; undefined takes one of those away. */
  readonly context?: ContextKeys;
}

export interface Verdict {
  readonly allowed: boolean;
  /** Layers that refuse by an explicit denial or a missing leave: `scp`, `rcp`, `resource`, `pb` (boundary), `vpce`. */
  readonly blockedBy: string;
  /** Keys of the request that this action does not know. */
  readonly ignored: readonly string[];
}

const parse = (json: unknown): PolicyDocument => JSON.parse(String(json)) as PolicyDocument;
/**
 * The simulator knows encryption contexts by one name, whatever their key. Each of our key policies asks for one such key,
 * so calling it by that name on both sides changes no verdict.
 */
const ENCRYPTION_CONTEXT = /kms:EncryptionContext:[A-Za-z0-9:_-]+/g;
const SIMULATED_CONTEXT = 'kms:EncryptionContext:${EncryptionContextKey}';

const FULL_ACCESS: PolicyDocument = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] };

/** All policies of a synthesised estate, and what AWS would decide with them. */
export class World {
  readonly organizationId: string;
  readonly roles = new Map<string, Role>();
  readonly #bucketPolicies = new Map<string, { readonly policy: PolicyDocument; readonly account: string }>();
  readonly #keys = new Map<string, { readonly policy: PolicyDocument; readonly alias: string }>();
  readonly #managed = new Map<string, PolicyDocument>();
  readonly #endpoints = new Map<string, PolicyDocument>();
  readonly #unitPolicies: { scp: Named[]; rcp: Named[] } = { scp: [], rcp: [] };
  readonly #accountPolicies = new Map<string, Named[]>();
  readonly #inUnit: ReadonlySet<string>;
  readonly #inside: ReadonlySet<string>;
  /** Every policy document, by a readable name and its kind. */
  readonly documents: { readonly name: string; readonly kind: string; readonly document: PolicyDocument }[] = [];

  readonly #omit: string | undefined;

  /**
   * @param options.omit a statement to leave out, as `kind/Sid`, to see whether anything depends on it
   * @param options.stacks the synthesised estate, where it is at hand already
   */
  constructor(estate: Estate, options: { readonly sealed: boolean; readonly omit?: string; readonly stacks?: ReadonlyMap<string, Synthesized> }) {
    this.#omit = options.omit;
    const { organization, accounts, monitoredAccounts } = estate;
    this.organizationId = organization.mode === 'none' ? '' : (organization.id ?? '');
    this.#inUnit = new Set(organization.mode === 'none' ? [] : accounts.forensic.flatMap(({ id }) => id ?? []));
    this.#inside = new Set(
      [accounts.management?.id, accounts.securityTooling?.id, accounts.logArchive?.id, ...accounts.forensic.map(({ id }) => id), ...monitoredAccounts.map(({ id }) => id)].filter((id) => id !== undefined),
    );
    for (const [id, resolved] of options.stacks ?? resolvedEstate(estate)) {
      this.#takeRoles(resolved);
      this.#takeBuckets(resolved);
      this.#takeKeys(resolved);
      this.#takeEndpoints(resolved);
      if (id === 'seal' && options.sealed) this.#takeSeal(resolved);
    }
  }

  #keep(name: string, kind: string, json: unknown): PolicyDocument {
    const whole = parse(json);
    const document = { ...whole, Statement: whole.Statement.filter(({ Sid }) => this.#omit !== `${kind}/${Sid}`) };
    this.documents.push({ name, kind, document });
    return document;
  }

  #takeRoles(stack: Synthesized): void {
    const { account } = placeOfStack(stack);
    const policies = new Map(resources(stack, 'aws_iam_policy').map((policy) => [`arn:aws:iam::${account}:policy${policy.path}${policy.name}`, this.#keep(policy.name, 'managed', policy.policy)]));
    for (const [arn, policy] of policies) this.#managed.set(arn, policy);
    for (const role of resources(stack, 'aws_iam_role')) {
      const arn = `arn:aws:iam::${account}:role${role.path ?? '/'}${role.name}`;
      const attached = resources(stack, 'aws_iam_role_policy_attachment').filter((attachment) => attachment.role === role.name);
      const inline = resources(stack, 'aws_iam_role_policy').filter((policy) => policy.role === role.name);
      const boundary = policies.get(role.permissions_boundary);
      this.roles.set(arn, {
        arn,
        account,
        name: role.name,
        identity: [
          ...attached.map((attachment) => ({ name: String(attachment.policy_arn), policy: policies.get(attachment.policy_arn) ?? FULL_ACCESS })),
          ...inline.map((policy) => ({ name: String(policy.name), policy: this.#keep(`${role.name}/${policy.name}`, 'inlineRole', policy.policy) })),
        ],
        ...(boundary ? { boundary: { name: 'boundary', policy: boundary } } : {}),
        trust: this.#keep(`${role.name}/trust`, 'trust', role.assume_role_policy),
      });
    }
  }

  #takeBuckets(stack: Synthesized): void {
    const { account } = placeOfStack(stack);
    for (const policy of resources(stack, 'aws_s3_bucket_policy')) {
      this.#bucketPolicies.set(policy.bucket, { policy: this.#keep(policy.bucket, 'bucket', policy.policy), account });
    }
  }

  #takeKeys(stack: Synthesized): void {
    const place = placeOfStack(stack);
    for (const alias of resources(stack, 'aws_kms_alias')) {
      const arn = `arn:aws:kms:${place.region}:${place.account}:key/${alias.target_key_id}`;
      const key = Object.entries(stack.resource.aws_kms_key ?? {}).find(([name]) => alias.target_key_id && this.#keyArnOf(name, place).endsWith(alias.target_key_id));
      if (key) this.#keys.set(arn, { policy: simulated(this.#keep(`${alias.name} in ${place.region}`, 'key', key[1].policy)), alias: alias.name });
    }
  }

  #keyArnOf(name: string, place: { account: string; region: string }): string {
    const probe = resolveStack({ terraform: {}, provider: { aws: [{ region: place.region, allowed_account_ids: [place.account] }] }, resource: { x: { y: { arn: `\${aws_kms_key.${name}.arn}` } } } });
    return String(resources(probe, 'x')[0]?.arn);
  }

  #takeEndpoints(stack: Synthesized): void {
    const { region } = placeOfStack(stack);
    for (const endpoint of resources(stack, 'aws_vpc_endpoint')) {
      const service = String(endpoint.service_name).split('.').at(-1) ?? '';
      this.#endpoints.set(`${region}/${service}`, this.#keep(`${service} endpoint in ${region}`, 'endpoint', endpoint.policy));
    }
  }

  #takeSeal(stack: Synthesized): void {
    for (const policy of resources(stack, 'aws_organizations_policy')) {
      if (policy.type !== 'SERVICE_CONTROL_POLICY' && policy.type !== 'RESOURCE_CONTROL_POLICY') continue;
      const scp = policy.type === 'SERVICE_CONTROL_POLICY';
      const named = { name: policy.name, policy: this.#keep(policy.name, scp ? 'scpBefore2026' : 'rcp', policy.content) };
      const account = /regions-(\d{12})$/.exec(policy.name)?.[1];
      if (account) this.#accountPolicies.set(account, [...(this.#accountPolicies.get(account) ?? []), named]);
      else this.#unitPolicies[scp ? 'scp' : 'rcp'].push(named);
    }
  }

  /** Whether the isolated network of a Region has an endpoint for a service. */
  hasEndpoint(region: string, service: string): boolean {
    return this.#endpoints.has(`${region}/${service}`);
  }

  /** ARN of the key with an alias in an account and Region. */
  keyArn(alias: string, region: string, account: string): string {
    const found = [...this.#keys].find(([arn, key]) => key.alias === alias && arn.startsWith(`arn:aws:kms:${region}:${account}:`));
    if (!found) throw new Error(`no key ${alias} in ${region} of ${account}`);
    return found[0];
  }

  /** Who asks for what of whom, as a request's ARNs say. */
  #parties({ principal, resource, ...request }: Request) {
    const account = principal.arn.split(':')[4] ?? '';
    const [, , service = '', arnRegion = '', arnAccount = ''] = resource.split(':');
    const bucket = service === 's3' ? (resource.split(':::')[1]?.split('/')[0] ?? '') : '';
    const owner = request.owner ?? (bucket.startsWith('somebody-elses') ? '999999999999' : undefined) ?? this.#bucketPolicies.get(bucket)?.account ?? (arnAccount || account);
    const region = request.region ?? (arnRegion || /[a-z]{2}-[a-z]+-\d$/.exec(bucket)?.[0] || 'eu-west-1');
    return { account, service, bucket, owner, region };
  }

  /** All condition keys of a request: those that AWS always sends, those of the resource, and those that were asked with. */
  contextOf(request: Request): Record<string, string | string[]> {
    const { principal, action, through } = request;
    const { account, owner, region } = this.#parties(request);
    const key = this.#keys.get(request.resource);
    const via = request.context?.['kms:ViaService'];
    const organizationOf = (id: string) => (this.organizationId !== '' && this.#inside.has(id) ? this.organizationId : 'o-strangersorg');
    return withoutUndefined({
      ...requestKeys({ principal, action, region, account, owner, organizationOf, ...(through === undefined ? {} : { through }), ...(typeof via === 'string' ? { via } : {}) }),
      ...(action.startsWith('kms:') ? { 'kms:CallerAccount': account } : {}),
      ...(key ? { 'kms:ResourceAliases': [key.alias], 'kms:KeyOrigin': 'AWS_KMS', 'kms:KeySpec': 'SYMMETRIC_DEFAULT', 'kms:KeyUsage': 'ENCRYPT_DECRYPT', 'kms:MultiRegion': 'false' } : {}),
      ...request.context,
    });
  }

  async decide(request: Request): Promise<Verdict> {
    const { principal, action, resource } = request;
    const { account, service, bucket, owner, region } = this.#parties(request);
    const role = this.roles.get(principal.like ?? principal.arn);
    const key = this.#keys.get(resource);
    const resourcePolicy = request.resourcePolicy ?? key?.policy ?? this.#bucketPolicies.get(bucket)?.policy ?? (service === 'iam' && action.startsWith('sts:') ? this.roles.get(resource)?.trust : undefined);
    const endpoint = request.through === undefined ? undefined : this.#endpoints.get(`${region}/${request.through}`);
    if (request.through !== undefined && !endpoint) throw new Error(`no endpoint ${request.through} in ${region}`);
    const context = this.contextOf(request);
    const isAnonymous = principal.arn === 'anonymous';
    const simulation: Simulation = {
      request: {
        principal: simulatedPrincipal(principal.arn),
        action,
        resource: { resource, accountId: owner },
        contextVariables: context,
      },
      identityPolicies: isAnonymous || isService(principal.arn) ? [] : role ? [...role.identity] : [...(principal.policies ?? [FULL_ACCESS]), ...(principal.attached ?? []).map((arn) => this.#managedPolicy(arn))].map((policy, index) => ({ name: `own-${index}`, policy })),
      serviceControlPolicies: isAnonymous || isService(principal.arn) ? [] : this.#controls(account, 'scp'),
      resourceControlPolicies: this.#controls(owner, 'rcp'),
      resourcePolicy,
      ...(role?.boundary ? { permissionBoundaryPolicies: [role.boundary] } : {}),
      ...(endpoint ? { vpcEndpointPolicies: [{ name: 'endpoint', policy: endpoint }] } : {}),
    };
    const result = await runSimulation(simulation, {});
    if (result.resultType === 'error') throw new Error(`${action} on ${resource}: ${JSON.stringify(result.errors)}`);
    const first = result.resultType === 'single' ? result.result : result.results[0];
    return {
      allowed: result.overallResult === 'Allowed',
      blockedBy: JSON.stringify(first?.analysis.blockedBy ?? []),
      ignored: first?.ignoredContextKeys ?? [],
    };
  }

  #managedPolicy(arn: string): PolicyDocument {
    const policy = this.#managed.get(arn);
    if (!policy) throw new Error(`the estate has no policy ${arn}`);
    return policy;
  }

  #controls(account: string, kind: 'scp' | 'rcp'): Simulation['serviceControlPolicies'] {
    const own = kind === 'scp' ? [{ name: 'FullAWSAccess', policy: FULL_ACCESS }] : [];
    if (!this.#inUnit.has(account)) return kind === 'scp' ? [{ orgIdentifier: 'r-root', policies: own }] : [];
    return [
      { orgIdentifier: 'r-root', policies: own },
      { orgIdentifier: 'ou-forensics', policies: [...own, ...this.#unitPolicies[kind]] },
      { orgIdentifier: account, policies: [...own, ...(kind === 'scp' ? (this.#accountPolicies.get(account) ?? []) : [])] },
    ];
  }
}

/** A role asks by a session of it; everybody else by their own name. */
function simulatedPrincipal(principal: string): Simulation['request']['principal'] {
  if (principal === 'anonymous') return anonymousPrincipal;
  if (isService(principal) || principal.endsWith(':root')) return principal;
  return `arn:aws:sts::${principal.split(':')[4]}:assumed-role/${principal.split('/').at(-1)}/session`;
}

/** Every stack of an estate with its references filled in. */
export const resolvedEstate = (estate: Estate): ReadonlyMap<string, Synthesized> =>
  new Map([...synthEstate(estate)].map(([id, stack]) => [id, resolveStack(stack)]));

const simulated = (document: PolicyDocument): PolicyDocument => JSON.parse(JSON.stringify(document).replaceAll(ENCRYPTION_CONTEXT, () => SIMULATED_CONTEXT)) as PolicyDocument;

const withoutUndefined = (context: ContextKeys): Record<string, string | string[]> =>
  Object.fromEntries(Object.entries(context).flatMap(([key, value]) => (value === undefined ? [] : [[key.replace(ENCRYPTION_CONTEXT, () => SIMULATED_CONTEXT), typeof value === 'string' ? value : [...value]]])));
