import { LogEvent, READINESS } from '../../vocabulary/index.ts';
import { MOST_IN_TURNS } from '../choose-volume.ts';
import { QUOTAS, VOLUMES } from '../estimate-data.ts';
import { jsonata, quoted, type Data, type Flow, type Retrier, type States } from './asl.ts';
import { branchEnds, branchStart, toBranchEnd } from './branch.ts';
import { rememberLost } from './lost-answer.ts';
import { loop, pauseState, poll } from './poll.ts';
import { ALL_READ, readEvents } from './read-events.ts';
import { CALLS_CHANGE, recordTask } from './records.ts';
import { caseTags } from './snapshot.ts';
import { anyErrorOf, callTask, handlerTask, lostAnswers, madeCall, problemOf, TOLD_CALLS, TOO_FAST, touched, whenItFails, type WorkflowNames } from './tasks.ts';

/** A volume is there in seconds. */
export const VOLUME_SECONDS = 1800;

const FAILED = 'Say why it is not imaged';
const { initializationRate: RATE } = VOLUMES;
const own = (names: WorkflowNames) => quoted(names.account);

/** The image's manifest: written last, so that where it is, the image is. */
const MANIFEST_KEY = '$case.caseId & "/disk_evidence/" & $volume.volumeId & ".manifest.json"';

/** Tried again for minutes: the Region may be making as many volumes as it can. By the client token it is one volume whatever was lost. */
const PATIENT: Retrier = { ErrorEquals: [anyErrorOf('ec2'), ...lostAnswers('ec2')], IntervalSeconds: 5, MaxAttempts: 10, BackoffRate: 2, MaxDelaySeconds: 120, JitterStrategy: 'FULL' };

const restore = (names: WorkflowNames, state: string, args: { readonly [key: string]: Data }, refused?: string): States => ({
  [state]: callTask(names, {
    service: 'ec2',
    action: 'createVolume',
    args: {
      // Of this state: EC2 refuses a token that comes with other parameters.
      ClientToken: jsonata(`$substring($hash($states.context.Execution.Id & $volume.volumeId & ${quoted(state)}, "SHA-256"), 0, 64)`),
      AvailabilityZone: jsonata('$plan.zone'),
      SnapshotId: jsonata('$shared'),
      Encrypted: true,
      KmsKeyId: jsonata('$plan.evidenceKeyArn'),
      TagSpecifications: [{ ResourceType: 'volume', Tags: caseTags('collector', '$volume.volumeId') }],
      ...args,
    },
    seconds: 120,
    retry: [refused === undefined ? PATIENT : { ...PATIENT, ErrorEquals: lostAnswers('ec2') }],
    assign: { workVolume: jsonata('$states.result.VolumeId'), calls: touched('ec2', 'createVolume', '$shared, $states.result.VolumeId', own(names), names.region), waited: 0, problem: null },
    catch: [...(refused === undefined ? [] : [{ ErrorEquals: [anyErrorOf('ec2')], Assign: { problem: problemOf(state) }, Next: refused }]), ...toBranchEnd(state, FAILED)],
    next: 'Look at the volume',
  }),
});

const fast = {
  VolumeType: 'gp3',
  Throughput: jsonata('$exists($volume.throughput) ? $volume.throughput : 125'),
  Iops: jsonata('$exists($volume.iops) ? $volume.iops : 3000'),
};

const IN_TURN = 'Restore it to a volume that is filled fast';
/** What EC2 says where the Region fills as much as it may, or where calls come too fast. */
const IS_FULL = '$contains($problem.cause, /limit|quota|exceed|too many/i)';
/** Seconds for which a volume that is filled at the least rate keeps its share: after so long another one's turn has come. */
const TURN = `$ceil($volume.sizeGiB * ${1024 / RATE.least.value})`;
/** Looked for at the turn's end, and for some seconds more; then the Region's own pace is as fast. */
const LATE_SECONDS = 25;
const PAUSE = `$max([5, $min([120, $contains($problem.cause, ${TOO_FAST}) ? 5 : ${TURN} - $waited])])`;

/**
 * The Region fills so much at once, whoever asks. Each volume asks for its share of that among the volumes that are imaged now,
 * at the least for the slowest rate there is; who gets none waits for one turn, and then takes AWS's own pace.
 */
const turnStates = (names: WorkflowNames): States => ({
  ...restore(
    names,
    IN_TURN,
    { ...fast, VolumeInitializationRate: jsonata(`$max([${RATE.least.value}, $min([$volume.initializationRate, $floor(${QUOTAS.initializationRate.value} / $crowd)])])`) },
    'Is it not its turn?',
  ),
  'Is it not its turn?': {
    Type: 'Choice',
    Choices: [
      { Condition: jsonata(`$not(${IS_FULL})`), Next: 'Restore it to a fast volume' },
      { Condition: jsonata(`$waited >= ${TURN} + ${LATE_SECONDS}`), Next: 'Restore it to a fast volume' },
    ],
    Default: 'Wait for its turn',
  },
  'Wait for its turn': { Type: 'Wait', Seconds: jsonata(PAUSE), Assign: { waited: jsonata(`$waited + ${PAUSE}`) }, Output: {}, Next: IN_TURN },
});

const restoreStates = (names: WorkflowNames): States => ({
  'Which type of volume?': {
    Type: 'Choice',
    Choices: [
      { Condition: jsonata('$volume.volumeType = "standard"'), Next: 'Restore it to a magnetic volume' },
      // Among more than that, AWS's own pace is as fast as the last turn, and EC2 makes five volumes a second: none is asked for in vain.
      { Condition: jsonata(`$exists($volume.initializationRate) and $crowd <= ${MOST_IN_TURNS}`), Next: IN_TURN },
    ],
    Default: 'Restore it to a fast volume',
  },
  ...restore(names, 'Restore it to a magnetic volume', { VolumeType: 'standard' }),
  ...turnStates(names),
  ...restore(names, 'Restore it to a fast volume', fast),
  ...poll({
    ask: 'Look at the volume',
    judge: 'Is the volume there?',
    wait: 'Wait for the volume',
    task: callTask(names, {
      service: 'ec2',
      action: 'describeVolumes',
      args: { VolumeIds: [jsonata('$workVolume')] },
      asks: 'patiently',
      assign: { state: jsonata('$states.result.Volumes[0].State') },
      catch: toBranchEnd('Look at the volume', FAILED),
      next: 'Is the volume there?',
    }),
    rules: [
      { Condition: jsonata('$state = "available"'), Assign: { waited: 0 }, Next: 'Attach it to the collector' },
      {
        Condition: jsonata('$state = "error"'),
        Assign: { problem: jsonata('{"state": "Is the volume there?", "error": "Cleanroom.VolumeError", "cause": "volume " & $workVolume & " is in state error: most often the evidence key or the source key refused; look at their policies and grants"}') },
        Next: FAILED,
      },
    ],
    within: VOLUME_SECONDS,
    late: FAILED,
    lateProblem: jsonata(`{"state": "Is the volume there?", "error": "Cleanroom.VolumeTimeout", "cause": "volume " & $workVolume & " was not available after ${VOLUME_SECONDS} seconds"}`),
  }),
  'Attach it to the collector': callTask(names, {
    service: 'ec2',
    action: 'attachVolume',
    args: { InstanceId: jsonata('$collector'), VolumeId: jsonata('$workVolume'), Device: '/dev/sdf' },
    assign: { calls: touched('ec2', 'attachVolume', '$workVolume, $collector', own(names), names.region) },
    catch: whenItFails('Attach it to the collector', 'Look whether it is attached', rememberLost('Attach it to the collector')),
    next: 'Record that it is imaged',
  }),
  'Look whether it is attached': callTask(names, {
    comment: 'An attachment that was asked for twice is refused the second time',
    service: 'ec2',
    action: 'describeVolumes',
    args: { VolumeIds: [jsonata('$workVolume')] },
    asks: true,
    assign: { attached: jsonata('$collector in $states.result.Volumes[0].Attachments[State in ["attached", "attaching"]].InstanceId') },
    catch: toBranchEnd('Look whether it is attached', FAILED),
    next: 'Is it attached?',
  }),
  'Is it attached?': {
    Type: 'Choice',
    Choices: [
      {
        Condition: jsonata('$attached'),
        Assign: {
          problem: null,
          calls: jsonata(`$append($calls, [${madeCall({ service: 'ec2', action: 'attachVolume', resources: '$workVolume, $collector', account: own(names), region: names.region, by: { state: 'Attach it to the collector', enteredAt: '$asked' } })}])`),
        },
        Next: 'Record that it is imaged',
      },
    ],
    Default: FAILED,
  },
  'Record that it is imaged': recordTask(names, {
    state: 'Record that it is imaged',
    changes: `$append([{"kind": "volume", "volumeId": $volume.volumeId, "status": "COLLECTING", "workVolumeId": $workVolume}], ${CALLS_CHANGE})`,
    clears: 'calls',
    next: 'Look for the manifest',
  }),
});

const lookStates = (names: WorkflowNames, look: string, judge: string, otherwise: string): States => ({
  [look]: callTask(names, {
    // A list, and not a head request: without leave to list, S3 answers 403 for what is not there yet.
    service: 's3',
    action: 'listObjectsV2',
    args: { Bucket: jsonata('$plan.bucket'), Prefix: jsonata(MANIFEST_KEY), MaxKeys: 1 },
    asks: 'patiently',
    assign: { found: jsonata(`$count($states.result.Contents[Key = ${MANIFEST_KEY}]) > 0`) },
    catch: toBranchEnd(look, FAILED),
    next: judge,
  }),
  [judge]: { Type: 'Choice', Choices: [{ Condition: jsonata('$found'), Next: 'Prove the evidence' }], Default: otherwise },
});

/** JSONata: whether a page says that the collector ended. */
const STOPPED = `$count($states.result.Events[$parse(Message).event = ${quoted(LogEvent.collectorStopped)}]) > 0`;

/** Two questions a round: is the manifest there, and does the collector live? */
const watchStates = (names: WorkflowNames): States => ({
  ...readEvents(names, {
    ask: 'Ask for the collector\'s heartbeat',
    more: 'Is that all it has logged?',
    again: 'Ask for its heartbeat on the next page',
    events: [LogEvent.collectorStarted, LogEvent.collectorHeartbeat, LogEvent.collectorStopped],
    since: `$toMillis($states.context.State.EnteredTime) - ${READINESS.lostSeconds * 1000}`,
    first: {
      beats: jsonata('$count($states.result.Events)'),
      // Whether it had ended when the manifest was looked for: a line that came since may have a manifest that came since.
      hadStopped: jsonata('$stopped'),
      stopped: jsonata(STOPPED),
    },
    further: { beats: jsonata('$beats + $count($states.result.Events)'), stopped: jsonata(`$stopped or ${STOPPED}`) },
    // One line is life enough: reading on takes room in the history, and its end is seen at the next look.
    enough: '$beats > 0',
    failed: (state) => toBranchEnd(state, FAILED),
    next: 'Does the collector live?',
  }),
  ...loop({
    judge: 'Does the collector live?',
    wait: 'Wait for the image',
    again: 'Look for the manifest',
    rules: [
      {
        Condition: jsonata('$hadStopped'),
        Assign: { problem: jsonata('{"state": "Does the collector live?", "error": "Cleanroom.CollectorStopped", "cause": "collector " & $collector & " ended without a manifest; its logs say why"}') },
        Next: FAILED,
      },
      {
        Condition: jsonata(`${ALL_READ} and $beats = 0 and $waited >= ${READINESS.lostSeconds}`),
        Assign: { problem: jsonata(`{"state": "Does the collector live?", "error": "Cleanroom.CollectorSilent", "cause": "collector " & $collector & " has logged no heartbeat for ${READINESS.lostSeconds} seconds; it and its volume are kept"}`) },
        Next: FAILED,
      },
    ],
    within: '$case.options.deadlineMinutes * 60',
    late: FAILED,
    lateProblem: jsonata('{"state": "Does the collector live?", "error": "Cleanroom.DeadlinePassed", "cause": "there was no manifest after " & $case.options.deadlineMinutes & " minutes; the collector is left to go on, and the case can be opened again"}'),
  }),
  ...lookStates(names, 'Look for the manifest', 'Is there a manifest?', 'Wait some more for the image'),
  'Wait some more for the image': pauseState('Look for the manifest again'),
  // Twice for each question to CloudWatch Logs, which answers ten a second, whoever asks.
  ...lookStates(names, 'Look for the manifest again', 'Is there a manifest now?', 'Ask for the collector\'s heartbeat'),
});

/** JSONata: whether the image that is proven was there before: a case has one image of a volume. */
export const OF_EARLIER_RUN = '($exists($proof.manifest.snapshots) and $not($sourceSnapshot in $proof.manifest.snapshots))';

const proofStates = (names: WorkflowNames): States => ({
  'Prove the evidence': handlerTask(names, {
    comment: 'Independently of the collector: lengths, checksums, versions, locks, the manifest\'s own rules, the custody log',
    handler: 'verify-evidence',
    payload: { input: jsonata('$case'), volumeId: jsonata('$volume.volumeId'), bucket: jsonata('$plan.bucket'), sizeBytes: jsonata('$volume.sizeGiB * 1073741824') },
    seconds: 900,
    assign: { proof: jsonata('$sift($states.result.Payload, function($v, $k) { $k != "calls" })'), calls: TOLD_CALLS },
    catch: toBranchEnd('Prove the evidence', FAILED),
    next: 'Is it proven?',
  }),
  'Is it proven?': {
    Type: 'Choice',
    Choices: [
      {
        Condition: jsonata(`$proof.status in ["COMPLETE", "PARTIAL"] and ${OF_EARLIER_RUN}`),
        Assign: { notes: jsonata('$append($notes, [{"state": "Is it proven?", "error": "Cleanroom.EarlierImage", "cause": "the image is of " & $proof.manifest.snapshots[0] & ", as an earlier run of this case made it, and not of " & $sourceSnapshot & ": for that one, open another case"}])') },
        Next: 'It is proven',
      },
      { Condition: jsonata('$proof.status = "COMPLETE" or $proof.status = "PARTIAL"'), Next: 'It is proven' },
    ],
    Default: 'Say what is not proven',
  },
  'Say what is not proven': {
    Type: 'Pass',
    Assign: { problem: jsonata('{"state": "Is it proven?", "error": "Cleanroom.NotProven", "cause": $substring($join($proof.problems.$string($), "; "), 0, 1500)}') },
    Output: {},
    Next: FAILED,
  },
});

/** Restores the volume from the shared snapshot, has it imaged, and proves what was stored. */
export const imagingBranch = (names: WorkflowNames): Flow => ({
  StartAt: 'Begin with the image',
  States: {
    ...branchStart('Begin with the image', 'Which type of volume?', { workVolume: '', proof: {}, stopped: false, hadStopped: false, found: false }),
    ...restoreStates(names),
    ...watchStates(names),
    ...proofStates(names),
    ...branchEnds({ done: 'It is proven', failed: FAILED, tells: { workVolume: jsonata('$workVolume'), proof: jsonata('$proof') } }),
  },
});
