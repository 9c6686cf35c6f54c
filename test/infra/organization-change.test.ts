import { expect } from 'chai';
import { parseEstate, type EstateInput } from '../../infra/config.ts';
import { startMoto, type Moto } from '../helpers/moto.ts';
import { against } from './helpers/against.ts';
import type { Loose } from './helpers/loose.ts';
import { estateInput, synthEstate, type Synthesized } from './helpers/synth.ts';
import { Terraform } from './helpers/terraform.ts';
import { describeWhereThere } from './helpers/where-there.ts';

const organizationOf = (change: (estate: EstateInput & { organization: Loose }) => void): Synthesized => {
  const input = estateInput('example') as EstateInput & { organization: Loose };
  input.accounts.management = { id: '123456789012' }; // the account that moto answers for
  change(input);
  return synthEstate(parseEstate(input, 'it')).get('organization') as Synthesized;
};

/** Without what moto does not know: policies that are none of access, and EC2 as a service that an organization may trust. */
const emulatable = (stack: Synthesized): Synthesized => {
  const { aws_organizations_policy: _, aws_organizations_policy_attachment: __, ...resource } = structuredClone(stack.resource);
  for (const organization of Object.values(resource.aws_organizations_organization ?? {})) {
    delete organization.aws_service_access_principals;
    delete organization.enabled_policy_types;
  }
  return { ...stack, resource };
};

/** As it is first deployed: the organization, both units and three accounts are made. */
const made = organizationOf(({ organization, accounts }) => {
  organization.mode = 'new';
  organization.delegatedServices = [];
  (accounts.logArchive as Loose).create = { email: 'logs@example.com' };
});

/** As somebody writes it down once all of that exists. */
const known = organizationOf(({ organization, accounts }) => {
  organization.delegatedServices = [];
  delete organization.securityUnit;
  for (const account of accounts.forensic as Loose[]) delete account.create;
});

describeWhereThere(['terraform'], 'an estate whose organization and accounts are named by id once they exist', function () {
  this.timeout(900_000);
  let terraform: Terraform;
  let moto: Moto;

  before(async () => {
    terraform = Terraform.prepare();
    moto = await startMoto();
  });
  after(async () => {
    await moto.stop();
    terraform.dispose();
  });

  it('destroys neither the organization nor a unit nor an account: Terraform forgets them', async () => {
    const directory = terraform.workspace('organization', { 'main.tf.json': JSON.stringify(against(emulatable(made), moto.endpoint)) });
    await terraform.init(directory);
    await terraform.run(directory, ['apply', '-auto-approve', '-no-color']);
    terraform.workspace('organization', { 'main.tf.json': JSON.stringify(against(emulatable(known), moto.endpoint)) });
    await terraform.run(directory, ['plan', '-no-color', '-out=plan']);
    const { resource_changes: changes } = JSON.parse(await terraform.run(directory, ['show', '-json', 'plan'])) as { resource_changes: readonly { type: string; change: { actions: readonly string[] } }[] };
    const actions = (wanted: string) => changes.filter(({ change }) => change.actions.includes(wanted)).map(({ type }) => type).toSorted();
    expect(actions('delete')).to.deep.equal([]);
    expect(actions('forget')).to.deep.equal([
      'aws_organizations_account',
      'aws_organizations_account',
      'aws_organizations_account',
      'aws_organizations_organization',
      'aws_organizations_organizational_unit',
    ]);
  });
});
