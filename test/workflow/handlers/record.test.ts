import { ListObjectVersionsCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { expect } from 'chai';
import { caseKey, instanceKey, type CaseChange } from '../../../modules/vocabulary/index.ts';
import { record } from '../../../modules/acquisition-workflow/handlers/record/record.ts';
import { updateRecord, type Records } from '../../../modules/acquisition-workflow/handlers/records.ts';
import { rejectionOf } from '../../helpers/rejection.ts';
import { anInput, AT, executionOf, INSTANCE, later, MEMBER, opened, PLACE, startVault, VOLUME, type Vault } from './support.ts';

describe('record', () => {
  let vault: Vault;
  let cases = 0;
  /** A case of its own for each test. */
  const fresh = () => {
    const caseId = `case-r${++cases}`;
    return anInput({ caseId, trigger: { kind: 'person', key: caseId } });
  };
  before(async () => {
    vault = await startVault();
  });
  after(() => vault.stop());

  it('writes an acquisition down as soon as it is opened: the case, the instance, and the first event of custody', async () => {
    const input = fresh();
    await vault.record({ input, change: opened(input) });
    const acquisition = await vault.acquisitionOf(input);
    expect(acquisition).to.include({ status: 'OPEN', stage: 'open', executionArn: executionOf(input), requester: input.requester, openedAt: AT });
    const { instances, trigger, options } = await vault.caseOf(input.caseId);
    expect({ trigger, options }).to.deep.equal({ trigger: input.trigger, options: input.options });
    expect(instances[INSTANCE]).to.include({ account: MEMBER, region: PLACE.region, status: 'OPEN', executionArn: executionOf(input) });
    const [event] = await vault.custodyOf(input);
    expect(event).to.include({ action: 'opened', time: AT, actor: input.requester, caseId: input.caseId, instanceId: INSTANCE });
  });

  it('keeps every fact of a volume: size, key, snapshots as they change, collector, manifest, problems', async () => {
    const input = fresh();
    const keyArn = `arn:aws:kms:${PLACE.region}:${MEMBER}:key/1`;
    const snapshot = { id: 'snap-0123456789abcdef0', purpose: 'evidence', account: PLACE.account, region: PLACE.region, keyArn, kept: true } as const;
    const manifest = { key: 'k', sha256: 'a'.repeat(64), imageSha256: 'b'.repeat(64), status: 'COMPLETE' } as const;
    await vault.record({
      input,
      change: [
        opened(input),
        { kind: 'volume', at: later(1), volumeId: VOLUME, status: 'SNAPSHOT', sizeBytes: 8 * 2 ** 30, encrypted: true, keyArn },
        { kind: 'snapshot', at: later(2), volumeId: VOLUME, snapshot },
        { kind: 'volume', at: later(3), volumeId: VOLUME, status: 'COLLECTING', collectorInstanceId: 'i-0aaaaaaaaaaaaaaaa', problems: ['slow'] },
        { kind: 'snapshot', at: later(4), volumeId: VOLUME, snapshot: { ...snapshot, lockedUntil: later(9) } },
        { kind: 'volume', at: later(5), volumeId: VOLUME, status: 'COMPLETE', manifest, problems: ['slower'] },
      ],
    });
    const { volumes, updatedAt } = await vault.acquisitionOf(input);
    expect(volumes[VOLUME]).to.deep.equal({
      status: 'COMPLETE', sizeBytes: 8 * 2 ** 30, encrypted: true, keyArn, collectorInstanceId: 'i-0aaaaaaaaaaaaaaaa', manifest,
      snapshots: [{ ...snapshot, lockedUntil: later(9) }], problems: ['slow', 'slower'],
    });
    expect(updatedAt).to.equal(later(5));
    expect((await vault.caseOf(input.caseId)).instances[INSTANCE]?.volumes).to.deep.equal({ COMPLETE: 1 });
  });

  it('stays closed whatever of the same execution comes late: its opening, a question, a decision, a stage', async () => {
    const input = fresh();
    await vault.record({ input, change: [opened(input), { kind: 'closed', at: later(9), status: 'CANCELLED' }] });
    const lateOnes: CaseChange[] = [
      opened(input, later(3)),
      { kind: 'stage', at: later(4), stage: 'image', status: 'ACQUIRING' },
      { kind: 'approval-asked', at: later(5), token: 'T', expiresAt: later(60) },
      { kind: 'approval-decided', at: later(6), decision: 'expired' },
    ];
    for (const change of lateOnes) {
      await vault.record({ input, change });
      expect(await vault.acquisitionOf(input), change.kind).to.include({ status: 'CANCELLED', stage: 'close', endedAt: later(9) });
      expect((await vault.caseOf(input.caseId)).instances[INSTANCE], change.kind).to.include({ status: 'CANCELLED' });
    }
    expect(JSON.stringify(await vault.acquisitionOf(input))).not.to.contain('"token"');
    expect((await vault.custodyOf(input)).map(({ action }) => action), 'it is told all the same').to.deep.equal(['opened', 'closed', 'opened', 'approval-asked', 'approval-decided']);
  });

  it('takes what is done to an instance behind hundreds of load balancers', async () => {
    const input = fresh();
    const many = Array.from({ length: 450 }, (_, index) => index);
    const done = many.map((index): CaseChange => ({ kind: 'done', at: later(1), what: `taken out of target group ${index}` }));
    await vault.record({ input, change: [opened(input), ...done] });
    const calls = many.map((index) => ({ action: 'elasticloadbalancing:DeregisterTargets', account: MEMBER, region: PLACE.region, resources: [INSTANCE, `group-${index}`], state: 's', enteredAt: AT }));
    await vault.record({ input, change: { kind: 'touched', at: later(2), calls } });
    expect((await vault.acquisitionOf(input)).done).to.have.length(450);
    expect((await vault.custodyOf(input)).filter(({ action }) => action === 'elasticloadbalancing:DeregisterTargets')).to.have.length(450);
  });

  it('records each call that touched evidence with its request id, or with what finds it in CloudTrail', async () => {
    const input = fresh();
    const call = { account: MEMBER, region: PLACE.region, state: 'Snapshot all volumes at once', enteredAt: later(1), endedAt: later(2) };
    await vault.record({
      input,
      change: [
        opened(input),
        {
          kind: 'touched',
          at: later(2),
          calls: [
            { ...call, action: 'ec2:CreateSnapshots', resources: ['snap-0123456789abcdef0'] },
            { ...call, action: 's3:GetObject', resources: ['key'], requestId: 'REQUEST1' },
          ],
        },
      ],
    });
    const [, snapshots, read] = await vault.custodyOf(input);
    expect(snapshots).to.deep.include({ action: 'ec2:CreateSnapshots', time: later(1) });
    expect(snapshots?.detail).to.deep.equal({
      account: MEMBER, region: PLACE.region, state: 'Snapshot all volumes at once', resources: ['snap-0123456789abcdef0'], enteredAt: later(1), endedAt: later(2),
      findInCloudTrail: {
        eventSource: 'ec2.amazonaws.com', eventName: 'CreateSnapshots', account: MEMBER, region: PLACE.region, resources: ['snap-0123456789abcdef0'], from: later(1), to: later(2),
      },
    });
    expect(read?.detail).to.include({ requestId: 'REQUEST1' }).and.to.not.have.property('findInCloudTrail');
  });

  it('writes of each call once what CloudTrail has of it, beside the call\'s own event, and refuses a trace of another', async () => {
    const input = fresh();
    const call = { account: MEMBER, region: PLACE.region, state: 's', resources: ['snap-0123456789abcdef0'], enteredAt: later(1), endedAt: later(2), action: 'ec2:CreateSnapshots' };
    await vault.record({ input, change: [opened(input), { kind: 'touched', at: later(2), calls: [call] }, { kind: 'closed', at: later(3), status: 'COMPLETE' }] });
    const made = (await vault.custodyOf(input))[1]!;
    const trace = { sequence: 1, hash: made.hash, action: made.action, found: [{ eventId: 'e-1', requestId: 'r-1', eventTime: later(1) }] };
    const traced = (at: number, edit: object = {}): CaseChange => ({ kind: 'traced', at: later(at), traces: [{ ...trace, ...edit }] });
    await vault.record({ input, change: traced(9, { hash: 'a'.repeat(64) }) });
    await vault.record({ input, change: traced(9, { sequence: 0 }) });
    expect(await vault.custodyOf(input)).to.have.length(3);
    await vault.record({ input, change: traced(10) });
    await vault.record({ input, change: traced(11, { found: [], why: 'a search that ran beside it found nothing' }) });
    const log = await vault.custodyOf(input);
    expect(log).to.have.length(4);
    expect(log[3]).to.deep.include({ action: 'request-id-found', time: later(10), detail: { of: 1, ofHash: made.hash, ofAction: 'ec2:CreateSnapshots', cloudTrail: trace.found } });
    expect(await vault.acquisitionOf(input), 'what ended stays ended').to.include({ status: 'COMPLETE', endedAt: later(3) });
  });

  it('loses nothing when many write at once: not a change, not an event, and the chain holds', async () => {
    const input = fresh();
    await vault.record({ input, change: opened(input) });
    const volumes = Array.from({ length: 8 }, (_, index) => `vol-0000000000000000${index}`);
    const changes = volumes.map((volumeId, index): CaseChange => ({ kind: 'volume', at: later(index), volumeId, status: 'COLLECTING' }));
    await Promise.all(changes.map((change) => vault.record({ input, change })));
    const acquisition = await vault.acquisitionOf(input);
    expect(Object.keys(acquisition.volumes).toSorted()).to.deep.equal(volumes);
    expect(acquisition.applied).to.have.length(9);
    expect((await vault.custodyOf(input)).map(({ detail }) => detail['volumeId'])).to.have.members([undefined, ...volumes]);
    expect((await vault.caseOf(input.caseId)).instances[INSTANCE]).to.deep.include({ revision: 9, volumes: { COLLECTING: 8 } });
  });

  it('keeps the case record of several instances that are written at once', async () => {
    const { caseId } = fresh();
    const inputs = Array.from({ length: 4 }, (_, index) => anInput({ caseId, instanceId: `i-0000000000000000${index}` }));
    await Promise.all(inputs.map((input) => vault.record({ input, change: opened(input) })));
    expect(Object.keys((await vault.caseOf(caseId)).instances).toSorted()).to.deep.equal(inputs.map(({ instanceId }) => instanceId));
  });

  it('never lets an earlier state overtake a later one in the case record', async () => {
    const input = fresh();
    await vault.record({ input, change: opened(input) });
    const key = instanceKey(input.caseId, INSTANCE, 'acquisition.json');
    // A writer that stops between the acquisition's record and the case's, while another one writes both.
    const { records } = vault.dependencies;
    const slow: Records = {
      read: async (name) => {
        if (name === caseKey(input.caseId, 'case.json')) await vault.record({ input, change: { kind: 'stage', at: later(2), stage: 'image', status: 'ACQUIRING' } });
        return await records.read(name);
      },
      write: (name, text, seen) => records.write(name, text, seen),
    };
    await record({ ...vault.dependencies, records: slow })({ input, change: { kind: 'stage', at: later(1), stage: 'preserve', status: 'PRESERVING' } });
    expect(JSON.parse(await vault.read(key))).to.include({ stage: 'image' });
    expect((await vault.caseOf(input.caseId)).instances[INSTANCE]).to.include({ stage: 'image', status: 'ACQUIRING', revision: 3 });
  });

  it('applies a change that is sent again once', async () => {
    const input = fresh();
    const step: CaseChange = { kind: 'done', at: later(1), what: 'turned termination protection on' };
    const first = await vault.record({ input, change: [opened(input), step] });
    expect(await vault.record({ input, change: [opened(input), step] })).to.deep.equal(first);
    await vault.record({ input, change: step });
    expect((await vault.acquisitionOf(input)).done).to.deep.equal([{ at: later(1), what: 'turned termination protection on' }]);
    expect((await vault.custodyOf(input)).map(({ action }) => action)).to.deep.equal(['opened', 'done']);
  });

  it('undoes the steps of a name that are not undone yet, and leaves the others', async () => {
    const input = anInput({ caseId: 'case-undone' });
    const done = (second: number, what: string): CaseChange => ({ kind: 'done', at: later(second), what });
    const undone = (second: number): CaseChange => ({ kind: 'undone', at: later(second), what: 'a grant' });
    await vault.record({ input, change: [opened(input), done(1, 'a grant'), undone(2), done(3, 'a grant'), done(4, 'other'), undone(5)] });
    expect((await vault.acquisitionOf(input)).done.map(({ undoneAt }) => undoneAt)).to.deep.equal([later(2), later(5), undefined]);
  });

  it('takes the token of an approval out as soon as there is a decision, and never puts it into custody', async () => {
    const input = fresh();
    await vault.record({ input, change: [opened(input), { kind: 'approval-asked', at: later(1), token: 'TOKEN', expiresAt: later(600) }] });
    expect(await vault.acquisitionOf(input)).to.deep.include({ status: 'AWAITING_APPROVAL', approvals: [{ askedAt: later(1), expiresAt: later(600), token: 'TOKEN' }] });
    await vault.record({ input, change: { kind: 'approval-decided', at: later(2), decision: 'approved', by: 'arn:aws:iam::111122223333:role/lead', reason: 'go' } });
    expect((await vault.acquisitionOf(input)).approvals).to.deep.equal([
      { askedAt: later(1), expiresAt: later(600), decision: 'approved', decidedAt: later(2), by: 'arn:aws:iam::111122223333:role/lead', reason: 'go' },
    ]);
    expect(JSON.stringify(await vault.custodyOf(input))).to.contain('approval-asked').and.not.to.contain('TOKEN');
  });

  it('writes the summary of every volume to the audit log when it closes, with the fields of the AWS pipeline', async () => {
    const input = fresh();
    const keyArn = `arn:aws:kms:${PLACE.region}:${MEMBER}:key/1`;
    const snapshot = { account: PLACE.account, region: PLACE.region, kept: true };
    vault.audited.length = 0;
    await vault.record({
      input,
      change: [
        opened(input),
        {
          kind: 'volume', at: later(1), volumeId: VOLUME, status: 'COMPLETE', keyArn, zone: 'eu-central-1a', collectorInstanceId: 'i-0aaaaaaaaaaaaaaaa',
          workVolumeId: 'vol-0bbbbbbbbbbbbbbbb', imageLocation: 's3://b/k',
        },
        { kind: 'snapshot', at: later(2), volumeId: VOLUME, snapshot: { ...snapshot, id: 'snap-0123456789abcdef0', purpose: 'source' } },
        { kind: 'snapshot', at: later(3), volumeId: VOLUME, snapshot: { ...snapshot, id: 'snap-0123456789abcdef1', purpose: 'evidence', keyArn: `${keyArn}2` } },
        { kind: 'left-behind', at: later(4), leftBehind: [{ resource: 'snap-0123456789abcdef0', why: 'kept as evidence' }] },
        { kind: 'closed', at: later(5), status: 'COMPLETE' },
      ],
    });
    expect(vault.audited).to.deep.equal([
      {
        time: AT, event: 'case.closed', level: 'info', caseId: input.caseId, instanceId: INSTANCE, account: MEMBER, region: PLACE.region,
        executionArn: executionOf(input), requester: input.requester, caseStatus: 'COMPLETE', caseSeconds: 5, caseUsd: 0, sourceVolumeId: VOLUME, status: 'COMPLETE', sourceKeyArn: keyArn,
        sourceSnapshotId: 'snap-0123456789abcdef0', copiedSnapshotId: 'snap-0123456789abcdef1', evidenceKeyArn: `${keyArn}2`,
        forensicVolumeId: 'vol-0bbbbbbbbbbbbbbbb', availabilityZone: 'eu-central-1a', collectorInstanceId: 'i-0aaaaaaaaaaaaaaaa', DiskImageLocation: 's3://b/k', problems: [],
      },
    ]);
    expect((await vault.caseOf(input.caseId)).instances[INSTANCE]).to.deep.include({
      status: 'COMPLETE', endedAt: later(5), leftBehind: [{ resource: 'snap-0123456789abcdef0', why: 'kept as evidence' }],
    });
  });

  it('closes with the time and money that it took, stage by stage: from the last opening, and never with less than nothing', async () => {
    const input = fresh();
    const stages = (from: number): CaseChange[] => [
      { kind: 'stage', at: later(from), stage: 'snapshot' }, { kind: 'stage', at: later(from + 10), stage: 'snapshot' }, { kind: 'stage', at: later(from + 30), stage: 'image' },
    ];
    const estimate: CaseChange = { kind: 'estimate', at: later(1), estimate: { seconds: 200, usd: 4, stages: [] } };
    await vault.record({ input, change: [opened(input), estimate, ...stages(20), { kind: 'closed', at: later(100), status: 'FAILED' }] });
    const stage = (name: string, seconds: number) => ({ stage: name, seconds, usd: seconds / 50 });
    expect((await vault.acquisitionOf(input)).actual).to.deep.equal({ seconds: 100, usd: 2, stages: [stage('open', 20), stage('snapshot', 30), stage('image', 50)] });
    expect((await vault.caseOf(input.caseId)).instances[INSTANCE]!.actual).to.deep.equal({ seconds: 100, usd: 2 });

    await vault.record({ input, change: [{ kind: 'opened', at: later(1000), executionArn: `${executionOf(input)}-again` }, ...stages(1010)] });
    expect((await vault.acquisitionOf(input)).actual, 'while it runs again').to.equal(undefined);
    await vault.record({ input, change: { kind: 'closed', at: later(1100), status: 'COMPLETE' } });
    expect((await vault.acquisitionOf(input)).actual).to.deep.equal({ seconds: 100, usd: 2, stages: [stage('open', 10), stage('snapshot', 30), stage('image', 60)] });

    const early = fresh();
    await vault.record({ input: early, change: [opened(early), { kind: 'closed', at: later(-5), status: 'CANCELLED' }] });
    expect((await vault.acquisitionOf(early)).actual).to.deep.include({ seconds: 0, usd: 0 });
  });

  it('says so where nothing was opened, and writes nothing', async () => {
    const input = fresh();
    const error = await rejectionOf(vault.record({ input, change: { kind: 'stage', at: AT, stage: 'preserve' } }));
    expect(error).to.include({ name: 'Cleanroom.RecordMissing' });
    expect(error.message).to.contain('the first change of an acquisition is "opened"');
    const { Versions } = await vault.s3.send(new ListObjectVersionsCommand({ Bucket: vault.bucket, Prefix: `${input.caseId}/` }));
    expect(Versions ?? []).to.deep.equal([]);
  });

  it('never writes over a record or a custody log that somebody damaged', async () => {
    for (const [name, text] of [['acquisition.json', '{"schema":"cleanroom/acquisition-record/v9"}'], ['acquisition.json', 'torn {'], ['custody.jsonl', '{}\n']] as const) {
      const input = fresh();
      await vault.record({ input, change: opened(input) });
      const key = instanceKey(input.caseId, INSTANCE, name);
      await vault.s3.send(new PutObjectCommand({ Bucket: vault.bucket, Key: key, Body: text, ChecksumAlgorithm: 'CRC32' }));
      const error = await rejectionOf(vault.record({ input, change: { kind: 'done', at: later(1), what: 'a step' } }));
      expect(error, key).to.include({ name: 'Cleanroom.RecordDamaged' });
      expect(await vault.read(key)).to.equal(text);
    }
  });

  it('refuses a change or an input that is not of the vocabulary', async () => {
    const input = fresh();
    for (const event of [{ input, change: { kind: 'deleted', at: AT } }, { input: { ...input, caseId: '../x' }, change: opened(input) }, { input, change: [] }, {}]) {
      expect((await rejectionOf(vault.record(event as never))).name).to.equal('ZodError');
    }
  });

  it('gives up, in words, on a record that others never leave alone', async () => {
    let reads = 0;
    const contended: Records = { read: () => Promise.resolve({ text: `${reads++}`, etag: 'e' }), write: () => Promise.resolve(undefined) };
    const error = await rejectionOf(updateRecord(contended, 'k', () => 'mine', { delay: () => Promise.resolve() }));
    expect(error).to.include({ name: 'Cleanroom.RecordConflict' });
    expect(reads).to.equal(30);
  });

  it('asks the store for nothing but conditional writes, and deletes nothing', () => {
    const writes = vault.requests.filter(({ operation, key, method }) => operation === 'PutObject' && method === 'PUT' && !/torn/.test(key));
    const unconditional = writes.filter(({ headers }) => headers['if-match'] === undefined && headers['if-none-match'] !== '*');
    expect(unconditional, 'those of the test that damages records').to.have.length(3);
    expect(vault.requests.filter(({ method }) => method === 'DELETE')).to.deep.equal([]);
  });
});
