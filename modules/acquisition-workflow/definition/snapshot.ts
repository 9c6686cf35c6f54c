import { CASE_TAGS } from '../../vocabulary/index.ts';
import { jsonata, type Assign, type Data, type Expression, type States } from './asl.ts';
import { GRANT_KEYS, grantStates } from './grants.ts';
import { rememberLost, snapshotMark, takeOverStates } from './lost-answer.ts';
import { ENDING } from './open.ts';
import { CALLS_CHANGE, recordTask, stageChange } from './records.ts';
import { ANSWER_LOST, callTask, IS_BUSY, touched, whenItFails, type WorkflowNames } from './tasks.ts';

/** Tags of what belongs to a case. @param exhibit a JSONata expression of a volume's id; none for what is of the whole case */
export const caseTags = (purpose: string, exhibit?: string, caseId = '$case.caseId'): Data => [
  { Key: CASE_TAGS.caseId, Value: jsonata(caseId) },
  ...(exhibit === undefined ? [] : [{ Key: CASE_TAGS.exhibitId, Value: jsonata(exhibit) }]),
  { Key: CASE_TAGS.purpose, Value: purpose },
];

const WANTED = '$plan.volumes.volumeId';
const ROOT: Expression = jsonata(`$not($instance.BlockDeviceMappings[DeviceName = $instance.RootDeviceName].Ebs.VolumeId in ${WANTED})`);

const ASK = 'Snapshot its volumes at once';
const JUDGE = 'May there be snapshots all the same?';
const WAIT = 'Wait before looking for the snapshots';
const LOOK = 'Look for the snapshots';
const MARK = snapshotMark('"instance " & $case.instanceId');

/** Seconds for which it is tried to have an answer. */
const ANSWER_SECONDS = 300;

/** @param snapshots a JSONata expression of snapshots as EC2 describes them */
const made = (snapshots: string, all = snapshots): Assign => ({
  snapshots: jsonata(`[${snapshots}.{"volumeId": VolumeId, "snapshotId": SnapshotId}]`),
  leftBehind: jsonata(`[${all}.{"resource": SnapshotId, "why": "source snapshot in account " & $case.account & "; Cleanroom deletes nothing there"}]`),
});

/** Volumes that were on the instance when it was checked and not when the snapshots were made: JSONata, a list of ids. */
export const DETACHED = `[${WANTED}[$not($ in $snapshots.volumeId)]]`;
/** Volumes that came onto it in between, where all are wanted: likewise. */
export const ATTACHED = `($case.options.volumes = "all" ? [$snapshots.volumeId[$not($ in ${WANTED})]] : [])`;
/** What is said of each. */
export const DETACHED_WHY = '"it was detached after the check, and has no snapshot: acquire it where it is now"';
export const ATTACHED_WHY = '"it was attached after the check: its snapshot is kept, and there is no image; open the case again"';

const notImaged = (volumes: string, why: string): string => `$map(${volumes}, function($v) { {"kind": "volume", "volumeId": $v, "status": "FAILED", "problems": [${why}]} })`;

/** One call for all volumes, so that the snapshots are of one moment. */
export const snapshotStates = (names: WorkflowNames): States => ({
  [ASK]: callTask(names, {
    service: 'ec2',
    action: 'createSnapshots',
    args: {
      Description: jsonata(MARK),
      InstanceSpecification: {
        InstanceId: jsonata('$case.instanceId'),
        ExcludeBootVolume: ROOT,
        ExcludeDataVolumeIds: jsonata(`[$instance.BlockDeviceMappings[DeviceName != $instance.RootDeviceName].Ebs.VolumeId[$not($ in ${WANTED})]]`),
      },
      TagSpecifications: [{ ResourceType: 'snapshot', Tags: caseTags('evidence') }],
    },
    inMember: true,
    seconds: 120,
    retry: [],
    // What they were put off for before is no problem of the acquisition.
    assign: { ...made('$states.result.Snapshots'), problem: null, calls: touched('ec2', 'createSnapshots', '$case.instanceId, $states.result.Snapshots.SnapshotId', '$case.account', names.region) },
    catch: whenItFails(ASK, JUDGE, rememberLost(ASK)),
    next: 'Record the snapshots',
  }),
  [JUDGE]: {
    Type: 'Choice',
    Choices: [
      { Condition: jsonata(`$not(${ANSWER_LOST} or ${IS_BUSY})`), Next: ENDING },
      { Condition: jsonata(`$snapshotWaited >= ${ANSWER_SECONDS}`), Next: ENDING },
    ],
    Default: WAIT,
  },
  [WAIT]: {
    Type: 'Wait',
    Seconds: 15, // EC2 sees some seconds later what it has just made
    Assign: { snapshotWaited: jsonata('$snapshotWaited + $max([15, 0])') },
    Output: {},
    Next: LOOK,
  },
  ...takeOverStates(names, {
    asked: ASK,
    look: LOOK,
    found: 'Were the snapshots taken?',
    take: 'Take the snapshots over',
    mark: MARK,
    inMember: true,
    complete: `$count($filter(${WANTED}, function($v) { $not($v in $seen.VolumeId) })) = 0`,
    // Of two sets the older one, whole: the snapshots of one moment.
    assign: made(`$map(${WANTED}, function($v) { $seen[VolumeId = $v][0] })`, '$seen'),
    call: { service: 'ec2', action: 'createSnapshots', resources: `$case.instanceId, $map(${WANTED}, function($v) { $seen[VolumeId = $v][0].SnapshotId })`, account: '$case.account', region: names.region },
    catch: whenItFails(LOOK, ENDING),
    next: 'Record the snapshots',
  }),
  'Record the snapshots': recordTask(names, {
    state: 'Record the snapshots',
    changes: `$append($append([${stageChange('snapshot')}], $append(${CALLS_CHANGE}, $map($snapshots, function($s) { {"kind": "snapshot", "volumeId": $s.volumeId, "snapshot": {"id": $s.snapshotId, "purpose": "source", "account": $case.account, "region": "${names.region}", "kept": true}} }))), $append(${notImaged(DETACHED, DETACHED_WHY)}, ${notImaged(ATTACHED, ATTACHED_WHY)}))`,
    clears: 'calls',
    next: GRANT_KEYS,
  }),
  ...grantStates(names, 'Is the instance to be isolated?'),
});
