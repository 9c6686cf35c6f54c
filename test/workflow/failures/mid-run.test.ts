import { expect } from 'chai';
import { AslError } from '../../helpers/asl/errors.ts';
import type { AwsWorld } from '../world/aws-world.ts';
import { MemoryRecords } from '../world/memory-records.ts';
import type { Collector } from '../world/run-case.ts';
import { acquireIn, expectLoud, problemOf, type CaseOptions, type Ended, withWorld } from './support.ts';

describe('an acquisition whose suspect changes in the middle', function () {
  this.timeout(300_000);
  let world: AwsWorld;
  withWorld((started) => (world = started));

  const acquire = (options?: CaseOptions): Promise<Ended> => acquireIn({ world, records: new MemoryRecords() }, options);
  const inMember = <Answer>(action: string, parameters: object): Promise<Answer> => world.call('member', 'ec2', action, parameters) as Promise<Answer>;

  it('does not succeed without an image of a volume that was attached after the check', async () => {
    let late = '';
    const ended = await acquire({
      hook: (call, { instanceId, zone }) => {
        if (call.action !== 'createSnapshots') return undefined;
        return (async () => {
          ({ VolumeId: late } = await inMember<{ VolumeId: string }>('createVolume', { AvailabilityZone: zone, Size: 1 }));
          await inMember('attachVolume', { VolumeId: late, InstanceId: instanceId, Device: '/dev/sdk' });
          return call.real();
        })();
      },
    });
    expectLoud(ended, 'Cleanroom.VolumesFailed');
    expect(problemOf(ended)).to.contain(`${late}: `).and.contain('attached');
    expect(ended.record.volumes[ended.suspect.volumeIds[0]!]).to.include({ status: 'COMPLETE' });
    expect(ended.record.leftBehind.map(({ why }) => why).filter((why) => why.startsWith('source snapshot'))).to.have.length(2);
  });

  it('images the other volumes where one was detached after the check', async () => {
    const ended = await acquire({
      volumes: 3,
      hook: (call, { instanceId, volumeIds }) => {
        if (call.action !== 'createSnapshots') return undefined;
        return inMember('detachVolume', { VolumeId: volumeIds[1], InstanceId: instanceId, Device: '/dev/sdf' }).then(() => call.real());
      },
    });
    expectLoud(ended, 'Cleanroom.VolumesFailed');
    const [first, gone, third] = ended.suspect.volumeIds.map((id) => ended.record.volumes[id]?.status);
    expect([first, third]).to.deep.equal(['COMPLETE', 'COMPLETE']);
    expect(gone).to.equal('FAILED');
    expect(problemOf(ended)).to.contain(`${ended.suspect.volumeIds[1]}: `).and.contain('detached');
  });

  it('forgets that the snapshots were put off when they are there', async () => {
    let refusals = 1;
    const ended = await acquire({
      hook: ({ action }) => (action === 'createSnapshots' && refusals-- > 0 ? Promise.reject(new AslError('Ec2.Ec2Exception', 'Request limit exceeded. (Service: Ec2, Status Code: 400, Request ID: 1)')) : undefined),
    });
    expect(ended.run.status).to.equal('SUCCEEDED');
    expect(problemOf(ended)).to.equal('null');
    expect(ended.record.problems).to.deep.equal([]);
  });

  it('says so where an image is of an earlier run of the case, and of which snapshot', async () => {
    const snapshots: string[] = [];
    const earlier = 'snap-0e0e0e0e0e0e0e0e0';
    const chain: NonNullable<Collector['stores']> = { edit: (body) => ({ ...body, source: { ...body.source, snapshotChain: [earlier] } }) };
    const ended = await acquire({
      collector: { stores: chain },
      hook: (call) => (call.action === 'createSnapshots' ? call.real().then((answer) => (snapshots.push(...(answer as { Snapshots: { SnapshotId: string }[] }).Snapshots.map(({ SnapshotId }) => SnapshotId)), answer)) : undefined),
    });
    expect([ended.run.status, ended.record.status]).to.deep.equal(['SUCCEEDED', 'COMPLETE']);
    const volume = ended.record.volumes[ended.suspect.volumeIds[0]!]!;
    expect(volume.problems.join()).to.contain(`the image is of ${earlier}, as an earlier run of this case made it, and not of ${snapshots[0]}`);
    expect(volume.manifest?.snapshots).to.deep.equal([earlier]);
    expect(ended.run.told[0]!.Message).to.contain(`the image is of ${earlier}`);
    const summary = JSON.parse((ended.run.calls.find(({ action }) => action === 'putLogEvents')!.args['LogEvents'] as { Message: string }[])[0]!.Message) as { volumes: { SourceSnapshot: string }[] };
    expect(summary.volumes.map(({ SourceSnapshot }) => SourceSnapshot)).to.deep.equal([earlier]);
  });
});
