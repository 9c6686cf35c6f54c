import { createHash } from 'node:crypto';
import { expect } from 'chai';
import * as fc from 'fast-check';
import {
  AcquisitionInput, caseBusArn, CaseChange, type CaseCustodyEvent, chainCaseEvent, checkCaseCustody, DEFAULT_OPTIONS, executionArn, executionName,
  functionArn, functionName, HANDLERS, instanceKey, sealEvent, serializeChain, sessionDenialPolicyArn, UNDO_ACTIONS, UndoCall,
} from '../../modules/vocabulary/index.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const PLACE = { prefix: 'acme', partition: 'aws', account: '111122223333', region: 'eu-central-1' };
const INSTANCE = 'i-0123456789abcdef0';
const INPUT: AcquisitionInput = {
  schema: 'cleanroom/acquisition/v1',
  caseId: '2026-014',
  account: '444455556666',
  region: 'eu-central-1',
  instanceId: INSTANCE,
  requester: 'arn:aws:iam::111122223333:role/acme/acme-responder-eu-central-1',
  reason: 'beaconing to a known host',
  trigger: { kind: 'person', key: '2026-014' },
  options: DEFAULT_OPTIONS,
};
const AT = '2026-01-02T03:04:05.678Z';

describe('the input of an acquisition', () => {
  it('is strict: what is not known, not safe or out of bounds is refused, with its path', () => {
    expect(AcquisitionInput.parse(INPUT)).to.deep.equal(INPUT);
    const wrong: [path: string, input: unknown][] = [
      ['caseId', { ...INPUT, caseId: '../x' }],
      ['account', { ...INPUT, account: '44445555666' }],
      ['region', { ...INPUT, region: 'eu-central-1/..' }],
      ['instanceId', { ...INPUT, instanceId: 'i-0123456789abcdef0; rm' }],
      ['requester', { ...INPUT, requester: '' }],
      ['reason', { ...INPUT, reason: 'a\u202eb' }],
      ['reason', { ...INPUT, reason: 'x'.repeat(1025) }],
      ['trigger.kind', { ...INPUT, trigger: { kind: 'email', key: 'k' } }],
      ['trigger.severity', { ...INPUT, trigger: { ...INPUT.trigger, severity: 11 } }],
      ['options.approvalMinutes', { ...INPUT, options: { ...DEFAULT_OPTIONS, approvalMinutes: 0 } }],
      ['options.deadlineMinutes', { ...INPUT, options: { ...DEFAULT_OPTIONS, deadlineMinutes: 1e6 } }],
      ['options.volumes', { ...INPUT, options: { ...DEFAULT_OPTIONS, volumes: [] } }],
      ['', { ...INPUT, extra: true }],
    ];
    for (const [path, input] of wrong) {
      const parsed = AcquisitionInput.safeParse(input);
      expect(parsed.error?.issues.map((issue) => issue.path.join('.')), JSON.stringify(input)).to.deep.equal([path]);
    }
  });
});

describe('the name of an execution', () => {
  it('is the same for the same finding and instance, whoever reports it, and another for any other', () => {
    const finding = { ...INPUT, trigger: { kind: 'guardduty', key: 'guardduty:abc' } } as const;
    const name = executionName(finding, sha256);
    expect(name).to.match(/^2026-014-i-0123456789abcdef0-[0-9a-f]{8}$/);
    expect(executionName({ ...finding, trigger: { kind: 'securityhub-import', key: 'guardduty:abc' } }, sha256)).to.equal(name);
    expect(executionName({ ...finding, trigger: { ...finding.trigger, key: 'guardduty:abd' } }, sha256)).to.not.equal(name);
    expect(executionName({ ...finding, caseId: '2026-015' }, sha256)).to.not.equal(name);
    expect(executionName({ ...finding, instanceId: 'i-0123456789abcdef1' }, sha256)).to.not.equal(name);
  });

  it('is one that Step Functions takes, and tells long cases apart that begin alike', () => {
    const caseIds = fc.stringMatching(/^[A-Za-z0-9._-]{1,64}$/).filter((text) => text !== '.' && text !== '..');
    fc.assert(fc.property(caseIds, fc.string({ minLength: 1 }), (caseId, key) => {
      expect(executionName({ caseId, instanceId: INSTANCE, trigger: { kind: 'person', key } }, sha256)).to.match(/^[A-Za-z0-9._-]{1,80}$/);
    }));
    const long = 'c'.repeat(60);
    expect(executionName({ ...INPUT, caseId: `${long}1` }, sha256)).to.not.equal(executionName({ ...INPUT, caseId: `${long}2` }, sha256));
  });

  it('is never made of an unsafe case or instance', () => {
    expect(() => executionName({ ...INPUT, caseId: 'a/b' }, sha256)).to.throw();
    expect(() => executionName({ ...INPUT, instanceId: 'i-*' }, sha256)).to.throw();
  });
});

describe('names that cross an account', () => {
  it('are built from the place alone', () => {
    expect(caseBusArn(PLACE)).to.equal('arn:aws:events:eu-central-1:111122223333:event-bus/acme-cases');
    expect(functionArn(PLACE, 'open-case')).to.equal('arn:aws:lambda:eu-central-1:111122223333:function:acme-open-case');
    expect(executionArn(PLACE, 'x')).to.equal('arn:aws:states:eu-central-1:111122223333:execution:acme-acquisition:x');
    expect(instanceKey('c-1', INSTANCE, 'acquisition.json')).to.equal(`c-1/instance/${INSTANCE}/acquisition.json`);
  });

  it('are inside Lambda\'s 64 characters for the longest prefix', () => {
    for (const handler of HANDLERS) expect(functionName({ prefix: 'x'.repeat(12) }, handler).length).to.be.at.most(64);
  });
});

describe('a change to a case', () => {
  it('is one of a few facts; what is not known is refused', () => {
    expect(CaseChange.safeParse({ kind: 'stage', at: AT, stage: 'preserve', status: 'PRESERVING' }).success).to.equal(true);
    for (const change of [
      { kind: 'stage', at: AT, stage: 'preserve', status: 'COMPLETE' },
      { kind: 'closed', at: AT, status: 'OPEN' },
      { kind: 'deleted', at: AT },
      { kind: 'opened', at: 'yesterday', executionArn: executionArn(PLACE, 'x') },
      { kind: 'touched', at: AT, calls: [] },
      { kind: 'touched', at: AT, calls: [{ action: 'CreateSnapshots', account: '444455556666', region: 'eu-central-1', resources: [], state: 's', enteredAt: AT }] },
    ]) {
      expect(CaseChange.safeParse(change).success, JSON.stringify(change)).to.equal(false);
    }
  });
});

describe('an undone step', () => {
  it('is named by its place or by what was done, by one of the two', () => {
    const undone = (facts: object) => CaseChange.safeParse({ kind: 'undone', at: AT, ...facts }).success;
    expect([undone({ step: 0 }), undone({ what: 'a' }), undone({}), undone({ step: 0, what: 'a' })]).to.deep.equal([true, true, false, false]);
  });
});

describe('an undo', () => {
  const undo = { action: 'ec2:modifyInstanceAttribute', account: '444455556666', region: 'eu-central-1', parameters: { InstanceId: INSTANCE } };

  it('is one of a list in which nothing deletes evidence, stops or terminates', () => {
    expect(UndoCall.safeParse(undo).success).to.equal(true);
    for (const action of ['ec2:terminateInstances', 'ec2:deleteSnapshot', 'ec2:stopInstances', 's3:deleteObject', 'ec2:deleteVolume', 'ec2:detachVolume']) {
      expect(UndoCall.safeParse({ ...undo, action }).success, action).to.equal(false);
    }
    expect(UNDO_ACTIONS.filter((action) => /delete|terminate|stop|detach|remove/i.test(action))).to.deep.equal(['iam:detachRolePolicy']);
  });

  it('takes away the denial of sessions, and no other policy', () => {
    const detachment = (PolicyArn: unknown) => UndoCall.safeParse({ ...undo, action: 'iam:detachRolePolicy', parameters: { RoleName: 'r', PolicyArn } }).success;
    const arn = sessionDenialPolicyArn({ prefix: 'acme', partition: 'aws' }, undo.account);
    expect(detachment(arn)).to.equal(true);
    for (const other of ['arn:aws:iam::aws:policy/AdministratorAccess', undefined, [arn], `${arn}x`, arn.replace('/acme/', '/other/'), arn.replace('policy/acme', 'policy')]) expect(detachment(other), String(other)).to.equal(false);
  });

  it('retires the grants of a case that the acquisition role may retire, and no other', () => {
    const retirement = (edit: object) => UndoCall.safeParse({
      ...undo,
      action: 'kms:retireGrant',
      parameters: { KeyId: 'k', Name: `cleanroom-${INSTANCE}-0123456789abcdef`, RetiringPrincipal: `arn:aws:iam::${undo.account}:role/acme/acme-acquisition`, ...edit },
    }).success;
    expect(retirement({})).to.equal(true);
    for (const edit of [{ Name: 'forensic-acquisition' }, { Name: undefined }, { RetiringPrincipal: 'arn:aws:iam::999999999999:role/r' }, { RetiringPrincipal: undefined }]) expect(retirement(edit), JSON.stringify(edit)).to.equal(false);
  });

  it('takes away the tags that a denial reads, and no other tag', () => {
    const untag = (TagKeys: unknown) => UndoCall.safeParse({ ...undo, action: 'iam:untagRole', parameters: { RoleName: 'r', TagKeys } }).success;
    expect(untag(['CleanroomContained0'])).to.equal(true);
    for (const keys of [['Owner'], ['CleanroomContained0', 'Owner'], [], undefined, 'CleanroomContained0', ['CleanroomContainedX']]) expect(untag(keys), String(keys)).to.equal(false);
  });
});

describe('the custody log of an instance', () => {
  const event = (index: number) => ({
    time: AT, caseId: 'c-1', instanceId: INSTANCE, executionArn: executionArn(PLACE, 'x'), changeId: sha256(String(index)), actor: 'acme', action: `ec2:Call${index}`, detail: { index },
  });
  const chain: CaseCustodyEvent[] = [];
  for (let index = 0; index < 3; index++) chain.push(chainCaseEvent(chain, event(index), sha256));

  it('is a chain that checks', () => {
    expect(checkCaseCustody(serializeChain(chain), sha256)).to.deep.equal({ events: chain, problems: [] });
  });

  it('shows an event that was left out or rewritten with a fresh hash', () => {
    expect(checkCaseCustody(serializeChain([chain[0]!, chain[2]!]), sha256).problems).to.not.deep.equal([]);
    const forged = [chain[0]!, sealEvent({ ...chain[1]!, actor: 'somebody' }, sha256), chain[2]!];
    expect(checkCaseCustody(serializeChain(forged), sha256).problems).to.deep.equal(['line 3: does not follow the line before it']);
  });
});
