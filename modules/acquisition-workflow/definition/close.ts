import { alertTopicName, logGroupName } from '../../vocabulary/index.ts';
import { jsonata, quoted, type Assign, type States } from './asl.ts';
import { ENDING } from './open.ts';
import { CALLS_CHANGE, problemLine, recordTask } from './records.ts';
import { callTask, notedAndOn, problemOf, whenItFails, type WorkflowNames } from './tasks.ts';

/** Stream of the workflow's own lines in the audit group, one an execution. */
const STREAM = '"workflow/" & $states.context.Execution.Name';

const NOTE = '$substring("Cleanroom case " & $case.caseId & ", instance " & $case.instanceId & ": " & $status & ($problem = null ? "" : ". " & $problem.error & " at " & $problem.state), 0, 500)';

/**
 * A message that no input makes fail: whatever there is is turned into text, and cut. The subject is a constant, since SNS
 * refuses one with a line break, a control character or more than 100 characters.
 */
const MESSAGE = `$substring($string({"case": $case.caseId, "instance": $case.instanceId, "account": $case.account, "status": $status, "problem": $problem, "volumes": [$results.{"volumeId": volumeId, "status": status, "problems": [problems.(${problemLine('$')})]}], "notes": $notes, "leftBehind": $leftBehind, "execution": $states.context.Execution.Id}), 0, 60000)`;

const AUDIT = '$string({"event": "case.closed", "level": $status = "COMPLETE" ? "info" : $status = "PARTIAL" ? "warn" : "error", "time": $now(), "caseId": $case.caseId, "instanceId": $case.instanceId, "account": $case.account, "status": $status, "problem": $problem, "volumes": [$results.summary], "execution": $states.context.Execution.Id})';

const closingStates = (names: WorkflowNames): States => ({
  [ENDING]: recordTask(names, {
    state: ENDING,
    changes: `$append($count($leftBehind) > 0 ? [{"kind": "left-behind", "leftBehind": $leftBehind}] : [], $append(${CALLS_CHANGE}, [$merge([{"kind": "closed", "status": $status}, {"problems": [$append($problem = null ? [] : [$problem], $notes).(${problemLine('$')})]}])]))`,
    // A case whose end nobody can read is not closed, whatever its images are.
    catch: whenItFails(ENDING, 'Open the audit log', { status: 'FAILED', notes: jsonata(`$append($notes, [${problemOf(ENDING).slice(3, -3)}])`), problem: jsonata(`$problem != null ? $problem : ${problemOf(ENDING).slice(3, -3)}`) }),
    next: 'Open the audit log',
  }),
  'Open the audit log': callTask(names, {
    service: 'cloudwatchlogs',
    action: 'createLogStream',
    args: { LogGroupName: logGroupName('audit', names.logPrefix), LogStreamName: jsonata(STREAM) },
    catch: [{ ErrorEquals: ['CloudWatchLogs.ResourceAlreadyExistsException'], Next: 'Write the summary' }, ...notedAndOn('Open the audit log', 'Can the finding be noted?')],
    next: 'Write the summary',
  }),
  'Write the summary': callTask(names, {
    service: 'cloudwatchlogs',
    action: 'putLogEvents',
    args: {
      LogGroupName: logGroupName('audit', names.logPrefix),
      LogStreamName: jsonata(STREAM),
      LogEvents: [{ Message: jsonata(AUDIT), Timestamp: jsonata('$toMillis($states.context.State.EnteredTime)') }],
    },
    catch: notedAndOn('Write the summary', 'Can the finding be noted?'),
    next: 'Can the finding be noted?',
  }),
});

/** Security Hub answers with success where it noted nothing. */
const notNoted = (state: string): Assign => ({
  notes: jsonata(`$count($states.result.UnprocessedFindings) > 0 ? $append($notes, [{"state": ${quoted(state)}, "error": "Cleanroom.FindingNotNoted", "cause": $substring($string($states.result.UnprocessedFindings[0].ErrorMessage), 0, 500)}]) : $notes`),
});

const findingStates = (names: WorkflowNames): States => ({
  'Can the finding be noted?': {
    Type: 'Choice',
    Choices: [
      { Condition: jsonata('$case.trigger.finding.api = "BatchUpdateFindings"'), Next: 'Note it on the finding' },
      { Condition: jsonata('$case.trigger.finding.api = "BatchUpdateFindingsV2"'), Next: 'Comment the finding' },
    ],
    Default: 'Tell how it ended',
  },
  'Note it on the finding': callTask(names, {
    service: 'securityhub',
    action: 'batchUpdateFindings',
    args: {
      FindingIdentifiers: [{ Id: jsonata('$case.trigger.finding.id'), ProductArn: jsonata('$case.trigger.finding.productArn') }],
      Note: { Text: jsonata(NOTE), UpdatedBy: 'cleanroom' },
      Workflow: { Status: 'NOTIFIED' },
    },
    inMember: true,
    assign: notNoted('Note it on the finding'),
    catch: notedAndOn('Note it on the finding', 'Tell how it ended'),
    next: 'Tell how it ended',
  }),
  'Comment the finding': callTask(names, {
    service: 'securityhub',
    action: 'batchUpdateFindingsV2',
    args: { MetadataUids: [jsonata('$case.trigger.finding.metadataUid')], Comment: jsonata(NOTE), StatusId: 2 },
    inMember: true,
    assign: notNoted('Comment the finding'),
    catch: notedAndOn('Comment the finding', 'Tell how it ended'),
    next: 'Tell how it ended',
  }),
});

const FAILURE = '$problem = null ? "see the case record" : $substring($string($problem), 0, 1500)';

/** Whatever happened ends here: recorded, written to the audit log, noted on the finding, told, and with an ending that says it. */
export const closeStates = (names: WorkflowNames): States => ({
  ...closingStates(names),
  ...findingStates(names),
  'Tell how it ended': callTask(names, {
    service: 'sns',
    action: 'publish',
    args: {
      TopicArn: `arn:${names.partition}:sns:${names.region}:${names.account}:${alertTopicName(names)}`,
      Subject: 'Cleanroom: an acquisition has ended',
      Message: jsonata(MESSAGE),
      MessageAttributes: { status: { DataType: 'String', StringValue: jsonata('$status') } },
    },
    retry: [{ ErrorEquals: ['States.ALL'], IntervalSeconds: 5, MaxAttempts: 8, BackoffRate: 2, MaxDelaySeconds: 120, JitterStrategy: 'FULL' }],
    catch: whenItFails('Tell how it ended', 'Nobody could be told', { notTold: problemOf('Tell how it ended') }),
    next: 'How did it end?',
  }),
  'Nobody could be told': {
    Type: 'Fail',
    Error: 'Cleanroom.NotificationFailed',
    Cause: jsonata(`"nobody could be told that the acquisition ended as " & $status & ": " & $substring($string($notTold), 0, 1000)`),
  },
  'How did it end?': {
    Type: 'Choice',
    Choices: [
      { Condition: jsonata('$status = "COMPLETE" or $status = "PARTIAL"'), Next: 'Acquired' },
      { Condition: jsonata('$status = "CANCELLED"'), Next: 'Cancelled' },
    ],
    Default: 'Failed',
  },
  'Acquired': { Type: 'Succeed', Output: jsonata('{"caseId": $case.caseId, "instanceId": $case.instanceId, "status": $status, "volumes": [$results.{"volumeId": volumeId, "status": status}], "leftBehind": $leftBehind}') },
  'Cancelled': { Type: 'Fail', Error: 'Cleanroom.Cancelled', Cause: jsonata(FAILURE) },
  'Failed': { Type: 'Fail', Error: jsonata('$problem = null ? "Cleanroom.Failed" : $problem.error'), Cause: jsonata(FAILURE) },
});
