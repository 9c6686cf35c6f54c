import { caseRolePath, CASE_TAGS, LogEvent, READINESS } from '../../vocabulary/index.ts';
import { jsonata, quoted, type Data, type Flow } from './asl.ts';
import { MOST_IN_TURNS } from '../choose-volume.ts';
import { branchEnds, branchStart, toBranchEnd } from './branch.ts';
import { loop } from './poll.ts';
import { readEvents } from './read-events.ts';
import { anyErrorOf, callTask, lostAnswers, notedAndOn, touched, type WorkflowNames } from './tasks.ts';

/** Tags by which the collector learns what it is for; `cleanroom:…` are its settings. */
const collectorTags = (names: WorkflowNames): Data => [
  { Key: CASE_TAGS.caseId, Value: jsonata('$case.caseId') },
  { Key: CASE_TAGS.exhibitId, Value: jsonata('$volume.volumeId') },
  { Key: CASE_TAGS.purpose, Value: 'collector' },
  { Key: 'cleanroom:case', Value: jsonata('$case.caseId') },
  { Key: 'cleanroom:volume', Value: jsonata('$volume.volumeId') },
  { Key: 'cleanroom:to', Value: jsonata('"s3://" & $plan.bucket') },
  { Key: 'cleanroom:region', Value: names.region },
  { Key: 'cleanroom:once', Value: 'true' },
  { Key: 'cleanroom:ignore-attached', Value: 'true' },
  { Key: 'cleanroom:snapshot-chain', Value: jsonata('$sourceSnapshot') },
  // Twice the workflow's own: a collector that is left to go on may still finish, and does not run for ever.
  { Key: 'cleanroom:deadline-seconds', Value: jsonata('$string($min([1209600, $case.options.deadlineMinutes * 120]))') },
  ...(names.logPrefix === '' ? [] : [{ Key: 'cleanroom:log-group-prefix', Value: names.logPrefix }]),
];

const ASK = 'Look for the collector\'s word';
const READY = { ready: jsonata('$count($states.result.Events) > 0') } as const;

/** Starts an isolated instance that images one volume of one case, and waits until it says that it is ready. */
export const collectorBranch = (names: WorkflowNames): Flow => {
  const failed = 'Say why there is no collector';
  return {
    StartAt: 'Begin with the collector',
    States: {
      ...branchStart('Begin with the collector', 'Start a collector', { collector: '', ready: false, crowd: 1 }),
      'Start a collector': callTask(names, {
        comment: 'In the isolated subnet, without a key pair, with IMDSv2, and with leave to write under its one case only',
        service: 'ec2',
        action: 'runInstances',
        args: {
          ClientToken: jsonata('$substring($hash($states.context.Execution.Id & $volume.volumeId & "collector", "SHA-256"), 0, 64)'),
          ImageId: jsonata('$plan.imageId'),
          InstanceType: jsonata('$exists($volume.instanceType) ? $volume.instanceType : $plan.instanceType'),
          MinCount: 1,
          MaxCount: 1,
          IamInstanceProfile: { Arn: jsonata(`${quoted(`arn:${names.partition}:iam::${names.account}:instance-profile${caseRolePath(names)}`)} & $collectorRole`) },
          NetworkInterfaces: [{ DeviceIndex: 0, SubnetId: jsonata('$plan.subnetId'), Groups: [jsonata('$plan.securityGroupId')], AssociatePublicIpAddress: false }],
          MetadataOptions: { HttpEndpoint: 'enabled', HttpTokens: 'required', HttpPutResponseHopLimit: 1, InstanceMetadataTags: 'enabled' },
          InstanceInitiatedShutdownBehavior: 'stop',
          TagSpecifications: [
            { ResourceType: 'instance', Tags: collectorTags(names) },
            { ResourceType: 'volume', Tags: [{ Key: CASE_TAGS.caseId, Value: jsonata('$case.caseId') }, { Key: CASE_TAGS.purpose, Value: 'collector' }] },
          ],
        },
        seconds: 120,
        // A profile takes some seconds until EC2 knows it, and a zone without room may have some in a minute.
        // A thousand starts take ten minutes at the rate that AWS allows.
        retry: [{ ErrorEquals: [anyErrorOf('ec2'), ...lostAnswers('ec2')], IntervalSeconds: 6, MaxAttempts: 30, BackoffRate: 1.2, MaxDelaySeconds: 60, JitterStrategy: 'FULL' }],
        assign: {
          collector: jsonata('$states.result.Instances[0].InstanceId'),
          since: jsonata('$toMillis($states.context.State.EnteredTime) - 60000'),
          calls: touched('ec2', 'runInstances', '$states.result.Instances.InstanceId', quoted(names.account), names.region),
        },
        catch: toBranchEnd('Start a collector', failed),
        next: ASK,
      }),
      ...readEvents(names, {
        ask: ASK,
        more: 'Is that all of its log?',
        again: 'Look for the collector\'s word on the next page',
        events: [LogEvent.collectorStarted],
        since: '$since',
        first: READY,
        further: READY,
        enough: '$ready',
        failed: (state) => toBranchEnd(state, failed),
        next: 'Is the collector ready?',
      }),
      ...loop({
        again: ASK,
        judge: 'Is the collector ready?',
        wait: 'Wait for the collector',
        rules: [{ Condition: jsonata('$ready'), Next: 'Count the collectors at work' }],
        least: 15, // it is ready long before the snapshot is, and CloudWatch Logs answers ten such questions a second
        within: READINESS.startSeconds,
        late: failed,
        lateProblem: jsonata(`{"state": "Is the collector ready?", "error": "Cleanroom.CollectorNotReady", "cause": "collector " & $collector & " did not log ${LogEvent.collectorStarted} in ${READINESS.startSeconds} seconds; look at its console output"}`),
      }),
      'Count the collectors at work': callTask(names, {
        comment: 'By their root volumes: as many volumes share what the Region fills at once. More than a page are as good as a page',
        service: 'ec2',
        action: 'describeVolumes',
        args: { Filters: [{ Name: `tag:${CASE_TAGS.purpose}`, Values: ['collector'] }], MaxResults: 2 * MOST_IN_TURNS },
        asks: 'patiently',
        assign: { crowd: jsonata(`$max([1, $count($states.result.Volumes[$not(${quoted(CASE_TAGS.exhibitId)} in Tags.Key)])])`) },
        catch: notedAndOn('Count the collectors at work', 'The collector is ready'),
        next: 'The collector is ready',
      }),
      ...branchEnds({ done: 'The collector is ready', failed, tells: { collector: jsonata('$collector'), crowd: jsonata('$crowd') } }),
    },
  };
};
