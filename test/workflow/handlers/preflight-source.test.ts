import { expect } from 'chai';
import { checkSource } from '../../../modules/acquisition-workflow/handlers/preflight/source.ts';
import { DEFAULT_OPTIONS } from '../../../modules/vocabulary/index.ts';
import { anInput, INSTANCE, MEMBER } from './support.ts';

describe('the preflight of a choice of volumes', () => {
  const idOf = (index: number): string => `vol-${String(index).padStart(17, '0')}`;
  const check = (dataVolumes: number, volumes: string[] | 'all') => {
    const ids = Array.from({ length: dataVolumes + 1 }, (_, index) => idOf(index)); // the first is the root's
    const instance = { InstanceId: INSTANCE, OwnerId: MEMBER, State: { Name: 'running' }, RootDeviceName: '/dev/0', BlockDeviceMappings: ids.map((VolumeId, index) => ({ DeviceName: `/dev/${index}`, Ebs: { VolumeId } })) };
    return checkSource({ ...anInput(), options: { ...DEFAULT_OPTIONS, volumes } }, instance, ids.map((VolumeId) => ({ VolumeId, Size: 8, State: 'in-use' }))).problems;
  };

  it('says so where a snapshot cannot leave out as many data volumes as are not wanted', () => {
    expect(check(42, [idOf(0), idOf(1)])).to.deep.equal([
      { code: 'TOO_MANY_LEFT_OUT', what: '41 data volumes of the instance are left out, and a snapshot of it leaves out 40 at most', fix: 'name at least 1 more, or take all' },
    ]);
  });

  it('lets 40 be left out, the root besides, and all be taken', () => {
    expect(check(41, [idOf(1)])).to.deep.equal([]);
    expect(check(60, 'all')).to.deep.equal([]);
  });
});
