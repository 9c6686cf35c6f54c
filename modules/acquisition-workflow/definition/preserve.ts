import { jsonata, quoted, type States, type TaskState } from './asl.ts';
import { LEAVE_LOAD_BALANCERS, LOOK_AT_LOAD_BALANCERS, loadBalancerLeaveStates, loadBalancerLookStates } from './load-balancers.ts';
import { recordTask, stageChange } from './records.ts';
import { callTask, handlerTask, notedAndOn, TOLD_CALLS, touched, whenItFails, type CallOptions, type WorkflowNames } from './tasks.ts';

/** A JSONata change that says what is done to the suspect, and which call undoes it. */
export const doneChange = (names: WorkflowNames, what: string, action: string, parameters: string): string =>
  `{"kind": "done", "what": ${what}, "undo": {"action": ${quoted(action)}, "account": $case.account, "region": ${quoted(names.region)}, "parameters": ${parameters}}}`;

const INSTANCE = { InstanceId: jsonata('$case.instanceId') } as const;

/** A step in the monitored account that is worth having but stops nothing when it fails: that is noted, and the next one follows. */
export const attempt = (names: WorkflowNames, state: string, options: Omit<CallOptions, 'catch' | 'inMember'>): TaskState =>
  callTask(names, { ...options, inMember: true, catch: notedAndOn(state, options.next) });

/** A change of the suspect itself, which the custody log is told of. */
const change = (names: WorkflowNames, state: string, args: { readonly [key: string]: CallOptions['args'] }, next: string): TaskState =>
  attempt(names, state, {
    service: 'ec2',
    action: 'modifyInstanceAttribute',
    args: { ...INSTANCE, ...args },
    assign: { calls: touched('ec2', 'modifyInstanceAttribute', '$case.instanceId', '$case.account', names.region, Object.keys(args)) },
    next,
  });

const ask = (names: WorkflowNames, state: string, attribute: 'disableApiTermination' | 'disableApiStop' | 'instanceInitiatedShutdownBehavior', variable: string, next: string): TaskState =>
  attempt(names, state, {
    service: 'ec2',
    action: 'describeInstanceAttribute',
    args: { ...INSTANCE, Attribute: attribute },
    asks: true,
    assign: { [variable]: jsonata(`$states.result.${attribute.charAt(0).toUpperCase()}${attribute.slice(1)}.Value`) },
    next,
  });

/** The most volatile first: what the instance says of itself. */
const lookStates = (names: WorkflowNames): States => ({
  'Say that preserving begins': recordTask(names, { state: 'Say that preserving begins', changes: `[${stageChange('preserve', 'PRESERVING')}]`, next: 'Keep its metadata' }),
  'Keep its metadata': handlerTask(names, {
    handler: 'store-console',
    payload: { input: jsonata('$case'), screenshot: '', output: '', metadata: { instance: jsonata('$instance'), volumes: jsonata('$volumes') } },
    catch: notedAndOn('Keep its metadata', 'Take a screenshot of its console'),
    assign: { calls: TOLD_CALLS },
    next: 'Take a screenshot of its console',
  }),
  'Take a screenshot of its console': attempt(names, 'Take a screenshot of its console', {
    service: 'ec2',
    action: 'getConsoleScreenshot',
    args: { ...INSTANCE, WakeUp: false }, // waking it up would change it
    assign: {
      screenshot: jsonata('$exists($states.result.ImageData) ? $states.result.ImageData : ""'),
      calls: touched('ec2', 'getConsoleScreenshot', '$case.instanceId', '$case.account', names.region),
    },
    next: 'Take its console output',
  }),
  'Take its console output': attempt(names, 'Take its console output', {
    service: 'ec2',
    action: 'getConsoleOutput',
    args: INSTANCE, // not the latest: only some instance types have it, and the others answer with an error
    assign: {
      console: jsonata('$exists($states.result.Output) ? $states.result.Output : ""'),
      calls: touched('ec2', 'getConsoleOutput', '$case.instanceId', '$case.account', names.region),
    },
    next: 'Keep its console',
  }),
  'Keep its console': handlerTask(names, {
    handler: 'store-console',
    payload: { input: jsonata('$case'), screenshot: jsonata('$screenshot'), output: jsonata('$console') },
    catch: notedAndOn('Keep its console', 'Is it protected from termination?'),
    assign: { screenshot: '', console: '', calls: TOLD_CALLS },
    next: 'Is it protected from termination?',
  }),
});

/** What is there now, so that each change can be undone. */
const askStates = (names: WorkflowNames): States => ({
  'Is it protected from termination?': ask(names, 'Is it protected from termination?', 'disableApiTermination', 'wasProtected', 'Is it protected from being stopped?'),
  'Is it protected from being stopped?': ask(names, 'Is it protected from being stopped?', 'disableApiStop', 'wasStopProtected', 'What does it do when it shuts down?'),
  'What does it do when it shuts down?': ask(names, 'What does it do when it shuts down?', 'instanceInitiatedShutdownBehavior', 'shutdownWas', 'Is it in an Auto Scaling group?'),
  'Is it in an Auto Scaling group?': attempt(names, 'Is it in an Auto Scaling group?', {
    service: 'autoscaling',
    action: 'describeAutoScalingInstances',
    args: { InstanceIds: [jsonata('$case.instanceId')] },
    asks: true,
    assign: { group: jsonata('$count($states.result.AutoScalingInstances[LifecycleState = "InService"]) > 0 ? $states.result.AutoScalingInstances[0].AutoScalingGroupName : ""') },
    next: LOOK_AT_LOAD_BALANCERS,
  }),
});

const UNDO = 'Write down what changes, and how to undo it';

/** Written before it is done: an execution that is cut short leaves no change that nobody knows how to undo. */
const writeStates = (names: WorkflowNames): States => {
  const attribute = (what: string, name: string, value: string) =>
    doneChange(names, quoted(what), 'ec2:modifyInstanceAttribute', `{"InstanceId": $case.instanceId, ${quoted(name)}: {"Value": ${value}}}`);
  const always = [
    attribute('protected from termination', 'DisableApiTermination', '$boolean($wasProtected)'),
    attribute('protected from being stopped', 'DisableApiStop', '$boolean($wasStopProtected)'),
    attribute('stops where it would have been terminated on shutdown', 'InstanceInitiatedShutdownBehavior', '$shutdownWas'),
    doneChange(names, '"keeps its volumes on termination"', 'ec2:modifyInstanceAttribute',
      '{"InstanceId": $case.instanceId, "BlockDeviceMappings": [$instance.BlockDeviceMappings.{"DeviceName": DeviceName, "Ebs": {"DeleteOnTermination": Ebs.DeleteOnTermination}}]}'),
  ];
  const group = doneChange(names, '"in standby in its Auto Scaling group"', 'autoscaling:exitStandby', '{"InstanceIds": [$case.instanceId], "AutoScalingGroupName": $group}');
  const targets = doneChange(names, '"taken out of a load balancer\'s target group"', 'elasticloadbalancingv2:registerTargets', '{"TargetGroupArn": $t.arn, "Targets": $t.targets}');
  const balancers = doneChange(names, '"taken out of a classic load balancer"', 'elasticloadbalancing:registerInstancesWithLoadBalancer', '{"LoadBalancerName": $b, "Instances": [{"InstanceId": $case.instanceId}]}');
  return {
    [UNDO]: recordTask(names, {
      state: UNDO,
      changes: `$append([${always.join(', ')}], $append($group = "" ? [] : [${group}], $append($map($targetGroups, function($t) { ${targets} }), $map($balancers, function($b) { ${balancers} }))))`,
      catch: whenItFails(UNDO, 'Record the ending'),
      next: 'Protect it from termination',
    }),
  };
};

const protectStates = (names: WorkflowNames): States => ({
  'Protect it from termination': change(names, 'Protect it from termination', { DisableApiTermination: { Value: true } }, 'Protect it from being stopped'),
  'Protect it from being stopped': change(names, 'Protect it from being stopped', { DisableApiStop: { Value: true } }, 'Let a shutdown stop it only'),
  'Let a shutdown stop it only': change(names, 'Let a shutdown stop it only', { InstanceInitiatedShutdownBehavior: { Value: 'stop' } }, 'Let its volumes outlive it'),
  'Let its volumes outlive it': change(
    names,
    'Let its volumes outlive it',
    { BlockDeviceMappings: jsonata('[$instance.BlockDeviceMappings.{"DeviceName": DeviceName, "Ebs": {"DeleteOnTermination": false}}]') },
    'Has it an Auto Scaling group?',
  ),
  'Has it an Auto Scaling group?': {
    Type: 'Choice',
    Choices: [{ Condition: jsonata('$group != ""'), Next: 'Put it into standby' }],
    Default: LEAVE_LOAD_BALANCERS,
  },
  'Put it into standby': attempt(names, 'Put it into standby', {
    comment: 'The group replaces it: its work goes on elsewhere, and nothing terminates it',
    service: 'autoscaling',
    action: 'enterStandby',
    args: { InstanceIds: [jsonata('$case.instanceId')], AutoScalingGroupName: jsonata('$group'), ShouldDecrementDesiredCapacity: false },
    assign: { calls: touched('autoscaling', 'enterStandby', '$case.instanceId', '$case.account', names.region) },
    next: LEAVE_LOAD_BALANCERS,
  }),
});

/** Keeps the suspect from being lost: what it says of itself, its protections, and the traffic that reaches it. */
export const preserveStates = (names: WorkflowNames): States => ({
  ...lookStates(names),
  ...askStates(names),
  ...loadBalancerLookStates(names, UNDO),
  ...writeStates(names),
  ...protectStates(names),
  ...loadBalancerLeaveStates(names, 'Snapshot its volumes at once'),
});
