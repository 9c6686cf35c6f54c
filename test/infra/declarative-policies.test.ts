import { expect } from 'chai';
import { parseEstate } from '../../infra/config.ts';
import { ec2Declarative, s3BlockPublicAccess, S3_POLICY_PROVIDER } from '../../modules/governance/policies/index.ts';
import { AWS_PROVIDER } from '../../modules/terraform/versions.ts';
import { Ec2PolicySyntax, S3PolicySyntax } from './helpers/declarative-syntax.ts';
import type { Loose } from './helpers/loose.ts';
import { estateInput, resources, synthEstate, type Synthesized } from './helpers/synth.ts';
import { Terraform } from './helpers/terraform.ts';
import { describeWhereThere } from './helpers/where-there.ts';

/** The example in a new organization whose accounts exist, with S3 policies or without. */
function stacksWith(s3Policy: boolean, mode: 'new' | 'existing' = 'new'): ReadonlyMap<string, Synthesized> {
  const input = estateInput('example') as Loose;
  input.organization.mode = mode;
  input.seal = { s3Policy };
  return synthEstate(parseEstate(input, 'estate'));
}
const policies = (stacks: ReadonlyMap<string, Synthesized>) => resources(stacks.get('seal') as Synthesized, 'aws_organizations_policy');
const providers = (stacks: ReadonlyMap<string, Synthesized>) => Object.fromEntries([...stacks].map(([id, { terraform }]) => [id, (terraform as Loose).required_providers.aws.version]));

describe('declarative policies', () => {
  it('have the syntax of AWS\'s user guide', () => {
    expect(S3PolicySyntax.safeParse(s3BlockPublicAccess()).error?.message).to.equal(undefined);
    expect(Ec2PolicySyntax.safeParse(ec2Declarative()).error?.message).to.equal(undefined);
    expect(S3PolicySyntax.safeParse({ s3_attributes: { public_access_block_configuration: { '@@assign': 'some' } } }).success).to.equal(false);
  });

  it('of S3 are there only where the estate asks for them', () => {
    const stacks = stacksWith(false);
    expect(policies(stacks).map(({ type }) => type)).to.include('DECLARATIVE_POLICY_EC2').and.not.include('S3_POLICY');
    expect(resources(stacks.get('organization') as Synthesized, 'aws_organizations_organization')[0]?.enabled_policy_types).to.not.include('S3_POLICY');
    expect([...new Set(Object.values(providers(stacks)))]).to.deep.equal([AWS_PROVIDER]);
  });

  it('of S3 block public access, are attached by the seal like the others, and ask for a provider that knows them', () => {
    const stacks = stacksWith(true);
    const [policy] = policies(stacks).filter(({ type }) => type === 'S3_POLICY');
    expect(JSON.parse(policy?.content)).to.deep.equal({ s3_attributes: { public_access_block_configuration: { '@@assign': 'all' } } });
    const attachments = resources(stacks.get('seal') as Synthesized, 'aws_organizations_policy_attachment').filter(({ policy_id }) => String(policy_id).includes('Seal_s3'));
    expect(attachments.map(({ count, target_id }) => [count, target_id])).to.deep.equal([['${(var.sealed == true) ? 1 : 0}', '${data.aws_organizations_organizational_unit.ForensicUnit.id}']]);
    expect(resources(stacks.get('organization') as Synthesized, 'aws_organizations_organization')[0]?.enabled_policy_types).to.include('S3_POLICY');
    const { organization, seal, ...others } = providers(stacks);
    expect([organization, seal]).to.deep.equal([S3_POLICY_PROVIDER, S3_POLICY_PROVIDER]);
    expect([...new Set(Object.values(others))]).to.deep.equal([AWS_PROVIDER]);
  });
});

describeWhereThere(['terraform'], 'S3 policies, by the real Terraform and provider', function () {
  this.timeout(1_800_000);

  it('are valid by a provider that knows them; where there is only an older one, init says which is needed', async () => {
    const terraform = Terraform.prepare();
    try {
      const { provider: _, ...seal } = stacksWith(true, 'existing').get('seal') as Synthesized;
      const directory = terraform.workspace('seal', { 'main.tf.json': JSON.stringify(seal) });
      const said = await terraform.init(directory).then(() => terraform.run(directory, ['validate', '-no-color']), (error: Error) => error.message);
      expect(said.replaceAll(/[\s│╷╵]+/g, ' ')).to.match(/The configuration is valid|no available releases match the given constraints >= 6\.26\.0, < 7\.0\.0/);
    } finally {
      terraform.dispose();
    }
  });
});
