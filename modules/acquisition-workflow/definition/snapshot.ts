import { CASE_TAGS } from '../../vocabulary/index.ts';
import { jsonata, type Data, type Expression, type States } from './asl.ts';
import { GRANT_KEYS, grantStates } from './grants.ts';
import { ENDING } from './open.ts';
import { CALLS_CHANGE, recordTask, stageChange } from './records.ts';
import { callTask, touched, whenItFails, type WorkflowNames } from './tasks.ts';

/** Tags of what belongs to a case. @param exhibit a JSONata expression of a volume's id; none for what is of the whole case */
export const caseTags = (purpose: string, exhibit?: string, caseId = '$case.caseId'): Data => [
  { Key: CASE_TAGS.caseId, Value: jsonata(caseId) },
  ...(exhibit === undefined ? [] : [{ Key: CASE_TAGS.exhibitId, Value: jsonata(exhibit) }]),
  { Key: CASE_TAGS.purpose, Value: purpose },
];

const MADE = '[$states.result.Snapshots.{"volumeId": VolumeId, "snapshotId": SnapshotId}]';
const WANTED = '$plan.volumes.volumeId';
const ROOT: Expression = jsonata(`$not($instance.BlockDeviceMappings[DeviceName = $instance.RootDeviceName].Ebs.VolumeId in ${WANTED})`);

/** One call for all volumes, so that the snapshots are of one moment. */
export const snapshotStates = (names: WorkflowNames): States => ({
  'Snapshot its volumes at once': callTask(names, {
    service: 'ec2',
    action: 'createSnapshots',
    args: {
      Description: jsonata('"Cleanroom case " & $case.caseId & ", instance " & $case.instanceId'),
      InstanceSpecification: {
        InstanceId: jsonata('$case.instanceId'),
        ExcludeBootVolume: ROOT,
        ExcludeDataVolumeIds: jsonata(`[$instance.BlockDeviceMappings[DeviceName != $instance.RootDeviceName].Ebs.VolumeId[$not($ in ${WANTED})]]`),
      },
      TagSpecifications: [{ ResourceType: 'snapshot', Tags: caseTags('evidence') }],
    },
    inMember: true,
    seconds: 120,
    assign: {
      snapshots: jsonata(MADE),
      leftBehind: jsonata('[$states.result.Snapshots.{"resource": SnapshotId, "why": "source snapshot in account " & $case.account & "; Cleanroom deletes nothing there"}]'),
      calls: touched('ec2', 'createSnapshots', '$case.instanceId, $states.result.Snapshots.SnapshotId', '$case.account', names.region),
    },
    catch: whenItFails('Snapshot its volumes at once', ENDING),
    next: 'Record the snapshots',
  }),
  'Record the snapshots': recordTask(names, {
    state: 'Record the snapshots',
    changes: `$append([${stageChange('snapshot')}], $append(${CALLS_CHANGE}, $map($snapshots, function($s) { {"kind": "snapshot", "volumeId": $s.volumeId, "snapshot": {"id": $s.snapshotId, "purpose": "source", "account": $case.account, "region": "${names.region}", "kept": true}} })))`,
    clears: 'calls',
    next: GRANT_KEYS,
  }),
  ...grantStates(names, 'Is the instance to be isolated?'),
});
