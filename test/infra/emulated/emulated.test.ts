import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseEstate } from '../../../infra/config.ts';
import { parameterName, type Place } from '../../../modules/vocabulary/index.ts';
import { synthEstate, type Synthesized } from '../helpers/synth.ts';
import { describeWhereThere } from '../helpers/where-there.ts';
import { askAws } from './ask-aws.ts';
import { EmulatedEstate, REGION } from './emulated-estate.ts';
import { promiseReadBack } from './read-back.ts';

/**
 * What moto cannot do, by stack. A type that moto learns, and one that it loses, both fail the test: the list says what
 * has been applied for real and what has not. What depends on these types is not applied either.
 */
const MOTO_LACKS: Readonly<Record<string, readonly string[]>> = {
  organization: ['aws_organizations_delegated_administrator'], // knows no Security Hub
  'log-archive-eu-west-1': [],
  'forensics-eu-west-1': [
    'aws_cloudtrail', // looks for the log archive's bucket in its own account
    'aws_ebs_snapshot_block_public_access',
    'aws_ec2_image_block_public_access',
    'aws_ec2_instance_metadata_defaults',
    'aws_ec2_serial_console_access',
    'aws_route53_resolver_firewall_config',
    'aws_route53_resolver_firewall_domain_list',
    'aws_route53_resolver_firewall_rule_group',
    'aws_route53_resolver_query_log_config',
    'aws_s3_account_public_access_block', // by a host name that only AWS has
    'aws_sfn_state_machine', // makes it, but lists no versions of it
    'aws_vpc_block_public_access_options',
  ],
  'evidence-eu-west-1': ['aws_s3_bucket_logging'],
  'member-200000000002': [],
  seal: ['aws_organizations_policy'], // knows no declarative policies
};

describeWhereThere(['terraform'], 'an estate, applied to an emulated AWS across its accounts', function () {
  this.timeout(1_800_000);
  let emulated: EmulatedEstate;
  let stacks: ReadonlyMap<string, Synthesized>;
  /** The forensic account and the log archive, in the Region that is applied, once they exist. */
  let forensic: Place;
  let archive: Place;

  before(async () => {
    emulated = await EmulatedEstate.start();
  });
  after(() => emulated?.stop());

  it('starts with the organization alone, since no other account exists yet', async () => {
    stacks = synthEstate(parseEstate(emulated.input, 'bootstrap'));
    expect([...stacks.keys()]).to.deep.equal(['organization']);
    expect(await emulated.apply('organization', stacks.get('organization') as Synthesized)).to.deep.equal([]);
  });

  it('goes on with the ids that the organization stack has put out', async () => {
    const ids = await emulated.outputs('organization');
    const { accounts } = emulated.input;
    Object.assign(accounts.securityTooling ?? {}, { id: ids['account-security-tooling'] });
    Object.assign(accounts.logArchive ?? {}, { id: ids['account-log-archive'] });
    for (const account of accounts.forensic) Object.assign(account, { id: ids[`account-${account.name}`] });
    stacks = synthEstate(parseEstate(emulated.input, 'bootstrapped'));
    expect(stacks.size).to.equal(20);
    const place = { prefix: 'cleanroom', partition: 'aws', region: REGION };
    forensic = { ...place, account: String(accounts.forensic[0]?.id) };
    archive = { ...place, account: String(accounts.logArchive?.id) };
  });

  it('applies every kind of stack, each in its account, but for what moto lacks', async () => {
    const failed: Record<string, readonly string[]> = {};
    const apply = async (id: string): Promise<void> => {
      failed[id] = await emulated.apply(id, stacks.get(id) as Synthesized);
    };
    // Three lanes, since the provider sleeps more than it works, but Terraform gives it a minute to start: more of them at
    // once would be late on a slow machine. The evidence stack begins when the network's has published what it reads.
    const networkEnded = new AbortController();
    const published = async (): Promise<boolean> => {
      const Names = [parameterName(forensic, 's3EndpointId')];
      const [answer] = await askAws(emulated.moto, [{ account: forensic.account, region: REGION, service: 'ssm', method: 'get_parameters', params: { Names } }]);
      return answer.Parameters.length > 0;
    };
    const forensics = async (): Promise<void> => {
      await apply('forensics-eu-west-1').finally(() => networkEnded.abort());
      await apply('seal');
    };
    const evidence = async (): Promise<void> => {
      await apply('member-200000000002');
      while (!networkEnded.signal.aborted && !(await published())) await sleep(2000);
      await apply('evidence-eu-west-1');
    };
    const archiving = async (): Promise<void> => {
      await apply('log-archive-eu-west-1');
      await apply('organization');
    };
    await Promise.all([forensics(), evidence(), archiving()]);
    expect(failed).to.deep.equal(MOTO_LACKS);
  });

  promiseReadBack(() => ({ emulated, forensic, archive }));
});
