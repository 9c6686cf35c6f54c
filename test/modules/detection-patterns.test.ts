import { EventBridgeClient, PutRuleCommand } from '@aws-sdk/client-eventbridge';
import { expect } from 'chai';
import { detectionPatterns, endedFromOutsidePattern, type DetectionOptions } from '../../modules/detection/patterns.ts';
import { normalize } from '../../modules/acquisition-workflow/handlers/open-case/normalize.ts';
import { TriggerSettings } from '../../modules/vocabulary/index.ts';
import { disagreementsWithMoto, matches } from '../helpers/event-pattern.ts';
import { type Moto, startMoto } from '../helpers/moto.ts';
import * as events from '../workflow/events.ts';

const OPTIONS: DetectionOptions = { naming: { prefix: 'acme', partition: 'aws' }, account: '111122223333', region: 'eu-central-1', triggers: TriggerSettings.parse({}), kind: 'security' };
const ALL_ON = TriggerSettings.parse({ securityHubImports: { enabled: true }, securityHubFindings: { enabled: true }, tag: { enabled: true } });
const security = detectionPatterns({ ...OPTIONS, triggers: ALL_ON });
const member = detectionPatterns({ ...OPTIONS, triggers: ALL_ON, kind: 'member' });
const rulesFor = (event: unknown): string[] => Object.entries({ ...security, ...member }).filter(([, pattern]) => matches(pattern, event)).map(([name]) => name);

describe('the patterns of detection', () => {
  it('are those of GuardDuty and the custom action alone, unless the estate turns more on', () => {
    expect(Object.keys(detectionPatterns(OPTIONS))).to.deep.equal(['case-guardduty', 'case-action']);
    expect(Object.keys(detectionPatterns({ ...OPTIONS, kind: 'member' }))).to.deep.equal([]);
    expect(Object.keys(detectionPatterns({ ...OPTIONS, triggers: TriggerSettings.parse({ guardduty: { enabled: false }, securityHubAction: { enabled: false } }) }))).to.deep.equal([]);
    expect([...Object.keys(security), ...Object.keys(member)]).to.deep.equal(['case-guardduty', 'case-securityhub', 'case-securityhub-v2', 'case-action', 'case-tag']);
  });

  const through: readonly [what: string, event: unknown, rule: string][] = [
    ['a finding of an instance', events.guardDuty(), 'case-guardduty'],
    ['a DNS finding', events.dnsFinding(), 'case-guardduty'],
    ['a finding of the runtime agent', events.runtimeFinding(), 'case-guardduty'],
    ['credentials used elsewhere', events.stolenCredentials(), 'case-guardduty'],
    ['a sequence of attacks', events.attackSequence(), 'case-guardduty'],
    ['a finding that Security Hub imported', events.asffImported(), 'case-securityhub'],
    ['a finding that a person sent', events.asffAction(), 'case-action'],
    ['a finding in OCSF', events.ocsfImported(), 'case-securityhub-v2'],
    ['a tag on an instance', events.tagged(), 'case-tag'],
  ];
  for (const [what, event, rule] of through) {
    it(`let ${what} through, by one rule, and open-case takes it`, () => {
      expect(rulesFor(event)).to.deep.equal([rule]);
      expect(normalize(event, ALL_ON).found.every((one) => 'request' in one)).to.equal(true);
    });
  }

  for (const [what, event] of [
    ['a finding of a lower severity', events.guardDuty({ detail: { severity: 6.9 } })],
    ['a finding about a bucket', events.guardDuty({ detail: { type: 'Policy:S3/BucketPublicAccessGranted' } })],
    ['a finding about a person', events.guardDuty({ detail: { type: 'UnauthorizedAccess:IAMUser/ConsoleLoginSuccess.B' } })],
    ['a finding of another product', events.asffImported({ ProductName: 'Inspector' })],
    ['a finding of low severity in ASFF', events.asffImported({ Severity: { Label: 'LOW' } })],
    ['an archived finding', events.asffImported({ RecordState: 'ARCHIVED' })],
    ['a suppressed finding', events.asffImported({ Workflow: { Status: 'SUPPRESSED' } })],
    ['a finding about a bucket in ASFF', events.asffImported({ Resources: [{ Type: 'AwsS3Bucket', Id: 'arn:aws:s3:::b' }] })],
    ['another custom action', { ...events.asffAction(), resources: [events.actionArn('other')] }],
    ['a resolved finding in OCSF', events.ocsfImported({ status: 'Resolved' })],
    ['another tag', events.tagged({ key: 'Name' })],
    ['a tag that was refused', events.tagged({ detail: { errorCode: 'Client.UnauthorizedOperation' } })],
    ['a tag on a volume', events.tagged({ detail: { requestParameters: { resourcesSet: { items: [{ resourceId: 'vol-0123456789abcdef0' }] }, tagSet: { items: [{ key: 'cleanroom:acquire' }] } } } })],
  ] as const) {
    it(`stop ${what}`, () => expect(rulesFor(event)).to.deep.equal([]));
  }

  it('follow the estate: severity, products, tag key', () => {
    const triggers = TriggerSettings.parse({ guardduty: { minimumSeverity: 4 }, securityHubImports: { enabled: true, severities: ['MEDIUM'], products: ['Inspector'] }, tag: { enabled: true, key: 'ir' } });
    const own = { ...detectionPatterns({ ...OPTIONS, triggers }), ...detectionPatterns({ ...OPTIONS, triggers, kind: 'member' }) };
    expect(matches(own['case-guardduty']!, events.guardDuty({ detail: { severity: 4 } }))).to.equal(true);
    expect(matches(own['case-securityhub']!, events.asffImported({ ProductName: 'Inspector', Severity: { Label: 'MEDIUM' } }))).to.equal(true);
    expect(matches(own['case-securityhub']!, events.asffImported())).to.equal(false);
    expect(matches(own['case-tag']!, events.tagged({ key: 'ir' }))).to.equal(true);
  });

  it('tell an execution that may have left its record open, and that of another state machine not', () => {
    const arn = 'arn:aws:states:eu-central-1:111122223333:stateMachine:acme-acquisition';
    const ended = (status: string, stateMachineArn = arn) => ({ source: 'aws.states', 'detail-type': 'Step Functions Execution Status Change', detail: { status, stateMachineArn } });
    const pattern = endedFromOutsidePattern(arn);
    expect(['ABORTED', 'TIMED_OUT', 'FAILED', 'SUCCEEDED', 'RUNNING'].filter((status) => matches(pattern, ended(status)))).to.deep.equal(['ABORTED', 'TIMED_OUT', 'FAILED']);
    expect(matches(pattern, ended('ABORTED', `${arn}2`))).to.equal(false);
  });

  it('are matched here as moto matches them, wherever moto can', async function () {
    this.timeout(120_000); // Python takes its time to load moto
    const { asked, disagreements } = await disagreementsWithMoto();
    expect(asked).to.be.above(60);
    expect(disagreements).to.deep.equal([]);
  });

  describe('at EventBridge, as moto plays it', () => {
    let moto: Moto;
    before(async () => {
      moto = await startMoto();
    });
    after(() => moto?.stop());

    it('are taken as patterns, and are inside its 4,096 characters', async () => {
      const client = new EventBridgeClient({ endpoint: moto.endpoint, region: 'eu-central-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } });
      for (const [Name, pattern] of Object.entries({ ...security, ...member })) {
        const EventPattern = JSON.stringify(pattern);
        expect(EventPattern.length, Name).to.be.below(4096);
        expect((await client.send(new PutRuleCommand({ Name, EventPattern }))).RuleArn).to.contain(Name);
      }
      client.destroy();
    });
  });
});
