import { jsonata, quoted, type States } from './asl.ts';
import { POLL_START, poll } from './poll.ts';
import { callTask, notedAndOn, touched, type WorkflowNames } from './tasks.ts';

/** A collector that is told to end has ended after some minutes. */
const END_SECONDS = 1200;
const OVER = 'Say what became of it';

/** Takes away the collector, its volume and the working copy. Only after the evidence has been proven; what fails here stays, and is listed. */
export const releaseStates = (names: WorkflowNames): States => ({
  'End the collector': callTask(names, {
    service: 'ec2',
    action: 'terminateInstances',
    args: { InstanceIds: [jsonata('$collector')] },
    assign: { ...POLL_START, calls: touched('ec2', 'terminateInstances', '$collector', quoted(names.account), names.region) },
    catch: notedAndOn('End the collector', OVER),
    next: 'Look whether the collector has ended',
  }),
  ...poll({
    ask: 'Look whether the collector has ended',
    judge: 'Has the collector ended?',
    wait: 'Wait for the collector to end',
    task: callTask(names, {
      service: 'ec2',
      action: 'describeInstances',
      args: { InstanceIds: [jsonata('$collector')] },
      asks: 'patiently',
      assign: { state: jsonata('$states.result.Reservations[0].Instances[0].State.Name') },
      catch: notedAndOn('Look whether the collector has ended', OVER),
      next: 'Has the collector ended?',
    }),
    rules: [{ Condition: jsonata('$state = "terminated"'), Assign: { gone: ['collector'] }, Next: 'Delete the restored volume' }],
    within: END_SECONDS,
    late: OVER,
    lateProblem: jsonata(`{"state": "Has the collector ended?", "error": "Cleanroom.CollectorDoesNotEnd", "cause": "collector " & $collector & " was not terminated after ${END_SECONDS} seconds"}`),
  }),
  'Delete the restored volume': callTask(names, {
    service: 'ec2',
    action: 'deleteVolume',
    args: { VolumeId: jsonata('$workVolume') },
    assign: { gone: ['collector', 'volume'], calls: touched('ec2', 'deleteVolume', '$workVolume', quoted(names.account), names.region) },
    catch: notedAndOn('Delete the restored volume', 'Is there a working copy?'),
    next: 'Is there a working copy?',
  }),
  'Is there a working copy?': {
    Type: 'Choice',
    Choices: [{ Condition: jsonata('$transitSnapshot != ""'), Next: 'Delete the working copy' }],
    Default: OVER,
  },
  'Delete the working copy': callTask(names, {
    comment: 'The copy that the workflow made to share it; the snapshots of the source stay',
    service: 'ec2',
    action: 'deleteSnapshot',
    args: { SnapshotId: jsonata('$transitSnapshot') },
    inMember: true,
    assign: { gone: jsonata('$append($gone, ["transit"])'), calls: touched('ec2', 'deleteSnapshot', '$transitSnapshot', '$case.account', names.region) },
    catch: notedAndOn('Delete the working copy', OVER),
    next: OVER,
  }),
});
