import { CloudWatchLogsClient, CreateLogGroupCommand, GetLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { CreateStateMachineCommand, SFNClient } from '@aws-sdk/client-sfn';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { expect } from 'chai';
import * as entries from '../../../modules/acquisition-workflow/handlers/entries.ts';
import { handlerEnvironment } from '../../../modules/acquisition-workflow/handlers/settings.ts';
import { DEFAULT_OPTIONS, logGroupName, membersPath, personEvent, TriggerSettings, type AcquisitionInput } from '../../../modules/vocabulary/index.ts';
import { rejectionOf } from '../../helpers/rejection.ts';
import { anInput, AT, executionOf, INSTANCE, later, MEMBER, opened, PLACE, startVault, type Vault } from './support.ts';

const place = { ...PLACE, account: '123456789012' }; // moto's

describe('the functions\' entry points', () => {
  let vault: Vault;
  const before_ = { ...process.env };
  const where = () => ({ endpoint: vault.endpoint, region: place.region });

  before(async () => {
    vault = await startVault();
    Object.assign(process.env, handlerEnvironment({
      place, logPrefix: '/acme/', bucket: vault.bucket, topicArn: `arn:aws:sns:${place.region}:${place.account}:acme-alerts`, options: DEFAULT_OPTIONS, triggers: TriggerSettings.parse({}),
    }), { AWS_REGION: place.region, AWS_ENDPOINT_URL: vault.endpoint });
    const [logs, ssm, sfn] = [new CloudWatchLogsClient(where()), new SSMClient(where()), new SFNClient(where())];
    await logs.send(new CreateLogGroupCommand({ logGroupName: logGroupName('audit', '/acme/') }));
    await ssm.send(new PutParameterCommand({ Name: `${membersPath(place)}/0`, Value: JSON.stringify({ [MEMBER]: 'an-external-id-of-16' }), Type: 'String' }));
    await sfn.send(new CreateStateMachineCommand({ name: 'acme-acquisition', definition: '{"StartAt":"A","States":{"A":{"Type":"Succeed"}}}', roleArn: `arn:aws:iam::${place.account}:role/r` }));
    for (const client of [logs, ssm, sfn]) client.destroy();
  });
  after(async () => {
    for (const name of Object.keys(process.env)) if (!(name in before_)) delete process.env[name];
    Object.assign(process.env, before_);
    await vault?.stop();
  });

  const ended = (input: AcquisitionInput, status: 'ABORTED' | 'TIMED_OUT' | 'FAILED', executionArn = executionOf(input)) => ({
    source: 'aws.states', 'detail-type': 'Step Functions Execution Status Change', account: place.account, region: place.region,
    detail: { executionArn, status, input: JSON.stringify(input), stopDate: Date.parse(later(9)), error: 'Cleanroom.Cancelled', cause: 'ann: wrong host' },
  });

  it('open cases of the accounts that the estate publishes, and of no other', async () => {
    const event = personEvent({ caseId: 'case-e1', account: MEMBER, region: place.region, instanceIds: [INSTANCE], requester: 'arn:aws:iam::1:role/r', reason: 'r', options: {} });
    expect((await entries.openCase(event)).cases[0]?.executions[0]).to.include({ instanceId: INSTANCE, started: true });
    expect((await rejectionOf(entries.openCase({ ...event, detail: { ...event.detail, account: '999999999999' } }))).name).to.equal('Cleanroom.OutsideEstate');
  });

  it('write the summary of an acquisition that ended into the audit log, a stream a case', async () => {
    const input = anInput({ caseId: 'case-e2' });
    await entries.record({ input, change: [opened(input), { kind: 'closed', at: later(1), status: 'FAILED', problems: ['no capacity'] }] });
    await entries.record({ input, change: { kind: 'closed', at: later(1), status: 'FAILED', problems: ['no capacity'] } });
    const logs = new CloudWatchLogsClient(where());
    const { events = [] } = await logs.send(new GetLogEventsCommand({ logGroupName: logGroupName('audit', '/acme/'), logStreamName: 'case-case-e2' }));
    logs.destroy();
    expect(JSON.parse(events[0]?.message ?? '')).to.include({ event: 'case.closed', caseId: 'case-e2', caseStatus: 'FAILED' });
  });

  it('close the record of an execution that somebody stopped, or whose time was over, once and with the reason', async () => {
    const [stopped, late, lost] = ['case-e3', 'case-e4', 'case-e5'].map((caseId) => anInput({ caseId })) as [AcquisitionInput, AcquisitionInput, AcquisitionInput];
    for (const input of [stopped, late]) await entries.record({ input, change: opened(input) });
    const event = ended(stopped, 'ABORTED');
    expect(await entries.record(event as never)).to.have.property('etag');
    expect(await entries.record(event as never), 'a second time').to.equal(null);
    expect(await vault.acquisitionOf(stopped)).to.deep.include({ status: 'CANCELLED', endedAt: later(9), problems: ['the execution was stopped (Cleanroom.Cancelled: ann: wrong host); what it made stays'] });
    await entries.record(ended(late, 'TIMED_OUT') as never);
    expect(await vault.acquisitionOf(late)).to.deep.include({ status: 'FAILED', problems: ['the execution ran out of time; what it made stays'] });
    await entries.record(ended(lost, 'ABORTED') as never);
    expect(await vault.acquisitionOf(lost), 'stopped before it wrote a word').to.include({ status: 'CANCELLED' });
    expect((await vault.caseOf('case-e3')).instances[INSTANCE]).to.include({ status: 'CANCELLED' });
  });

  it('close the record of an execution that failed and could not, and leave one alone that it closed itself', async () => {
    const [open, unwritten, closed] = ['case-e9', 'case-e10', 'case-e11'].map((caseId) => anInput({ caseId })) as [AcquisitionInput, AcquisitionInput, AcquisitionInput];
    for (const input of [open, closed]) await entries.record({ input, change: opened(input) });
    await entries.record({ input: closed, change: { kind: 'closed', at: later(5), status: 'CANCELLED' } });
    await entries.record(ended(open, 'FAILED') as never);
    expect(await vault.acquisitionOf(open)).to.deep.include({ status: 'FAILED', endedAt: later(9), problems: ['the execution failed and could not say so here (Cleanroom.Cancelled: ann: wrong host); what it made stays'] });
    await entries.record(ended(unwritten, 'FAILED') as never);
    expect((await vault.caseOf('case-e10')).instances[INSTANCE], 'failed before it wrote a word').to.include({ status: 'FAILED' });
    expect(await entries.record(ended(closed, 'FAILED') as never)).to.equal(null);
    expect(await vault.acquisitionOf(closed)).to.include({ status: 'CANCELLED', endedAt: later(5) });
    const refused = ended(open, 'FAILED');
    expect(await entries.record({ ...refused, detail: { ...refused.detail, input: '"no request"' } } as never), 'what was refused has no record').to.equal(null);
  });

  it('leave the record alone when an earlier execution of the instance ends', async () => {
    const input = anInput({ caseId: 'case-e6' });
    await entries.record({ input, change: opened(input, AT) });
    expect(await entries.record(ended(input, 'ABORTED', `${executionOf(input)}-old`) as never)).to.equal(null);
    expect(await vault.acquisitionOf(input)).to.include({ status: 'OPEN' });
  });

  it('close the record of an execution that was begun again and failed before it wrote a word', async () => {
    const event = personEvent({ caseId: 'case-e12', account: MEMBER, region: place.region, instanceIds: [INSTANCE], requester: 'arn:aws:iam::1:role/r', reason: 'r', options: {}, again: true });
    const first = anInput({ caseId: 'case-e12' });
    const open = async () => (await entries.openCase(event)).cases[0]!.executions[0]!;
    const { executionArn } = await open();
    await entries.record({ input: first, change: [{ kind: 'opened', at: AT, executionArn }, { kind: 'closed', at: later(5), status: 'FAILED' }] });
    const again = await open();
    expect(again).to.include({ started: true }).and.not.include({ executionArn });
    expect((await rejectionOf(entries.release({ caseId: 'case-e12', instanceId: INSTANCE, requester: 'ann' }))).message).to.match(/is begun again; release it when it has ended/);
    expect(await entries.record(ended(first, 'FAILED', executionArn) as never), 'of the first one').to.equal(null);
    await entries.record(ended(first, 'FAILED', again.executionArn) as never);
    expect(await vault.acquisitionOf(first)).to.include({ status: 'FAILED', executionArn: again.executionArn, endedAt: later(9) });
    expect((await vault.caseOf('case-e12')).instances[INSTANCE]).to.include({ status: 'FAILED', executionArn: again.executionArn });
  });

  it('release in the suspect\'s account, by its acquisition role', async () => {
    const input = anInput({ caseId: 'case-e7' });
    const undo = { action: 'ec2:modifyInstanceAttribute', account: MEMBER, region: place.region, parameters: { InstanceId: INSTANCE, DisableApiTermination: { Value: false } } } as const;
    await entries.record({ input, change: [opened(input), { kind: 'done', at: later(1), what: 'protected it', undo }, { kind: 'closed', at: later(2), status: 'FAILED' }] });
    const { problems } = await entries.release({ caseId: 'case-e7', instanceId: INSTANCE, requester: 'ann' });
    expect(problems[0], 'there is no such instance in that account').to.match(/^protected it: InvalidInstanceID/);
    const foreign = anInput({ caseId: 'case-e8', account: '999999999999' });
    await entries.record({ input: foreign, change: [opened(foreign), { kind: 'done', at: later(1), what: 'a', undo: { ...undo, account: '999999999999' } }, { kind: 'closed', at: later(2), status: 'FAILED' }] });
    expect((await rejectionOf(entries.release({ caseId: 'case-e8', instanceId: INSTANCE, requester: 'ann' }))).message).to.contain('account 999999999999 is not monitored');
  });
});
