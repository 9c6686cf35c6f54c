import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleHandlers } from '../../../infra/bundle-handlers.ts';
import type { EstateInput } from '../../../infra/config.ts';
import { startMoto, type Moto } from '../../helpers/moto.ts';
import { against } from '../helpers/against.ts';
import { estateInput, type Synthesized } from '../helpers/synth.ts';
import { StatesFront } from '../helpers/states-front.ts';
import { Terraform } from '../helpers/terraform.ts';
import { askAws } from './ask-aws.ts';

/** Account of whoever comes to moto without having assumed a role: the organization's management account. */
export const MANAGEMENT = '123456789012';
/** A monitored account of the example, which has a key of its own. */
export const MEMBER = '200000000002';
export const REGION = 'eu-west-1';

/** The example, whose accounts moto will make: nothing but the management account has an id yet. */
function bootstrap(organizationId: string, memberKeyArn: string): EstateInput {
  const { accounts, monitoredAccounts = [], ...estate } = structuredClone(estateInput('example'));
  return {
    ...estate,
    organization: { ...estate.organization, mode: 'existing', id: organizationId },
    accounts: {
      management: { id: MANAGEMENT },
      securityTooling: { create: { email: 'security@example.com' } },
      logArchive: { create: { email: 'logs@example.com' } },
      forensic: accounts.forensic.map(({ id: _, ...account }) => account),
    },
    monitoredAccounts: monitoredAccounts.map((account) => (account.id === MEMBER ? { ...account, sourceKeyArns: [memberKeyArn] } : account)),
  };
}

/** An emulated AWS with an organization and a monitored account in it, and Terraform to apply an estate's stacks to it. */
export class EmulatedEstate {
  readonly moto: Moto;
  readonly states: StatesFront;
  readonly terraform: Terraform;
  /** The estate file, to be filled in as accounts come to exist. */
  readonly input: EstateInput;

  /** Archive of the functions. */
  readonly #handlers: Uint8Array;

  private constructor(moto: Moto, states: StatesFront, handlers: Uint8Array, terraform: Terraform, input: EstateInput) {
    this.moto = moto;
    this.states = states;
    this.#handlers = handlers;
    this.terraform = terraform;
    this.input = input;
  }

  static async start(): Promise<EmulatedEstate> {
    const moto = await startMoto();
    const organizations = { region: 'us-east-1', service: 'organizations' };
    const [{ Organization }, { Roots }, { KeyMetadata }] = (await askAws(moto, [
      { ...organizations, method: 'create_organization', params: { FeatureSet: 'ALL' } },
      { ...organizations, method: 'list_roots' },
      { account: MEMBER, region: REGION, service: 'kms', method: 'create_key' },
    ])) as [{ Organization: { Id: string } }, { Roots: { Id: string }[] }, { KeyMetadata: { Arn: string } }];
    const types = ['SERVICE_CONTROL_POLICY', 'RESOURCE_CONTROL_POLICY', 'TAG_POLICY'];
    await askAws(moto, types.map((PolicyType) => ({ ...organizations, method: 'enable_policy_type', params: { RootId: Roots[0]?.Id, PolicyType } })));
    return new EmulatedEstate(moto, await StatesFront.start(moto.endpoint), (await bundleHandlers()).bytes, Terraform.prepare(), bootstrap(Organization.Id, KeyMetadata.Arn));
  }

  /** Applies a stack, and gives back the types that could not be. */
  async apply(id: string, stack: Synthesized): Promise<readonly string[]> {
    const directory = this.terraform.workspace(id, { 'main.tf.json': JSON.stringify(against(stack, this.moto.endpoint, this.states.url)) });
    writeFileSync(join(directory, 'handlers.zip'), this.#handlers);
    await this.terraform.init(directory);
    try {
      await this.terraform.run(directory, ['apply', '-auto-approve', '-no-color', '-parallelism=30']);
      return [];
    } catch (error) {
      const types = [...(error as Error).message.matchAll(/^\s+with (aws_[a-z0-9_]+)\./gm)].map((match) => match[1] ?? '');
      if (types.length === 0) throw error;
      return [...new Set(types)].toSorted();
    }
  }

  /** What an applied stack puts out. */
  async outputs(id: string): Promise<Record<string, string>> {
    const json = JSON.parse(await this.terraform.run(join(this.terraform.home, id), ['output', '-json'])) as Record<string, { value: string }>;
    return Object.fromEntries(Object.entries(json).map(([name, { value }]) => [name, value]));
  }

  async stop(): Promise<void> {
    this.terraform.dispose();
    await this.states.stop();
    await this.moto.stop();
  }
}
