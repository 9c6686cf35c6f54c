import { expect } from 'chai';
import { parseEstate, type EstateInput } from '../../infra/config.ts';
import { text } from './helpers/loose.ts';
import { estateInput, synthEstate, type Synthesized } from './helpers/synth.ts';

/** What names a resource in its account (and Region), by type; of other types the name is no identity. */
const NAMED: Readonly<Record<string, { readonly fields: readonly string[]; readonly global?: true }>> = {
  aws_iam_role: { fields: ['name'], global: true },
  aws_iam_policy: { fields: ['name'], global: true },
  aws_iam_instance_profile: { fields: ['name'], global: true },
  aws_s3_bucket: { fields: ['bucket'], global: true },
  aws_cloudwatch_event_bus: { fields: ['name'] },
  aws_cloudwatch_event_rule: { fields: ['event_bus_name', 'name'] },
  aws_cloudwatch_log_group: { fields: ['name'] },
  aws_cloudwatch_metric_alarm: { fields: ['alarm_name'] },
  aws_cloudtrail: { fields: ['name'] },
  aws_kms_alias: { fields: ['name'] },
  aws_lambda_function: { fields: ['function_name'] },
  aws_securityhub_action_target: { fields: ['identifier'] },
  aws_sfn_state_machine: { fields: ['name'] },
  aws_sns_topic: { fields: ['name'] },
  aws_sqs_queue: { fields: ['name'] },
  aws_ssm_parameter: { fields: ['name'] },
};

/** Every named resource of an estate, as AWS tells them apart, with the stacks that make it. */
function namesOf(stacks: ReadonlyMap<string, Synthesized>): ReadonlyMap<string, readonly string[]> {
  const made = new Map<string, string[]>();
  for (const [id, stack] of stacks) {
    const providers = new Map((stack.provider['aws'] ?? []).map((provider) => [provider['alias'] === undefined ? 'aws' : `aws.${text(provider['alias'])}`, provider]));
    for (const [type, { fields, global }] of Object.entries(NAMED)) {
      for (const resource of Object.values(stack.resource[type] ?? {})) {
        const provider = providers.get(text(resource['provider'] ?? 'aws'))!;
        const account = String((provider['allowed_account_ids'] as string[])[0]);
        const name = fields.map((field) => JSON.stringify(resource[field] ?? 'default')).join(' ');
        const key = `${account} ${global === true ? 'everywhere' : String(provider['region'])} ${type} ${name}`;
        made.set(key, [...(made.get(key) ?? []), id]);
      }
    }
  }
  return made;
}

const TRIGGERS = { securityHubImports: { enabled: true }, securityHubFindings: { enabled: true }, tag: { enabled: true } };
/** The example with every trigger on, and more monitored accounts. */
const estateWith = (...ids: readonly string[]) => {
  const input: EstateInput = estateInput('example');
  const more = ids.map((id, index) => ({ id, name: `more-${index}`, externalId: `example-external-id-${index}`, containment: true }));
  return synthEstate(parseEstate({ ...input, workflow: { triggers: TRIGGERS }, monitoredAccounts: [...(input.monitoredAccounts ?? []), ...more] }, 'unique'));
};
const twice = (stacks: ReadonlyMap<string, Synthesized>): string[] => [...namesOf(stacks)].flatMap(([key, ids]) => (ids.length > 1 ? [`${key}: ${ids.join(', ')}`] : []));

describe('the names of an estate\'s resources', () => {
  it('are each there once, with every trigger on', () => {
    const stacks = estateWith();
    expect(namesOf(stacks).size).to.be.above(300);
    expect(twice(stacks)).to.deep.equal([]);
  });

  it('are each there once also where the account in which findings come together is monitored itself', () => {
    const security = String(estateInput('example').accounts.securityTooling?.id);
    const stacks = estateWith(security);
    expect([...stacks.keys()]).to.include.members([`member-${security}`, 'security-eu-west-1']);
    expect(twice(stacks)).to.deep.equal([]);
  });

  it('would be told, were one there twice', () => {
    const stacks = new Map(estateWith());
    stacks.set('again', stacks.get('security-eu-west-1')!);
    expect(twice(stacks).join('\n')).to.contain('aws_iam_role "cleanroom-findings-eu-west-1": security-eu-west-1, again');
  });
});
