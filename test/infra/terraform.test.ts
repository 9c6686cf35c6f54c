import { expect } from 'chai';
import { acquisitionDefinition } from '../../modules/acquisition-workflow/definition.ts';
import { loadEstate, resources, synthEstate, type Synthesized } from './helpers/synth.ts';
import { providerFor } from './helpers/against.ts';
import type { Loose } from './helpers/loose.ts';
import { describeWhereThere } from './helpers/where-there.ts';
import { startMoto, type Moto } from '../helpers/moto.ts';
import { askAws } from './emulated/ask-aws.ts';
import { StatesFront } from './helpers/states-front.ts';
import { Terraform } from './helpers/terraform.ts';
import { stackFromPlan, type PlanConfiguration } from './reachability/from-plan.ts';
import { networkGraph } from './reachability/graph.ts';
import { isolationProblems } from './reachability/rules.ts';
import { together } from './helpers/together.ts';
import { parameterName } from '../../modules/vocabulary/index.ts';

const stacks = new Map((['example', 'minimal'] as const).flatMap((name) => [...synthEstate(loadEstate(name))].map(([id, stack]) => [`${name}-${id}`, stack] as const)));

/** Types whose ARN other resources refer to; the provider checks that it looks like one. */
const typesWithArn = [...new Set([...JSON.stringify([...stacks.values()]).matchAll(/\$\{(aws_[a-z0-9_]+)\.[A-Za-z0-9_-]+\.arn\}/g)].map((match) => match[1] ?? ''))].toSorted();

const IMAGE_BUILDER = 'arn:aws:imagebuilder:eu-west-1:123456789012';
/** Types of whose ARN the provider checks more than that it is one. */
const ARN_OF: Readonly<Record<string, string>> = {
  aws_imagebuilder_component: `${IMAGE_BUILDER}:component/mocked/1.0.0/1`,
  aws_imagebuilder_distribution_configuration: `${IMAGE_BUILDER}:distribution-configuration/mocked`,
  aws_imagebuilder_image_recipe: `${IMAGE_BUILDER}:image-recipe/mocked/1.0.0`,
  aws_imagebuilder_infrastructure_configuration: `${IMAGE_BUILDER}:infrastructure-configuration/mocked`,
};

/** What the mocked provider cannot make up by itself: ARNs, and a list's first element. */
const MOCK = `mock_provider "aws" {
${typesWithArn.map((type) => `  mock_resource "${type}" {\n    defaults = { arn = "${ARN_OF[type] ?? 'arn:aws:iam::123456789012:role/mocked'}" }\n  }\n`).join('')}
  mock_data "aws_organizations_organization" {
    defaults = { roots = [{ id = "r-abcd", arn = "arn:aws:organizations::1:root/o-1/r-abcd", name = "Root", policy_types = [] }] }
  }
  mock_resource "aws_organizations_organizational_unit" {
    defaults = { id = "ou-abcd-12345678" }
  }
  mock_data "aws_organizations_organizational_unit" {
    defaults = { id = "ou-abcd-12345678" }
  }
}
`;

/** Mocked resources are destroyed after a test, which evidence refuses; whether it does is asserted from the synthesised JSON. */
const destructible = (stack: Synthesized): Synthesized => {
  const copy = structuredClone(stack);
  for (const byName of Object.values(copy.resource)) for (const config of Object.values(byName)) delete (config.lifecycle as Record<string, unknown> | undefined)?.prevent_destroy;
  return copy;
};

/** What stacks look up, as earlier stacks would have left them. */
async function leaveWhatIsLookedUp(moto: Moto): Promise<void> {
  const organizations = { region: 'us-east-1', service: 'organizations' };
  const [, { Roots }] = (await askAws(moto, [{ ...organizations, method: 'create_organization', params: { FeatureSet: 'ALL' } }, { ...organizations, method: 'list_roots' }])) as [Loose, Loose];
  const looked = { s3EndpointId: 'vpce-0123456789abcdef0', collectorSubnetIds: 'subnet-0123456789abcdef0', collectorSecurityGroupId: 'sg-0123456789abcdef0' } as const;
  const parameters = (of: string) => Object.entries(looked).map(([name, Value]) => ({ Name: parameterName({ prefix: 'cleanroom', region: of }, name as keyof typeof looked), Type: 'String', Value }));
  await askAws(moto, [
    { ...organizations, method: 'create_organizational_unit', params: { ParentId: Roots[0].Id, Name: 'Forensics' } },
    // All stacks share one provider in the plan, and so one Region.
    ...['eu-west-1', 'eu-central-1', 'us-east-1'].flatMap(parameters).map((params) => ({ region: 'eu-west-1', service: 'ssm', method: 'put_parameter', params })),
  ]);
}

type Plan = PlanConfiguration & { readonly resource_changes: readonly { address: string; mode: string; change: { actions: readonly string[] } }[] };

describeWhereThere(['terraform'], 'the stacks of both estates, by the real Terraform and AWS provider', function () {
  this.timeout(1_800_000);
  let terraform: Terraform;
  let moto: Moto | undefined;
  let states: StatesFront | undefined;
  let plan: Plan;

  before(() => {
    terraform = Terraform.prepare();
  });
  after(async () => {
    await states?.stop();
    await moto?.stop();
    terraform?.dispose();
  });

  it('are valid', async () => {
    const directory = terraform.workspace('validate', together(stacks));
    await terraform.init(directory);
    expect(await terraform.run(directory, ['validate', '-no-color'])).to.contain('The configuration is valid');
  });

  it('can be planned without AWS, every resource of every stack', async () => {
    moto = await startMoto();
    states = await StatesFront.start(moto.endpoint);
    await leaveWhatIsLookedUp(moto);
    const provider = providerFor(moto.endpoint, { region: 'eu-west-1' }, states.url);
    const directory = terraform.workspace('plan', together(stacks, provider));
    await terraform.init(directory);
    await terraform.run(directory, ['plan', '-no-color', '-out=plan']);
    plan = JSON.parse(await terraform.run(directory, ['show', '-json', 'plan'])) as Plan;
    const created = plan.resource_changes.filter(({ mode, change }) => mode === 'managed' && change.actions.join() === 'create');
    const declared = [...stacks.values()].reduce((sum, stack) => sum + Object.values(stack.resource).reduce((count, byName) => count + Object.keys(byName).length, 0), 0);
    expect(created.length).to.equal(declared).and.be.greaterThan(800);
    expect(new Set(created.map(({ address }) => address.split('.')[1])).size).to.equal(stacks.size);
  });

  it('hand Step Functions the very definition that the sources say, whatever Terraform makes of its signs', () => {
    const at = (region: string, account: string): object =>
      acquisitionDefinition({ prefix: 'cleanroom', partition: 'aws', account, region, logPrefix: '', snapshotLockDays: 365, snapshotLockMode: 'compliance' });
    const expected = [at('eu-west-1', '100000000004'), at('eu-central-1', '100000000004'), at('us-east-1', '100000000005'), at('eu-central-1', '111122223333')].map((definition) => JSON.stringify(definition));
    const sent = (states?.definitions ?? []).map((definition) => JSON.stringify(definition));
    expect([...new Set(sent)].toSorted()).to.deep.equal(expected.toSorted());
  });

  it('are planned as networks without a way out: the graph of the plan is the graph of the sources', () => {
    const networks = [...stacks].filter(([id]) => /-forensics-[a-z]+(?:-[a-z]+)+-\d$/.test(id));
    expect(networks).to.have.length(4);
    for (const [id, stack] of networks) {
      const planned = stackFromPlan(plan, id, stack.provider);
      expect(isolationProblems(planned), id).to.deep.equal([]);
      const edges = (of: Synthesized) => networkGraph(of).map(({ from, to, by }) => `${from} → ${to} by ${by}`).toSorted();
      expect(edges(planned), id).to.deep.equal(edges(stack)).and.have.length.greaterThan(5);
    }
  });

  it('can be applied to mocks, so that every reference between resources resolves', async () => {
    const copies = new Map([...stacks].map(([id, stack]) => [id, destructible(stack)]));
    const directory = terraform.workspace('mocked', { ...together(copies), 'tests/apply.tftest.hcl': `${MOCK}run "apply" {\n  command = apply\n}\n` });
    await terraform.init(directory);
    expect(await terraform.run(directory, ['test', '-no-color'])).to.contain('Success! 1 passed, 0 failed.');
  });

  it('the seal comes off for a reason only, and comes off whole', async () => {
    const { provider: _, ...seal } = destructible(stacks.get('example-seal') as Synthesized);
    const attachments = Object.keys(seal.resource.aws_organizations_policy_attachment ?? {}).map((name) => `aws_organizations_policy_attachment.${name}`);
    const counts = (expected: number) => attachments.map((address) => `  assert {\n    condition     = length(${address}) == ${expected}\n    error_message = "${address}"\n  }\n`).join('');
    const { backend: __, ...settings } = seal.terraform;
    const directory = terraform.workspace('seal', {
      'main.tf.json': JSON.stringify({ ...seal, terraform: settings }),
      'tests/seal.tftest.hcl': `${MOCK}
run "sealed" {
${counts(1)}}
run "unsealed_without_a_reason" {
  command   = plan
  variables { sealed = false }
  expect_failures = [var.unseal_reason]
}
run "unsealed_with_a_reason" {
  variables {
    sealed        = false
    unseal_reason = "CASE-1: replace an endpoint"
  }
${counts(0)}}
`,
    });
    await terraform.init(directory);
    expect(attachments.length).to.be.at.least(6);
    expect(await terraform.run(directory, ['test', '-no-color'])).to.contain('Success! 3 passed, 0 failed.');
  });
});

describe('what must not be lost', () => {
  it('is protected from destroy: evidence, keys, log archive, accounts, organization units', () => {
    const types = ['aws_s3_bucket', 'aws_kms_key', 'aws_organizations_account', 'aws_organizations_organizational_unit'];
    const unprotected = [...stacks].flatMap(([id, stack]) =>
      types.flatMap((type) => resources(stack, type).flatMap((config) => ((config.lifecycle as { prevent_destroy?: boolean } | undefined)?.prevent_destroy === true ? [] : [`${id} ${type}`]))),
    );
    expect(unprotected).to.deep.equal([]);
  });

  it('is never expired: evidence buckets have one lifecycle rule, which drops abandoned uploads after 90 days', () => {
    const evidence = [...stacks].filter(([id]) => id.includes('-evidence-')).flatMap(([, stack]) => Object.entries(stack.resource.aws_s3_bucket_lifecycle_configuration ?? {}));
    const rules = evidence.filter(([name]) => !name.includes('AccessLogs')).flatMap(([, config]) => config.rule as Record<string, unknown>[]);
    expect(rules).to.have.length(12);
    for (const rule of rules) {
      expect(rule).to.deep.equal({ id: 'drop-abandoned-uploads', status: 'Enabled', filter: [{ prefix: '' }], abort_incomplete_multipart_upload: [{ days_after_initiation: 90 }] });
    }
  });

  it('is locked: every evidence bucket has the retention that the estate says', () => {
    const stack = stacks.get('example-evidence-eu-west-1') as Synthesized;
    const locks = Object.entries(stack.resource.aws_s3_bucket_object_lock_configuration ?? {}).map(([name, config]) => [name.split('_')[1], (config.rule as Loose).default_retention]);
    expect(Object.fromEntries(locks)).to.deep.equal({
      incoming: { mode: 'GOVERNANCE', days: 30 },
      active: { mode: 'COMPLIANCE', days: 365 },
      'legal-hold': { mode: 'COMPLIANCE', days: 2555 },
    });
  });

  it('is out of reach of the log archive\'s own administrator, whom no seal binds: trails are locked in compliance mode unless told otherwise', () => {
    const lockOf = (estate: ReturnType<typeof loadEstate>) =>
      resources(synthEstate(estate).get('log-archive-eu-central-1') as Synthesized, 'aws_s3_bucket_object_lock_configuration').map(({ rule }) => rule?.default_retention);
    const estate = loadEstate('minimal');
    expect(lockOf(loadEstate('example'))).to.deep.equal([{ mode: 'COMPLIANCE', days: 731 }]);
    expect(lockOf(estate)).to.deep.equal([{ mode: 'COMPLIANCE', days: 731 }]);
    expect(lockOf({ ...estate, retention: { ...estate.retention, logMode: 'GOVERNANCE', logDays: 365 } })).to.deep.equal([{ mode: 'GOVERNANCE', days: 365 }]);
  });
});
