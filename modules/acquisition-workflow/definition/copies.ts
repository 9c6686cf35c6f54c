import { jsonata, quoted, type Data, type Flow, type States } from './asl.ts';
import { branchEnds, branchStart, toBranchEnd } from './branch.ts';
import { rememberLost, snapshotMark, takeOverStates } from './lost-answer.ts';
import { poll } from './poll.ts';
import { caseTags } from './snapshot.ts';
import { ANSWER_LOST, callTask, IS_BUSY, problemOf, touched, whenItFails, type WorkflowNames } from './tasks.ts';

/** A snapshot of the largest volume takes many hours; one that takes longer than this will not end. */
export const SNAPSHOT_SECONDS = 172_800;

interface SnapshotWait {
  /** The waiting states' names. */
  readonly ask: string;
  readonly judge: string;
  readonly wait: string;
  /** A JSONata expression of the snapshot's id. */
  readonly snapshot: string;
  readonly inMember: boolean;
  readonly failed: string;
  readonly next: string;
}

/** Waits until a snapshot is complete; `error` ends it at once, with EC2's own words. */
const untilComplete = (names: WorkflowNames, { ask, judge, wait, snapshot, inMember, failed, next }: SnapshotWait): States =>
  poll({
    ask,
    judge,
    wait,
    task: callTask(names, {
      service: 'ec2',
      action: 'describeSnapshots',
      args: { SnapshotIds: [jsonata(snapshot)] },
      inMember,
      asks: 'patiently',
      assign: {
        state: jsonata('$states.result.Snapshots[0].State'),
        stateMessage: jsonata('$exists($states.result.Snapshots[0].StateMessage) ? $states.result.Snapshots[0].StateMessage : ""'),
      },
      catch: toBranchEnd(ask, failed),
      next: judge,
    }),
    rules: [
      { Condition: jsonata('$state = "completed"'), Assign: { waited: 0 }, Next: next },
      {
        Condition: jsonata('$state = "error" or $state = "recoverable"'),
        Assign: { problem: jsonata(`{"state": ${quoted(judge)}, "error": "Cleanroom.SnapshotError", "cause": "snapshot " & ${snapshot} & " is in state " & $state & ": " & $stateMessage}`) },
        Next: failed,
      },
    ],
    within: SNAPSHOT_SECONDS,
    late: failed,
    lateProblem: jsonata(`{"state": ${quoted(judge)}, "error": "Cleanroom.SnapshotTimeout", "cause": "snapshot " & ${snapshot} & " was not complete after ${SNAPSHOT_SECONDS} seconds"}`),
  });

interface Copy {
  readonly copy: string;
  readonly judge: string;
  readonly wait: string;
  /** Names of the states that look for a copy whose answer was lost. */
  readonly look: { readonly ask: string; readonly found: string; readonly take: string };
  readonly args: { readonly [key: string]: Data };
  /** What the copy is for, as its tag says it. */
  readonly purpose: 'evidence' | 'working-copy';
  readonly inMember: boolean;
  /** Variable that takes the copy's id. */
  readonly variable: string;
  readonly source: string;
  readonly failed: string;
  readonly next: string;
}

const markOf = (purpose: string): string => snapshotMark(`${quoted(`${purpose} of `)} & $volume.volumeId`);

/** Who has to wait for room does so for as long as for a snapshot; whoever had no answer looks first whether there is a copy. */
const copyWithRoom = (names: WorkflowNames, { copy, judge, wait, look, args, purpose, inMember, variable, source, failed, next }: Copy): States => ({
  [copy]: callTask(names, {
    service: 'ec2',
    action: 'copySnapshot',
    args: { SourceRegion: names.region, SourceSnapshotId: jsonata(source), Encrypted: true, Description: jsonata(markOf(purpose)), TagSpecifications: [{ ResourceType: 'snapshot', Tags: caseTags(purpose, '$volume.volumeId') }], ...args },
    inMember,
    assign: {
      [variable]: jsonata('$states.result.SnapshotId'),
      problem: null, // what there was no room for before
      calls: touched('ec2', 'copySnapshot', `${source}, $states.result.SnapshotId`, inMember ? '$case.account' : quoted(names.account), names.region),
      waited: 0,
    },
    retry: [],
    catch: whenItFails(copy, judge, rememberLost(copy)),
    next,
  }),
  [judge]: {
    Type: 'Choice',
    Choices: [
      { Condition: jsonata(`$not(${IS_BUSY} or ${ANSWER_LOST})`), Next: failed },
      { Condition: jsonata(`$waited >= ${SNAPSHOT_SECONDS}`), Next: failed },
    ],
    Default: wait,
  },
  [wait]: {
    Type: 'Wait',
    Seconds: jsonata('$max([15, $min([300, $floor($waited / 10)])])'),
    Assign: { waited: jsonata('$waited + $max([15, $min([300, $floor($waited / 10)])])') },
    Output: {},
    Next: look.ask,
  },
  ...takeOverStates(names, {
    asked: copy,
    look: look.ask,
    found: look.found,
    take: look.take,
    mark: markOf(purpose),
    inMember,
    complete: '$count($seen) > 0',
    assign: { [variable]: jsonata('$seen[0].SnapshotId'), waited: 0 },
    call: { service: 'ec2', action: 'copySnapshot', resources: `${source}, $seen[0].SnapshotId`, account: inMember ? '$case.account' : quoted(names.account), region: names.region },
    catch: toBranchEnd(look.ask, failed),
    next,
  }),
});

/** A grant works everywhere in seconds, and in five minutes at most, says KMS; a copy under the transit key takes no longer. */
const GRANT_SECONDS = 300;

/** Whether the grant on the source's key has arrived: EC2 would say only with a volume in the state error. */
const keyStates = (names: WorkflowNames, { usable, not }: { readonly usable: string; readonly not: string }): States => {
  const ask = 'Try the source key';
  const judge = 'May the source key be used?';
  return {
    'Has it a key of its own?': { Type: 'Choice', Choices: [{ Condition: jsonata('$exists($volume.keyArn)'), Next: ask }], Default: usable },
    ...poll({
      ask,
      judge,
      wait: 'Wait for the grant',
      task: callTask(names, {
        service: 'kms',
        action: 'describeKey',
        args: { KeyId: jsonata('$volume.keyArn') },
        retry: [],
        assign: { state: jsonata('$states.result.KeyMetadata.KeyState') },
        catch: whenItFails(ask, judge, { state: 'not granted yet', seen: problemOf(ask) }),
        next: judge,
      }),
      rules: [{ Condition: jsonata('$state = "Enabled"'), Assign: { waited: 0 }, Next: usable }],
      within: GRANT_SECONDS,
      late: 'Say that the key may not be used',
      lateProblem: jsonata(`{"state": ${quoted(judge)}, "error": "Cleanroom.GrantNotUsable", "cause": $volume.keyArn & " could not be used after ${GRANT_SECONDS} seconds (" & $seen.error & "); copied under the transit key"}`),
    }),
    'Say that the key may not be used': { Type: 'Pass', Assign: { notes: jsonata('$append($notes, [$problem])'), problem: null, waited: 0 }, Output: {}, Next: not },
  };
};

/** Waits for the source snapshot and makes one of it that the forensic account may restore. */
export const sharingBranch = (names: WorkflowNames): Flow => {
  const failed = 'Say why it cannot be shared';
  return {
    StartAt: 'Begin with the source snapshot',
    States: {
      ...branchStart('Begin with the source snapshot', 'Look at the source snapshot', { transitSnapshot: '', shared: jsonata('$sourceSnapshot'), seen: { error: '' } }),
      ...untilComplete(names, { ask: 'Look at the source snapshot', judge: 'Is the source snapshot complete?', wait: 'Wait for the source snapshot', snapshot: '$sourceSnapshot', inMember: true, failed, next: 'May it be shared as it is?' }),
      'May it be shared as it is?': {
        Type: 'Choice',
        Choices: [{ Condition: jsonata('$volume.route = "direct"'), Next: 'Has it a key of its own?' }],
        Default: 'Copy it under the transit key',
      },
      ...keyStates(names, { usable: 'Share it with the forensic account', not: 'Copy it under the transit key' }),
      ...copyWithRoom(names, {
        copy: 'Copy it under the transit key',
        judge: 'Is there no room for the copy?',
        wait: 'Wait for room for the copy',
        look: { ask: 'Look for the working copy', found: 'Was it copied?', take: 'Take the working copy over' },
        args: { KmsKeyId: jsonata('$plan.transitKeyArn') },
        purpose: 'working-copy',
        inMember: true,
        variable: 'transitSnapshot',
        source: '$sourceSnapshot',
        failed,
        next: 'Look at the copy',
      }),
      ...untilComplete(names, { ask: 'Look at the copy', judge: 'Is the copy complete?', wait: 'Wait for the copy', snapshot: '$transitSnapshot', inMember: true, failed, next: 'Take the copy' }),
      'Take the copy': { Type: 'Pass', Assign: { shared: jsonata('$transitSnapshot') }, Output: {}, Next: 'Share it with the forensic account' },
      'Share it with the forensic account': callTask(names, {
        service: 'ec2',
        action: 'modifySnapshotAttribute',
        args: { SnapshotId: jsonata('$shared'), Attribute: 'createVolumePermission', OperationType: 'add', UserIds: [names.account] },
        inMember: true,
        assign: { calls: touched('ec2', 'modifySnapshotAttribute', '$shared', '$case.account', names.region) },
        catch: toBranchEnd('Share it with the forensic account', failed),
        next: 'It is shared',
      }),
      ...branchEnds({ done: 'It is shared', failed, tells: { shared: jsonata('$shared'), transitSnapshot: jsonata('$transitSnapshot') } }),
    },
  };
};

/** Keeps a locked copy under the evidence key, beside the imaging: it takes as long as it takes. */
export const keepingBranch = (names: WorkflowNames): Flow => {
  const failed = 'Say why the snapshot is not kept';
  return {
    StartAt: 'Begin with the evidence snapshot',
    States: {
      ...branchStart('Begin with the evidence snapshot', 'Copy it under the evidence key', { evidenceSnapshot: '', lockedUntil: '' }),
      ...copyWithRoom(names, {
        copy: 'Copy it under the evidence key',
        judge: 'Is there no room for the evidence?',
        wait: 'Wait for room for the evidence',
        look: { ask: 'Look for the evidence', found: 'Was the evidence copied?', take: 'Take the evidence over' },
        args: { KmsKeyId: jsonata('$plan.evidenceKeyArn') },
        purpose: 'evidence',
        inMember: false,
        variable: 'evidenceSnapshot',
        source: '$shared',
        failed,
        next: 'Look at the evidence snapshot',
      }),
      ...untilComplete(names, { ask: 'Look at the evidence snapshot', judge: 'Is the evidence snapshot complete?', wait: 'Wait for the evidence snapshot', snapshot: '$evidenceSnapshot', inMember: false, failed, next: 'Lock the evidence snapshot' }),
      'Lock the evidence snapshot': callTask(names, {
        service: 'ec2',
        action: 'lockSnapshot',
        args: { SnapshotId: jsonata('$evidenceSnapshot'), LockMode: names.snapshotLockMode, LockDuration: names.snapshotLockDays },
        assign: {
          lockedUntil: jsonata('$exists($states.result.LockExpiresOn) ? $fromMillis($toMillis($states.result.LockExpiresOn)) : ""'),
          calls: touched('ec2', 'lockSnapshot', '$evidenceSnapshot', quoted(names.account), names.region),
        },
        catch: toBranchEnd('Lock the evidence snapshot', failed),
        next: 'The snapshot is kept',
      }),
      ...branchEnds({ done: 'The snapshot is kept', failed, tells: { evidenceSnapshot: jsonata('$evidenceSnapshot'), lockedUntil: jsonata('$lockedUntil') } }),
    },
  };
};
