import { VOLUMES_LABEL } from '../../vocabulary/index.ts';
import { jsonata, quoted, type Flow, type States } from './asl.ts';
import { collectorBranch } from './collector.ts';
import { keepingBranch, sharingBranch } from './copies.ts';
import { imagingBranch, OF_EARLIER_RUN } from './imaging.ts';
import { grantRemovalStates, TAKE_GRANTS_BACK } from './grants.ts';
import { ENDING } from './open.ts';
import { CALLS_CHANGE, problemLine, recordTask, safe, stageChange } from './records.ts';
import { releaseStates } from './release.ts';
import { withOwnVariables } from './scope.ts';
import { ATTACHED, ATTACHED_WHY, DETACHED, DETACHED_WHY } from './snapshot.ts';
import { problemOf, whenItFails, type WorkflowNames } from './tasks.ts';

const snapshotChange = (id: string, purpose: string, account: string, region: string, more = '{}'): string =>
  `{"kind": "snapshot", "volumeId": $volume.volumeId, "snapshot": $merge([{"id": ${id}, "purpose": ${quoted(purpose)}, "account": ${account}, "region": ${quoted(region)}, "kept": true}, ${more}])}`;

/** What the record has of an image that is proven. */
const IMAGE = '($proven ? {"manifest": $proof.manifest, "imageLocation": $proof.imageLocation} : {})';

const readyStates = (names: WorkflowNames): States => ({
  'Ready its snapshot and a collector': {
    Type: 'Parallel',
    Branches: [withOwnVariables('sharing', sharingBranch(names)), withOwnVariables('starting', collectorBranch(names))],
    Assign: {
      shared: jsonata('$states.result[0].shared'),
      transitSnapshot: jsonata('$states.result[0].transitSnapshot'),
      collector: jsonata('$states.result[1].collector'),
      crowd: jsonata('$states.result[1].crowd'),
      ready: jsonata('$states.result[0].ok and $states.result[1].ok'),
      problems: jsonata('[$states.result[ok = false].problem]'),
      calls: jsonata('$append($calls, $append($states.result[0].calls, $states.result[1].calls))'),
      notes: jsonata('$append($notes, $append($states.result[0].notes, $states.result[1].notes))'),
    },
    Output: {},
    Catch: whenItFails('Ready its snapshot and a collector', 'Say what became of it'),
    Next: 'Record what is ready',
  },
  'Record what is ready': recordTask(names, {
    state: 'Record what is ready',
    changes: `$append([$merge([{"kind": "volume", "volumeId": $volume.volumeId, "status": "RESTORING"}, $collector = "" ? {} : {"collectorInstanceId": $collector}])], $append($transitSnapshot = "" ? [] : [${snapshotChange('$transitSnapshot', 'transit', '$case.account', names.region)}], ${CALLS_CHANGE}))`,
    clears: 'calls',
    next: 'Is everything ready?',
  }),
  'Is everything ready?': {
    Type: 'Choice',
    Choices: [{ Condition: jsonata('$ready'), Next: 'Image it, and keep its snapshot' }],
    Default: 'Say what became of it',
  },
});

const imageStates = (names: WorkflowNames): States => ({
  'Image it, and keep its snapshot': {
    Type: 'Parallel',
    Branches: [withOwnVariables('imaging', imagingBranch(names)), withOwnVariables('keeping', keepingBranch(names))],
    Assign: {
      workVolume: jsonata('$states.result[0].workVolume'),
      proof: jsonata('$states.result[0].proof'),
      proven: jsonata('$states.result[0].ok'),
      kept: jsonata('$states.result[1].ok'),
      evidenceSnapshot: jsonata('$states.result[1].evidenceSnapshot'),
      lockedUntil: jsonata('$states.result[1].lockedUntil'),
      problems: jsonata('[$states.result[ok = false].problem]'),
      calls: jsonata('$append($calls, $append($states.result[0].calls, $states.result[1].calls))'),
      notes: jsonata('$append($notes, $append($states.result[0].notes, $states.result[1].notes))'),
    },
    Output: {},
    Catch: whenItFails('Image it, and keep its snapshot', 'Say what became of it'),
    Next: 'Record the image',
  },
  'Record the image': recordTask(names, {
    state: 'Record the image',
    changes: `$append([$merge([{"kind": "volume", "volumeId": $volume.volumeId, "status": $proven ? $proof.status : "FAILED"}, $workVolume = "" ? {} : {"workVolumeId": $workVolume}, ${IMAGE}])], $append($evidenceSnapshot = "" ? [] : [${snapshotChange('$evidenceSnapshot', 'evidence', quoted(names.account), names.region, '$lockedUntil = "" ? {} : {"lockedUntil": $lockedUntil}')}], ${CALLS_CHANGE}))`,
    clears: 'calls',
    next: 'Is it all there?',
  }),
  'Is it all there?': {
    Type: 'Choice',
    Choices: [{ Condition: jsonata('$proven and $kept'), Next: 'End the collector' }],
    Default: 'Say what became of it', // what failed stays as it is, for whoever looks into it
  },
});

/** What is still there, and why: whoever reads the record can take it away, or use it. */
const LEFT = `[
  $evidenceSnapshot = "" ? [] : {"resource": $evidenceSnapshot, "why": $lockedUntil = "" ? "evidence snapshot, not locked" : "evidence snapshot, locked until " & $lockedUntil},
  $transitSnapshot = "" or "transit" in $gone ? [] : {"resource": $transitSnapshot, "why": "copy under the transit key in account " & $case.account},
  $collector = "" or "collector" in $gone ? [] : {"resource": $collector, "why": $proven ? "collector, not ended; its image is proven" : "collector of a volume that was not imaged"},
  $workVolume = "" or "volume" in $gone ? [] : {"resource": $workVolume, "why": $proven ? "restored volume, not deleted; its image is proven" : "restored volume that was not imaged"}
]`;

/** What is told of the problems: the first ones, cut. The record has them all, and 128 volumes share the 256 KiB of a state's result. */
const TOLD = `[$problems[[0..1]].{"state": state, "error": error, "cause": $substring($replace(${safe('cause')}, /\\\\|"/, "'"), 0, 300)}]`;

/** What one volume's acquisition is: an execution of its own, with a history of its own, that tells what became of it. */
const volumeFlow = (names: WorkflowNames): Flow => ({
  StartAt: 'Take up the volume',
  States: {
    'Take up the volume': {
      Type: 'Pass',
      Assign: {
        case: jsonata('$states.input.case'),
        plan: jsonata('$states.input.plan'),
        volume: jsonata('$states.input.volume'),
        sourceSnapshot: jsonata('$states.input.sourceSnapshot'),
        collectorRole: jsonata('$states.input.collectorRole'),
        calls: [],
        notes: [],
        gone: [],
        problems: [],
        problem: null,
        waited: 0,
        shared: '',
        transitSnapshot: '',
        evidenceSnapshot: '',
        lockedUntil: '',
        collector: '',
        crowd: 1,
        workVolume: '',
        proven: false,
        kept: false,
        proof: {},
      },
      Output: {},
      Next: 'Record that it is taken up',
    },
    'Record that it is taken up': recordTask(names, {
      state: 'Record that it is taken up',
      changes: '[{"kind": "volume", "volumeId": $volume.volumeId, "status": "SNAPSHOT"}]',
      next: 'Ready its snapshot and a collector',
    }),
    ...readyStates(names),
    ...imageStates(names),
    ...releaseStates(names),
    'Say what became of it': {
      Type: 'Pass',
      Assign: {
        problems: jsonata('$append($problems, $append($problem = null ? [] : [$problem], $notes))'),
        left: jsonata(LEFT),
        outcome: jsonata('$proven ? $proof.status : "FAILED"'),
      },
      Output: {},
      Next: 'Record what became of it',
    },
    'Record what became of it': recordTask(names, {
      state: 'Record what became of it',
      changes: `$append([$merge([{"kind": "volume", "volumeId": $volume.volumeId, "status": $outcome, "problems": [$problems.(${problemLine('$')})]}, ${IMAGE}])], $append($count($left) > 0 ? [{"kind": "left-behind", "leftBehind": $left}] : [], $append("transit" in $gone ? [${snapshotChange('$transitSnapshot', 'transit', '$case.account', names.region, '{"kept": false}')}] : [], ${CALLS_CHANGE})))`,
      clears: 'calls',
      catch: whenItFails('Record what became of it', 'It is over', { problems: jsonata(`$append($problems, [${problemOf('Record what became of it').slice(3, -3)}])`) }),
      next: 'It is over',
    }),
    'It is over': {
      Type: 'Succeed',
      Output: jsonata(
        `{"volumeId": $volume.volumeId, "ok": $proven and $kept, "status": $outcome, "problems": ${TOLD}, "leftBehind": $left, "summary": {"SourceVolume": $volume.volumeId, "SourceSnapshot": ${OF_EARLIER_RUN} ? $proof.manifest.snapshots[0] : $sourceSnapshot, "CopiedSnapshot": $evidenceSnapshot, "KmsKey": $plan.evidenceKeyArn, "ForensicVolume": $workVolume, "AvailabilityZone": $plan.zone, "CollectorInstance": $collector, "DiskImageLocation": $proven ? $proof.imageLocation : ""}}`,
      ),
    },
  },
});

/** All volumes at once, each on its own: one that fails stops none of the others, and none is lost. */
export const volumesStates = (names: WorkflowNames): States => ({
  'Image each volume': {
    Type: 'Map',
    Label: VOLUMES_LABEL,
    Items: jsonata(`[$plan.volumes[$not(volumeId in ${DETACHED})]]`),
    ItemSelector: {
      case: jsonata('$case'),
      plan: jsonata('$sift($plan, function($v, $k) { $not($k in ["volumes", "grants"]) })'),
      // A key that was not granted leaves its volumes the way through the transit key.
      volume: jsonata('($v := $states.context.Map.Item.Value; $v.keyArn in $plan.grants.keyArn and $not($v.keyArn in $grants.keyArn) ? $merge([$v, {"route": "transit"}]) : $v)'),
      sourceSnapshot: jsonata('$snapshots[volumeId = $states.context.Map.Item.Value.volumeId].snapshotId'),
      collectorRole: jsonata('$collectorRole'),
    },
    MaxConcurrency: 128, // the most volumes that an instance can have
    ToleratedFailurePercentage: 100,
    ItemProcessor: { ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' }, ...volumeFlow(names) },
    Assign: { results: jsonata('[$states.result]') },
    Output: {},
    Catch: whenItFails('Image each volume', 'Gather what became of the volumes'),
    Next: 'Gather what became of the volumes',
  },
  'Record that imaging begins': recordTask(names, { state: 'Record that imaging begins', changes: `[${stageChange('image', 'ACQUIRING')}]`, next: 'Name the collectors\' role' }),
  'Gather what became of the volumes': {
    Type: 'Pass',
    Assign: {
      lost: jsonata(`($detached := ${DETACHED}; [$plan.volumes.volumeId[$not($ in $results.volumeId or $ in $detached)]])`),
      leftBehind: jsonata('$append($leftBehind, [$results.leftBehind])'),
      status: jsonata(`$count($results[ok = true]) < $count($plan.volumes) or $count(${ATTACHED}) > 0 ? "FAILED" : $count($results[status = "PARTIAL"]) > 0 ? "PARTIAL" : "COMPLETE"`),
    },
    Output: {},
    Next: 'Is every image proven?',
  },
  'Is every image proven?': {
    Type: 'Choice',
    Choices: [{ Condition: jsonata('$status != "FAILED"'), Next: TAKE_GRANTS_BACK }],
    Default: 'Say which images are missing',
  },
  ...grantRemovalStates(names, 'Take the role out of the profile'),
  'Say which images are missing': {
    Type: 'Pass',
    Assign: {
      problem: jsonata(`$problem != null ? $problem : {"state": "Image each volume", "error": "Cleanroom.VolumesFailed", "cause": $substring($join($append([$results[ok = false].(volumeId & ": " & $join(problems.(${problemLine('$')}), "; "))], [$lost.($ & ": its execution ended without a word"), ${DETACHED}.($ & ": " & ${DETACHED_WHY}), ${ATTACHED}.($ & ": " & ${ATTACHED_WHY})]), " | "), 0, 1500)}`),
    },
    Output: {},
    Next: ENDING,
  },
});
