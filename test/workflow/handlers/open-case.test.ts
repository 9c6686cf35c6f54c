import { DescribeExecutionCommand, ListExecutionsCommand, SFNClient } from '@aws-sdk/client-sfn';
import { CreateStateMachineCommand } from '@aws-sdk/client-sfn';
import { expect } from 'chai';
import { openCase, type OpenCaseDependencies } from '../../../modules/acquisition-workflow/handlers/open-case/open-case.ts';
import { AcquisitionInput, caseKey, DEFAULT_OPTIONS, personEvent, stateMachineArn, TriggerSettings, type PersonRequest } from '../../../modules/vocabulary/index.ts';
import { rejectionOf } from '../../helpers/rejection.ts';
import * as events from '../events.ts';
import { AT, executionOf, INSTANCE, later, MEMBER, PLACE, startVault, type Vault } from './support.ts';

const ALL_ON = TriggerSettings.parse({ securityHubImports: { enabled: true }, securityHubFindings: { enabled: true }, tag: { enabled: true } });
const REQUESTER = 'arn:aws:sts::111122223333:assumed-role/acme-responder-eu-central-1/ann';

describe('open-case', () => {
  let vault: Vault;
  let sfn: SFNClient;
  let dependencies: OpenCaseDependencies;
  let cases = 0;

  before(async () => {
    vault = await startVault();
    sfn = new SFNClient({ endpoint: vault.endpoint, region: PLACE.region });
    // moto keeps executions under the account of the credentials, which is this one unless told otherwise
    const { stateMachineArn: arn } = await sfn.send(new CreateStateMachineCommand({ name: 'acme-acquisition', definition: '{"StartAt":"A","States":{"A":{"Type":"Succeed"}}}', roleArn: 'arn:aws:iam::123456789012:role/r' }));
    const place = { ...PLACE, account: arn!.split(':')[4]! };
    expect(arn).to.equal(stateMachineArn(place));
    dependencies = { ...vault.dependencies, sfn, place, memberAccounts: [MEMBER], options: DEFAULT_OPTIONS, triggers: ALL_ON };
  });
  after(async () => {
    sfn?.destroy();
    await vault?.stop();
  });

  const open = (event: unknown, edit: Partial<OpenCaseDependencies> = {}) => openCase({ ...dependencies, ...edit })(event);
  const inputOf = async (executionArn: string): Promise<AcquisitionInput> => AcquisitionInput.parse(JSON.parse((await sfn.send(new DescribeExecutionCommand({ executionArn }))).input ?? ''));
  const started = async (): Promise<number> => (await sfn.send(new ListExecutionsCommand({ stateMachineArn: stateMachineArn(dependencies.place) }))).executions?.length ?? 0;
  /** A finding of its own for each test. */
  const finding = () => {
    const id = String(++cases).padStart(32, '0');
    return { id, arn: events.FINDING_ARN.replace(events.FINDING, id) };
  };
  const person = (edit: Partial<PersonRequest> = {}) =>
    personEvent({ caseId: `case-o${++cases}`, account: MEMBER, region: PLACE.region, instanceIds: [INSTANCE], requester: REQUESTER, reason: 'beaconing', options: {}, ...edit });

  it('makes a case of a GuardDuty finding, under the finding\'s own id, with all that a note on it needs', async () => {
    const { id, arn } = finding();
    const event = events.guardDuty({ detail: { id, arn } });
    const { cases: [opened] } = await open(event);
    expect(opened).to.include({ caseId: id });
    const input = await inputOf(opened!.executions[0]!.executionArn);
    expect(input).to.deep.include({ caseId: id, account: MEMBER, region: PLACE.region, instanceId: INSTANCE, requester: 'guardduty.amazonaws.com', options: DEFAULT_OPTIONS });
    expect(input.trigger).to.deep.include({
      kind: 'guardduty', key: `guardduty:${id}`, type: 'Backdoor:EC2/C&CActivity.B', severity: 8,
      finding: { api: 'BatchUpdateFindings', id: arn, productArn: `arn:aws:securityhub:${PLACE.region}::product/aws/guardduty` },
    });
    expect(JSON.parse(await vault.read(caseKey(id, 'event.json')))).to.deep.equal(event);
    expect((await vault.caseOf(id)).instances).to.deep.equal({
      [INSTANCE]: { revision: 0, account: MEMBER, region: PLACE.region, status: 'OPEN', stage: 'open', openedAt: AT, volumes: {}, leftBehind: [], problems: [] },
    });
  });

  it('opens one case for a finding, whichever services report it and however often', async () => {
    const { id, arn } = finding();
    const reports = [
      events.guardDuty({ detail: { id, arn } }), events.guardDuty({ detail: { id, arn, severity: 8.5 } }), events.asffImported({ Id: arn }), events.asffAction({ Id: arn }),
      events.ocsfImported({ finding_info: { uid: arn, title: 'C&C', types: [] } }),
    ];
    const before = await started();
    const outputs = [];
    for (const report of reports) outputs.push(await open(report));
    expect(outputs.map((output) => output.cases[0]?.caseId)).to.deep.equal(reports.map(() => id));
    expect(outputs.map((output) => output.cases[0]?.executions[0]?.started)).to.deep.equal([true, false, false, false, false]);
    expect(new Set(outputs.map((output) => output.cases[0]?.executions[0]?.executionArn)).size).to.equal(1);
    expect(await started()).to.equal(before + 1);
  });

  it('opens one case where several reports of a finding come at the same moment', async () => {
    const { id, arn } = finding();
    const before = await started();
    const outputs = await Promise.all(Array.from({ length: 6 }, (_, index) => open(index % 2 === 0 ? events.guardDuty({ detail: { id, arn } }) : events.asffImported({ Id: arn }))));
    expect(outputs.map((output) => output.cases[0]?.executions[0]?.started).filter(Boolean)).to.have.length(1);
    expect(await started()).to.equal(before + 1);
  });

  it('starts an execution that was lost: listed in the case, and never begun', async () => {
    const event = person();
    const broken = new SFNClient({ endpoint: 'http://127.0.0.1:1', region: PLACE.region, maxAttempts: 1 });
    expect((await rejectionOf(open(event, { sfn: broken }))).message).to.contain('ECONNREFUSED');
    broken.destroy();
    const { cases: [opened] } = await open(event);
    expect((await inputOf(opened!.executions[0]!.executionArn)).caseId).to.equal(event.detail.caseId);
  });

  it('opens one case with an acquisition for each host of a sequence of attacks', async () => {
    const { id, arn } = finding();
    const event = events.attackSequence();
    const { cases: [opened] } = await open({ ...event, detail: { ...event.detail, id, arn } });
    expect(opened?.executions.map(({ instanceId }) => instanceId)).to.deep.equal(['i-0aaaaaaaaaaaaaaaa', 'i-0bbbbbbbbbbbbbbbb']);
    expect(Object.keys((await vault.caseOf(id)).instances)).to.deep.equal(['i-0aaaaaaaaaaaaaaaa', 'i-0bbbbbbbbbbbbbbbb']);
  });

  it('opens what of a sequence is in the estate, and says what is not', async () => {
    const { id, arn } = finding();
    const event = events.attackSequence();
    const foreign = { uid: `arn:aws:ec2:${PLACE.region}:999999999999:instance/i-0cccccccccccccccc`, resourceType: 'EC2_INSTANCE', accountId: MEMBER, region: PLACE.region };
    const sequence = { resources: [foreign, { uid: 'i-0bbbbbbbbbbbbbbbb', resourceType: 'EC2_INSTANCE' }] };
    const { cases: [opened], ignored } = await open({ ...event, detail: { ...event.detail, id, arn, service: { detection: { sequence } } } });
    expect(opened?.executions.map(({ instanceId }) => instanceId)).to.deep.equal(['i-0bbbbbbbbbbbbbbbb']);
    expect(ignored).to.deep.equal(['i-0cccccccccccccccc: account "999999999999" is not monitored by this estate; add it to monitoredAccounts']);
  });

  for (const [what, event, kind] of [
    ['a DNS finding, whose instance is never called the actor', events.dnsFinding, 'guardduty'],
    ['a finding of the runtime agent', events.runtimeFinding, 'guardduty'],
    ['credentials of an instance that are used elsewhere', events.stolenCredentials, 'guardduty'],
    ['a tag on an instance', events.tagged, 'tag'],
  ] as const) {
    it(`opens a case for ${what}`, async () => {
      const given = event();
      const detail = 'id' in given.detail ? { ...given.detail, ...finding() } : { ...given.detail, eventID: `00000000-0000-4000-8000-${String(++cases).padStart(12, '0')}` };
      const { cases: [opened] } = await open({ ...given, detail });
      expect(opened?.executions.map(({ instanceId, started: isStarted }) => [instanceId, isStarted])).to.deep.equal([[INSTANCE, true]]);
      expect((await inputOf(opened!.executions[0]!.executionArn)).trigger.kind).to.equal(kind);
    });
  }

  it('opens a case for each finding that a person sends by the custom action', async () => {
    const [one, two] = [finding(), finding()];
    const { cases: opened } = await open(events.asffAction({ Id: one.arn }, { Id: two.arn, Severity: { Label: 'LOW' } }));
    expect(opened.map(({ caseId }) => caseId)).to.deep.equal([one.id, two.id]);
  });

  it('names the case of a finding that is not GuardDuty\'s by a hash, so that no product can join another case', async () => {
    const Id = `arn:aws:securityhub:${PLACE.region}:${MEMBER}:subscription/x/finding/../../case-1`;
    const { cases: [opened] } = await open(events.asffAction({ Id, ProductArn: 'arn:aws:securityhub:eu-central-1::product/other/other' }));
    expect(opened?.caseId).to.match(/^sh-[0-9a-f]{16}$/);
  });

  const nothing: readonly [why: string, event: unknown, RegExp][] = [
    ['of a severity under the estate\'s', events.guardDuty({ detail: { severity: 6.9 } }), /severity 6.9 is under 7/],
    ['whose instance was the target of the traffic', events.bruteForced(), /target of that traffic/],
    ['that is archived', events.guardDuty({ service: { archived: true } }), /archived/],
    ['that is a sample', events.guardDuty({ service: { additionalInfo: { sample: true } } }), /sample/],
    ['about a bucket', events.guardDuty({ detail: { type: 'Policy:S3/BucketPublicAccessGranted' } }), /names no instance/],
    ['about a person\'s key', events.guardDuty({ detail: { type: 'UnauthorizedAccess:IAMUser/ConsoleLoginSuccess.B' } }), /names no instance/],
    ['that Security Hub imported from another product', events.asffImported({ ProductName: 'Inspector' }), /product Inspector is none of GuardDuty/],
    ['that Security Hub imported with a low severity', events.asffImported({ Severity: { Label: 'LOW' } }), /severity LOW is none of CRITICAL, HIGH/],
    ['that somebody has suppressed', events.asffImported({ Workflow: { Status: 'SUPPRESSED' } }), /status is SUPPRESSED/],
    ['that Security Hub has archived', events.asffImported({ RecordState: 'ARCHIVED' }), /archived/],
    ['about another account\'s instance', events.asffImported({ AwsAccountId: '999999999999' }), /names no instance of its own account/],
    ['in OCSF of another product', events.ocsfImported({ metadata: { product: { name: 'Macie' } } }), /product Macie is none of/],
    ['in OCSF that is resolved', events.ocsfImported({ status: 'Resolved' }), /status is Resolved/],
    ['that is a tag of another key', events.tagged({ key: 'cleanroom:other' }), /the tag is not cleanroom:acquire/],
    ['that is a tag that was refused', events.tagged({ detail: { errorCode: 'Client.UnauthorizedOperation' } }), /refused/],
  ];
  for (const [why, event, says] of nothing) {
    it(`starts nothing for an event ${why}`, async () => {
      const before = await started();
      const { cases: opened, ignored } = await open(event);
      expect(opened).to.deep.equal([]);
      expect(ignored.join('\n')).to.match(says);
      expect(await started()).to.equal(before);
    });
  }

  it('starts nothing by a trigger that the estate has not turned on: only GuardDuty and the custom action are', async () => {
    const triggers = TriggerSettings.parse({});
    for (const event of [events.asffImported(), events.ocsfImported(), events.tagged()]) {
      expect(await open(event, { triggers }), event['detail-type']).to.deep.equal({ cases: [], ignored: ['the estate has this trigger turned off'] });
    }
    expect((await open(events.guardDuty({ detail: finding() }), { triggers })).cases).to.have.length(1);
    expect((await open(events.asffAction({ Id: finding().arn }), { triggers })).cases).to.have.length(1);
  });

  it('refuses an account or a Region outside the estate, in words, and writes nothing', async () => {
    for (const [edit, says] of [[{ account: '999999999999' }, /account "999999999999" is not monitored/], [{ region: 'us-east-1' }, /Region "us-east-1" is not handled here/]] as const) {
      const event = person(edit);
      const error = await rejectionOf(open(event));
      expect(error).to.include({ name: 'Cleanroom.OutsideEstate' });
      expect(error.message).to.match(says);
      expect((await rejectionOf(vault.read(caseKey(event.detail.caseId, 'event.json')))).name).to.equal('NoSuchKey');
    }
  });

  it('refuses what is no event of ours, in words that carry nothing of it', async () => {
    for (const event of [null, 'x', 7, [], {}, { source: 'aws.guardduty', 'detail-type': 'GuardDuty Finding' }, { source: 'attacker\u001b[2J', 'detail-type': 'x', detail: {} }, events.guardDuty({ detail: { id: '../../x' } })]) {
      const error = await rejectionOf(open(event));
      expect(error, JSON.stringify(event)).to.include({ name: 'Cleanroom.BadInput' });
      expect(error.message).to.match(/^[\x20-\x7e]*$/).and.match(/nothing was opened$/);
    }
  });

  it('takes a person\'s options over the estate\'s, but never leaves an approval out', async () => {
    const { cases: [opened] } = await open(person({ options: { containment: 'isolate', approval: 'none', volumes: ['vol-0123456789abcdef0'] } }), { options: { ...DEFAULT_OPTIONS, approval: 'required' } });
    const { options, requester } = await inputOf(opened!.executions[0]!.executionArn);
    expect(options).to.deep.equal({ ...DEFAULT_OPTIONS, approval: 'required', containment: 'isolate', volumes: ['vol-0123456789abcdef0'] });
    expect(requester).to.equal(REQUESTER);
  });

  it('adds an instance to a case that is open, and leaves the others as they are', async () => {
    const event = person();
    await open(event);
    const { cases: [opened] } = await open({ ...event, detail: { ...event.detail, instanceIds: [INSTANCE, 'i-0aaaaaaaaaaaaaaaa'] } });
    expect(opened?.executions.map(({ started: isStarted }) => isStarted)).to.deep.equal([false, true]);
    expect(Object.keys((await vault.caseOf(event.detail.caseId)).instances)).to.have.members([INSTANCE, 'i-0aaaaaaaaaaaaaaaa']);
  });

  it('starts a failed acquisition again where a person asks for it, once, and no other', async () => {
    const event = person();
    const { cases: [first] } = await open(event);
    const input = await inputOf(first!.executions[0]!.executionArn);
    await vault.record({ input, change: { kind: 'opened', at: AT, executionArn: executionOf(input) } });
    const again = { ...event, detail: { ...event.detail, again: true } };
    expect((await open(again)).cases[0]?.executions[0], 'it is running').to.include({ started: false });
    await vault.record({ input, change: { kind: 'closed', at: later(1), status: 'FAILED', problems: ['no capacity'] } });
    expect((await open(event)).cases[0]?.executions[0], 'nobody asked').to.include({ started: false });
    const [one, two] = await Promise.all([open(again), open(again)]);
    expect(one.cases[0]?.executions[0]?.executionArn).to.equal(two.cases[0]?.executions[0]?.executionArn).and.not.equal(first?.executions[0]?.executionArn);
    const second = await inputOf(one.cases[0]!.executions[0]!.executionArn);
    const { instances: { [second.instanceId]: begun } } = await vault.caseOf(second.caseId);
    expect(begun, 'the case knows it before the execution writes').to.include({ status: 'OPEN', executionArn: one.cases[0]!.executions[0]!.executionArn }).and.not.have.property('endedAt');
    await vault.record({ input: second, change: { kind: 'opened', at: later(2), executionArn: executionOf(second) } });
    const reopened = await vault.acquisitionOf(second);
    expect(reopened).to.include({ status: 'OPEN', executionArn: executionOf(second) }).and.not.have.property('endedAt');
    expect(reopened.problems).to.deep.equal(['no capacity']);
    await vault.record({ input: second, change: { kind: 'closed', at: later(3), status: 'COMPLETE' } });
    expect((await open(again)).cases[0]?.executions[0], 'it has its evidence').to.include({ started: false });
  });

  it('writes what an attacker chose inert: a title, a tag\'s value', async () => {
    const title = '\u202e\u001b[2J`reboot`"}\n{"forged":true}';
    const { cases: [opened] } = await open(events.guardDuty({ detail: { ...finding(), title } }));
    const { trigger } = await inputOf(opened!.executions[0]!.executionArn);
    expect(trigger.title?.escaped).to.be.a('string').and.match(/^[\x20-\x7e]*$/);
    expect(Buffer.from(trigger.title!.base64, 'base64').toString()).to.equal(title);
    const { cases: [tag] } = await open(events.tagged({ value: title, detail: { eventID: `00000000-0000-4000-8000-${String(++cases).padStart(12, '0')}` } }));
    expect((await inputOf(tag!.executions[0]!.executionArn)).reason).to.match(/^the tag cleanroom:acquire: [\x20-\x7e]*$/);
  });
});
