import { expect } from 'chai';
import { parseEstate, type EstateInput } from '../../infra/config.ts';
import { alertPatterns, forwardedPattern } from '../../modules/audit/alert-patterns.ts';
import { foreignReportingRegions } from '../../modules/audit/reporting-regions.ts';
import { disagreementsWithMoto, matches } from '../helpers/event-pattern.ts';
import { loadEstate, resources, synthEstate, type Synthesized } from './helpers/synth.ts';

const account = '111122223333';
const home = { prefix: 'cleanroom', partition: 'aws', account, region: 'eu-central-1' };

const call = (service: string, eventName: string, detail: object = {}) => ({
  source: `aws.${service}`,
  'detail-type': 'AWS API Call via CloudTrail',
  detail: { eventSource: `${service}.amazonaws.com`, eventName, userIdentity: { type: 'AssumedRole' }, ...detail },
});
const assume = (role: string) => call('sts', 'AssumeRole', { requestParameters: { roleArn: `arn:aws:iam::${account}:role/cleanroom/cleanroom-${role}-eu-central-1` } });

/** Rules of the alerts that an event sets off. */
const told = (event: object): readonly string[] => Object.entries(alertPatterns(home)).flatMap(([name, pattern]) => (matches(pattern, event) ? [name] : []));

/** What happens to an account as a whole, and the alert that it sets off. */
const ACCOUNT_EVENTS: readonly (readonly [what: string, event: object, alerts: readonly string[]])[] = [
  ['a log-in', { source: 'aws.signin', 'detail-type': 'AWS Console Sign In via CloudTrail', detail: { eventName: 'ConsoleLogin', userIdentity: { type: 'IAMUser' } } }, ['console-login']],
  ['root\'s log-in', { source: 'aws.signin', 'detail-type': 'AWS Console Sign In via CloudTrail', detail: { eventName: 'ConsoleLogin', userIdentity: { type: 'Root' } } }, ['console-login', 'root-activity']],
  ['root\'s call', call('ec2', 'StopInstances', { userIdentity: { type: 'Root' } }), ['root-activity']],
  ['a person in a role', assume('investigator'), ['role-assumption']],
  ['an emergency', assume('break-glass'), ['role-assumption']],
  ...['AttachRolePolicy', 'CreatePolicyVersion', 'DeleteRolePermissionsBoundary', 'DeleteRolePolicy', 'DetachRolePolicy', 'PutRolePolicy', 'SetDefaultPolicyVersion', 'UpdateAssumeRolePolicy', 'CreateUser', 'CreateAccessKey', 'CreateSAMLProvider'].map(
    (name) => [name, call('iam', name), ['role-change']] as const,
  ),
];

const forwarded = (stack: Synthesized) =>
  resources(stack, 'aws_cloudwatch_event_target')
    .filter(({ target_id: id }) => id === 'home')
    .map(({ provider, arn }) => `${provider} → ${arn}`);

describe('alerts', () => {
  it('tell of log-ins, role assumptions and changes of roles and policies, each by its rule', () => {
    for (const [what, event, alerts] of ACCOUNT_EVENTS) expect(told(event), what).to.deep.equal(alerts);
  });

  it('tell of sessions, and of changes to policies of buckets and keys, to the network, the trail, the workflow and the alerts themselves', () => {
    const here: readonly (readonly [object, string])[] = [
      [call('ssm', 'StartSession'), 'session-start'],
      [call('ssm', 'UpdateDocument'), 'session-preferences'],
      [call('s3', 'PutBucketPolicy'), 'bucket-policy-change'],
      [call('s3', 'PutBucketReplication'), 'bucket-policy-change'],
      [call('kms', 'PutKeyPolicy'), 'key-policy-change'],
      [call('ec2', 'CreateRoute'), 'network-change'],
      [call('cloudtrail', 'StopLogging'), 'log-change'],
      [call('events', 'PutRule'), 'alert-change'],
      [call('events', 'DisableRule'), 'alert-change'],
      [call('sns', 'SetSubscriptionAttributes'), 'topic-change'],
      [call('sns', 'Unsubscribe'), 'topic-change'],
      [call('lambda', 'UpdateFunctionCode20150331v2'), 'function-change'],
      [call('lambda', 'UpdateFunctionConfiguration20150331v2'), 'function-change'],
      [call('lambda', 'AddPermission20150331v2'), 'function-change'],
      [call('states', 'UpdateStateMachine'), 'workflow-change'],
    ];
    for (const [event, alert] of here) expect(told(event), JSON.stringify(event)).to.deep.equal([alert]);
  });

  it('go on to whoever has confirmed when another address is taken out: a subscription is the address\'s, not its place\'s', () => {
    const subscriptions = (...emails: string[]) => {
      const estate = loadEstate('example');
      const stacks = synthEstate({ ...estate, notifications: { emails } });
      return ['forensics-eu-west-1', 'seal'].map((id) => Object.fromEntries(Object.entries(stacks.get(id)?.resource.aws_sns_topic_subscription ?? {}).map(([name, { endpoint }]) => [endpoint, name])));
    };
    const before = subscriptions('left@example.com', 'a.b@example.com', 'ab@example.com');
    const after = subscriptions('a.b@example.com', 'ab@example.com');
    expect(before.map((names) => new Set(Object.values(names)).size)).to.deep.equal([3, 3]);
    expect(after).to.deep.equal(before.map(({ 'left@example.com': _, ...others }) => others));
  });

  it('leave the pipeline\'s own work alone', () => {
    const grant = call('kms', 'CreateGrant', { userIdentity: { type: 'AssumedRole', invokedBy: 'ec2.amazonaws.com' } });
    for (const event of [assume('workflow'), assume('collector'), call('ec2', 'RunInstances'), grant]) expect(told(event)).to.deep.equal([]);
  });
});

describe('what AWS reports of an account in another Region', () => {
  it('is forwarded where it sets off an alert, and nothing else is', () => {
    const pattern = forwardedPattern(home);
    for (const [what, event] of ACCOUNT_EVENTS) expect(matches(pattern, event), what).to.equal(true);
    for (const event of [assume('workflow'), call('ec2', 'RunInstances'), call('iam', 'GetRole'), call('ssm', 'StartSession')]) expect(matches(pattern, event), JSON.stringify(event)).to.equal(false);
  });

  it('is chosen by a pattern inside EventBridge\'s 2048 characters, with the longest names', () => {
    expect(JSON.stringify(forwardedPattern({ ...home, prefix: 'cleanroomxyz', partition: 'aws-us-gov' })).length).to.be.at.most(2048);
  });

  it('reaches the alert rules of an estate without the global Region, from there and from where log-ins may be reported', () => {
    const stack = synthEstate(loadEstate('minimal')).get('forensics-eu-central-1') as Synthesized;
    const bus = `arn:aws:events:eu-central-1:${account}:event-bus/default`;
    const regions = ['ap-southeast-2', 'eu-north-1', 'us-east-1', 'us-east-2'];
    expect(forwarded(stack)).to.deep.equal(regions.map((region) => `aws.${region} → ${bus}`));
    const aliases = (stack.provider.aws ?? []).flatMap(({ alias, region, allowed_account_ids: accounts }) => (alias === undefined ? [] : [[alias, region, accounts].join(' ')]));
    expect(aliases.toSorted()).to.deep.equal(regions.map((region) => `${region} ${region} ${account}`));
    const rules = resources(stack, 'aws_cloudwatch_event_rule').filter(({ name }) => name === 'cleanroom-forward');
    expect(rules.map(({ provider }) => provider)).to.deep.equal(regions.map((region) => `aws.${region}`));
    for (const { event_pattern: pattern } of rules) expect(JSON.parse(pattern)).to.deep.equal(forwardedPattern(home));
  });

  it('is forwarded once an account, and from none of its own Regions', () => {
    const stacks = synthEstate(loadEstate('example'));
    const sources = (id: string) => forwarded(stacks.get(id) as Synthesized).map((line) => line.split(' ')[0]);
    expect(sources('forensics-eu-west-1')).to.deep.equal(['aws.ap-southeast-2', 'aws.eu-north-1', 'aws.us-east-1', 'aws.us-east-2']);
    expect(sources('forensics-eu-central-1')).to.deep.equal([]);
    expect(sources('forensics-us-east-1')).to.deep.equal(['aws.ap-southeast-2', 'aws.eu-north-1', 'aws.us-east-2']);
  });

  it('is forwarded in every partition', () => {
    expect(foreignReportingRegions('aws-us-gov', ['us-gov-east-1'])).to.deep.equal(['us-gov-west-1']);
    expect(foreignReportingRegions('aws-cn', ['cn-northwest-1'])).to.deep.equal(['cn-north-1']);
    const { partition: _, ...input } = JSON.parse(JSON.stringify(loadEstate('minimal'))) as EstateInput;
    const china: EstateInput = {
      ...input,
      partition: 'aws-cn',
      accounts: { forensic: [{ name: 'forensic', id: account, regions: ['cn-north-1'] }] },
      regions: { 'cn-north-1': { cidr: '10.80.0.0/20' } },
      access: { principals: [`arn:aws-cn:iam::${account}:root`] },
    };
    const stack = synthEstate(parseEstate(china, 'china')).get('forensics-cn-north-1') as Synthesized;
    expect(forwarded(stack)).to.deep.equal([`aws.cn-northwest-1 → arn:aws-cn:events:cn-north-1:${account}:event-bus/default`]);
  });

  it('is recorded: one trail of each account is in every Region', () => {
    const trails = [...synthEstate(loadEstate('example'))].flatMap(([id, stack]) => resources(stack, 'aws_cloudtrail').map((trail) => `${id} ${trail.is_multi_region_trail} ${trail.include_global_service_events}`));
    expect(trails).to.deep.equal(['forensics-eu-west-1 true true', 'forensics-eu-central-1 false true', 'forensics-us-east-1 true true']);
  });

  it('are matched here as moto matches them, wherever moto can', async function () {
    this.timeout(120_000); // Python takes its time to load moto
    const { asked, disagreements } = await disagreementsWithMoto();
    expect(asked).to.be.above(200);
    expect(disagreements).to.deep.equal([]);
  });
});
