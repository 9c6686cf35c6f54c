import { jsonata, quoted, type States } from './asl.ts';
import { POLL_START } from './poll.ts';
import { problemLine, recordTask, stageChange } from './records.ts';
import { callTask, handlerTask, whenItFails, type WorkflowNames } from './tasks.ts';

/** How long an acquisition waits for a quota in use, at most: four hours. */
export const QUEUE_SECONDS = 14_400;

/** State that every failure before the volumes goes to. */
export const ENDING = 'Record the ending';

const matches = (field: string, pattern: string): string => `($type(${field}) = "string" ? $contains(${field}, ${pattern}) : false)`;

/** What the record and the keys are made of must be well formed before anything is done with it. */
const WELL_FORMED = (region: string): string =>
  [
    '$type($case) = "object"',
    matches('$case.schema', '/^cleanroom\\/acquisition\\/v1$/'),
    matches('$case.caseId', '/^[A-Za-z0-9._-]{1,64}$/'),
    matches('$case.account', '/^[0-9]{12}$/'),
    matches('$case.instanceId', '/^i-[0-9a-f]{8,17}$/'),
    `$case.region = ${quoted(region)}`,
    '$type($case.options.approvalMinutes) = "number"',
    '$type($case.options.deadlineMinutes) = "number"',
    '$type($case.trigger) = "object"',
  ].join(' and ');

const failed = (state: string) => whenItFails(state, ENDING);

/** From the request to the decision that it can, and may, be done. Nothing of the suspect is changed here. */
export const openStates = (names: WorkflowNames): States => ({
  'Begin': {
    Type: 'Pass',
    Assign: {
      case: jsonata('$states.context.Execution.Input'),
      problem: null,
      status: 'FAILED',
      notes: [],
      calls: [],
      leftBehind: [],
      results: [],
      attempt: 0,
      plan: {},
      estimate: {},
      screenshot: '',
      console: '',
      wasProtected: false,
      wasStopProtected: false,
      shutdownWas: 'stop',
      group: '',
      targetGroups: [],
      balancers: [],
      snapshots: [],
      snapshotWaited: 0,
      grants: [],
      profile: { id: '', arn: '' },
      denial: { role: '', key: '' },
      ...POLL_START,
    },
    Output: {},
    Next: 'Is the request well formed?',
  },
  'Is the request well formed?': {
    Type: 'Choice',
    Choices: [{ Condition: jsonata(WELL_FORMED(names.region)), Next: 'Open the case record' }],
    Default: 'Refuse the request',
  },
  'Refuse the request': {
    Type: 'Pass',
    Assign: { problem: { state: 'Is the request well formed?', error: 'Cleanroom.MalformedRequest', cause: `the input is no cleanroom/acquisition/v1 for ${names.region}; start cases through the open-case function` } },
    Output: {},
    Next: 'Tell how it ended', // no record: its keys would be made of what is malformed
  },
  'Open the case record': recordTask(names, {
    state: 'Open the case record',
    changes: '[{"kind": "opened", "executionArn": $states.context.Execution.Id}]',
    catch: failed('Open the case record'),
    next: 'Describe the instance',
  }),
  'Describe the instance': callTask(names, {
    service: 'ec2',
    action: 'describeInstances',
    args: { InstanceIds: [jsonata('$case.instanceId')] },
    inMember: true,
    asks: true,
    assign: { instance: jsonata('$states.result.Reservations[0].Instances[0]') },
    catch: failed('Describe the instance'),
    next: 'Describe its volumes',
  }),
  'Describe its volumes': callTask(names, {
    service: 'ec2',
    action: 'describeVolumes',
    args: { Filters: [{ Name: 'attachment.instance-id', Values: [jsonata('$case.instanceId')] }] },
    inMember: true,
    asks: true,
    assign: { volumes: jsonata('[$states.result.Volumes]') },
    catch: failed('Describe its volumes'),
    next: 'Check that it can be done',
  }),
  'Check that it can be done': handlerTask(names, {
    comment: 'Keys, grants, quotas, image, endpoints and bucket, before anything changes',
    handler: 'preflight',
    payload: { input: jsonata('$case'), instance: jsonata('$instance'), volumes: jsonata('$volumes'), attempt: jsonata('$attempt + 1') },
    seconds: 300,
    assign: { check: jsonata('$states.result.Payload'), attempt: jsonata('$attempt + 1') },
    catch: failed('Check that it can be done'),
    next: 'Can it be done?',
  }),
  'Can it be done?': {
    Type: 'Choice',
    Choices: [
      { Condition: jsonata('$check.verdict = "go"'), Assign: { plan: jsonata('$check.plan'), estimate: jsonata('$check.estimate') }, Next: 'Record the estimate' },
      {
        Condition: jsonata(`$check.verdict = "queue" and $waited >= ${QUEUE_SECONDS}`),
        Assign: { problem: { state: 'Can it be done?', error: 'Cleanroom.QueueTimeout', cause: jsonata(`"a quota was in use for ${QUEUE_SECONDS} seconds: " & $join($check.problems.(code & ": " & what & "; " & fix), "; ")`) } },
        Next: ENDING,
      },
      { Condition: jsonata('$check.verdict = "queue"'), Next: 'Record that it waits' },
    ],
    Default: 'Refuse what cannot be done',
  },
  'Record that it waits': recordTask(names, { state: 'Record that it waits', changes: `[${stageChange('queue')}]`, next: 'Wait for room' }),
  'Wait for room': {
    Type: 'Wait',
    Seconds: jsonata('$max([15, $min([600, $check.waitSeconds])])'),
    Assign: { waited: jsonata('$waited + $max([15, $min([600, $check.waitSeconds])])') },
    Output: {},
    Next: 'Check that it can be done',
  },
  'Refuse what cannot be done': {
    Type: 'Pass',
    Assign: {
      problem: { state: 'Can it be done?', error: 'Cleanroom.Preflight', cause: jsonata('$substring("fix this and open the case again: " & $join($check.problems.(code & ": " & what & "; " & fix), "; "), 0, 1500)') },
    },
    Output: {},
    Next: ENDING,
  },
  'Record the estimate': recordTask(names, {
    state: 'Record the estimate',
    changes:
      '$append([{"kind": "estimate", "estimate": $estimate}], [$map($plan.volumes, function($v) { $merge([{"kind": "volume", "volumeId": $v.volumeId, "status": "WAITING", "sizeBytes": $v.sizeGiB * 1073741824, "deviceName": $v.deviceName, "encrypted": $v.encrypted, "zone": $plan.zone}, $exists($v.keyArn) ? {"keyArn": $v.keyArn} : {}]) })])',
    catch: failed('Record the estimate'),
    next: 'Does somebody have to approve?',
  }),
  'Does somebody have to approve?': {
    Type: 'Choice',
    Choices: [{ Condition: jsonata('$case.options.approval = "required"'), Assign: { approvalSeconds: jsonata('$case.options.approvalMinutes * 60') }, Next: 'Ask for approval' }],
    Default: 'Say that preserving begins',
  },
  'Ask for approval': handlerTask(names, {
    comment: 'Waits until somebody approves or refuses, or the time is over',
    handler: 'ask-approval',
    payload: {
      input: jsonata('$case'),
      estimate: jsonata('$estimate'),
      expiresAt: jsonata(`$fromMillis($toMillis($states.context.State.EnteredTime) + $approvalSeconds * 1000)`),
    },
    waitsForToken: true,
    seconds: jsonata('$approvalSeconds'),
    assign: { approval: jsonata('$states.result') },
    catch: [
      { ErrorEquals: ['States.Timeout'], Assign: { status: 'CANCELLED', approval: { decision: 'expired' }, problem: { state: 'Ask for approval', error: 'Cleanroom.ApprovalExpired', cause: 'nobody approved in time; open the case again' } }, Next: 'Record that it is not approved' },
      {
        ErrorEquals: ['Cleanroom.ApprovalRefused'],
        Assign: { status: 'CANCELLED', approval: { decision: 'refused' }, problem: { state: 'Ask for approval', error: 'Cleanroom.ApprovalRefused', cause: jsonata('$exists($states.errorOutput.Cause) ? $substring($string($states.errorOutput.Cause), 0, 1500) : ""') } },
        Next: 'Record that it is not approved',
      },
      ...failed('Ask for approval'),
    ],
    next: 'Record the approval',
  }),
  'Record the approval': recordTask(names, {
    state: 'Record the approval',
    changes: '[$merge([{"kind": "approval-decided", "decision": "approved"}, $type($approval.approvedBy) = "string" ? {"by": $approval.approvedBy} : {}, $type($approval.reason) = "string" ? {"reason": $approval.reason} : {}])]',
    catch: failed('Record the approval'),
    next: 'Say that preserving begins',
  }),
  'Record that it is not approved': recordTask(names, {
    state: 'Record that it is not approved',
    changes: `[{"kind": "approval-decided", "decision": $approval.decision, "reason": ${problemLine('$problem')}}]`,
    next: ENDING,
  }),
});
