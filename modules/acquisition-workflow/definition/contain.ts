import { CASE_TAGS } from '../../vocabulary/index.ts';
import { credentialStates, credentialUndo, LOOK_AT_CREDENTIALS, REPLACE_CREDENTIALS } from './credentials.ts';
import { jsonata, quoted, tenAtOnce, type Data, type States } from './asl.ts';
import { doneChange } from './preserve.ts';
import { recordTask, stageChange } from './records.ts';
import { callTask, madeCall, notedAndOn, touched, touchedByEach, whenItFails, type CallOptions, type WorkflowNames } from './tasks.ts';

/** State after the containment, done or not. */
const ON = 'Record that imaging begins';

/** Rules that let everything through: over IPv4, over IPv6, and over both. */
const EVERY_IPV4 = { IpProtocol: '-1', IpRanges: [{ CidrIp: '0.0.0.0/0' }] };
const EVERY_IPV6 = { IpProtocol: '-1', Ipv6Ranges: [{ CidrIpv6: '::/0' }] };
const EVERYTHING: Data = [{ ...EVERY_IPV4, ...EVERY_IPV6 }];

/** A step of the containment. What fails is noted, and the images are made all the same: an acquisition is worth more than its isolation. */
const step = (names: WorkflowNames, state: string, { next, onFailure = next, ...options }: Omit<CallOptions, 'catch' | 'inMember' | 'service'> & { readonly onFailure?: string }): States => ({
  [state]: callTask(names, {
    service: 'ec2',
    inMember: true,
    next,
    catch: notedAndOn(state, onFailure),
    ...options,
  }),
});

const group = (names: WorkflowNames, state: string, kind: string, variable: string, next: string): States =>
  step(names, state, {
    action: 'createSecurityGroup',
    args: {
      GroupName: jsonata(`"cleanroom-${kind}-" & $states.context.Execution.Name`),
      Description: jsonata(`"Cleanroom: ${kind} group of case " & $case.caseId`),
      VpcId: jsonata('$instance.VpcId'),
      TagSpecifications: [{ ResourceType: 'security-group', Tags: [{ Key: CASE_TAGS.caseId, Value: jsonata('$case.caseId') }] }],
    },
    assign: { [variable]: jsonata('$states.result.GroupId'), leftBehind: jsonata(`$append($leftBehind, [{"resource": $states.result.GroupId, "why": "${kind} security group in account " & $case.account}])`) },
    next,
    onFailure: ON,
  });

/** What the names of containment groups begin with. */
const CLOSED = 'cleanroom-containment-';

/**
 * JSONata: the interfaces that are in no containment group yet. One that another case has closed is not opened again, and given
 * back by that case alone: else the release of this one would close it once more.
 */
const open = (instance: string): string =>
  `[${instance}.NetworkInterfaces[$not($count(Groups) > 0 and $count(Groups[$exists(GroupName) and $contains(GroupName, /^${CLOSED}/)]) = $count(Groups))]]`;

const DESCRIBED = '$states.result.Reservations[0].Instances[0]';
const LOOK = 'Is it isolated already?';

const lookStates = (names: WorkflowNames): States => ({
  [LOOK]: callTask(names, {
    comment: 'Another case of the same instance may have isolated it since it was described',
    service: 'ec2',
    action: 'describeInstances',
    args: { InstanceIds: [jsonata('$case.instanceId')] },
    inMember: true,
    asks: true,
    assign: {
      instance: jsonata(DESCRIBED),
      notes: jsonata(`$count(${open(DESCRIBED)}) > 0 ? $notes : $append($notes, [{"state": ${quoted(LOOK)}, "error": "Cleanroom.Isolated", "cause": "it is isolated already: the release of the case that did so gives its network back"}])`),
    },
    catch: notedAndOn(LOOK, 'Make the open group'),
    next: 'Make the open group',
  }),
});

const notIsolated = (state: string): string => `{"state": ${quoted(state)}, "error": "Cleanroom.Interface", "cause": "the security group of a network interface could not be changed: the instance is not isolated"}`;

/** Puts network interfaces of the instance into one group. @param items JSONata: which */
const swap = (names: WorkflowNames, state: string, one: string, done: string, failed: string, items: string, variable: string, next: string): States => ({
  [state]: {
    Type: 'Map',
    Items: jsonata(`[${items}.NetworkInterfaceId]`),
    ItemSelector: { id: jsonata('$states.context.Map.Item.Value') },
    ...tenAtOnce(one, {
      [one]: {
        ...callTask(names, {
          service: 'ec2',
          action: 'modifyNetworkInterfaceAttribute',
          args: { NetworkInterfaceId: jsonata('$states.input.id'), Groups: [jsonata(`$${variable}`)] },
          inMember: true,
          catch: [{ ErrorEquals: ['States.ALL'], Next: failed }],
          next: done,
        }),
        Output: jsonata(madeCall({ service: 'ec2', action: 'modifyNetworkInterfaceAttribute', resources: `$states.input.id, $${variable}`, account: '$case.account', region: names.region })),
      },
      [done]: { Type: 'Succeed' },
      [failed]: { Type: 'Succeed', Output: { failed: true } },
    }),
    Assign: { ...touchedByEach(notIsolated(state)), unswapped: jsonata('$count($states.result[failed = true]) > 0') },
    Output: {},
    Catch: whenItFails(state, next, { unswapped: true, notes: jsonata(`$append($notes, [${notIsolated(state)}])`) }),
    Next: next,
  },
});

/** What was opened and cannot be closed is left in a group that lets nothing through either. */
const shutStates = (names: WorkflowNames, judge: string, next: string): States => {
  const [inwards, outwards, outwards6] = ['Let nothing in any more', 'Let nothing out any more', 'Let nothing out any more over IPv6'] as const;
  const shut = (state: string, action: 'revokeSecurityGroupIngress' | 'revokeSecurityGroupEgress', IpPermissions: Data, on: string, more: Pick<CallOptions, 'assign'> = {}): States =>
    step(names, state, { action, args: { GroupId: jsonata('$openGroup'), IpPermissions }, next: on, ...more });
  return {
    [judge]: { Type: 'Choice', Choices: [{ Condition: jsonata('$unswapped'), Next: inwards }], Default: next },
    ...shut(inwards, 'revokeSecurityGroupIngress', EVERYTHING, outwards),
    ...shut(outwards, 'revokeSecurityGroupEgress', [EVERY_IPV4], outwards6),
    ...shut(outwards6, 'revokeSecurityGroupEgress', [EVERY_IPV6], next, {
      assign: { notes: jsonata(`$append($notes, [{"state": ${quoted(judge)}, "error": "Cleanroom.Interface", "cause": "an interface could not be put into the containment group; the group that let everything through lets nothing through any more, as far as no note says otherwise"}])`) },
    }),
  };
};

const WRITE = 'Write down how to lift the isolation';

const undoStates = (names: WorkflowNames): States => {
  const groups = doneChange(names, '"isolated: network interface " & $n.NetworkInterfaceId', 'ec2:modifyNetworkInterfaceAttribute', '{"NetworkInterfaceId": $n.NetworkInterfaceId, "Groups": [$n.Groups.GroupId]}');
  const metadata = doneChange(names, '"its metadata service is off"', 'ec2:modifyInstanceMetadataOptions', '{"InstanceId": $case.instanceId, "HttpEndpoint": $exists($instance.MetadataOptions.HttpEndpoint) ? $instance.MetadataOptions.HttpEndpoint : "enabled"}');
  return {
    [WRITE]: recordTask(names, {
      state: WRITE,
      changes: `$append([${stageChange('contain')}], $append([$map(${open('$instance')}, function($n) { ${groups} })], $append($instance.MetadataOptions.HttpEndpoint = "disabled" ? [] : [${metadata}], ${credentialUndo(names)})))`,
      catch: whenItFails(WRITE, ON, { notes: jsonata(`$append($notes, [{"state": ${quoted(WRITE)}, "error": "Cleanroom.Record", "cause": "the instance is not isolated, since nobody could undo it"}])`) }),
      next: 'Open all its network interfaces',
    }),
  };
};

/**
 * Cuts the instance off. The group that lets everything through comes first: it makes the flows untracked, so that the one
 * that lets nothing through ends those that are open. Then its credentials: no metadata service, a profile that may do nothing,
 * and no session of its old one.
 */
export const containStates = (names: WorkflowNames): States => ({
  'Is the instance to be isolated?': {
    Type: 'Choice',
    Choices: [{ Condition: jsonata('$case.options.containment = "isolate"'), Next: LOOK }],
    Default: ON,
  },
  ...lookStates(names),
  ...group(names, 'Make the open group', 'open', 'openGroup', 'Let everything in'),
  ...step(names, 'Let everything in', { action: 'authorizeSecurityGroupIngress', args: { GroupId: jsonata('$openGroup'), IpPermissions: EVERYTHING }, next: 'Let everything out' }),
  ...step(names, 'Let everything out', {
    comment: 'A new group lets IPv4 out; IPv6 only where the VPC has it',
    action: 'authorizeSecurityGroupEgress',
    args: { GroupId: jsonata('$openGroup'), IpPermissions: [EVERY_IPV6] },
    next: 'Make the containment group',
  }),
  ...group(names, 'Make the containment group', 'containment', 'closedGroup', 'Let nothing out'),
  ...step(names, 'Let nothing out', {
    action: 'revokeSecurityGroupEgress',
    args: { GroupId: jsonata('$closedGroup'), IpPermissions: [EVERY_IPV4] },
    next: 'Let nothing out over IPv6',
    onFailure: ON,
  }),
  ...step(names, 'Let nothing out over IPv6', {
    comment: 'Fails where there was no such rule',
    action: 'revokeSecurityGroupEgress',
    args: { GroupId: jsonata('$closedGroup'), IpPermissions: [EVERY_IPV6] },
    next: LOOK_AT_CREDENTIALS,
  }),
  ...undoStates(names),
  ...swap(names, 'Open all its network interfaces', 'Open a network interface', 'It is open', 'It cannot be opened', open('$instance'), 'openGroup', 'Close all its network interfaces'),
  ...swap(names, 'Close all its network interfaces', 'Close a network interface', 'It is closed', 'It cannot be closed', '$instance.NetworkInterfaces', 'closedGroup', 'Is an interface open still?'),
  ...shutStates(names, 'Is an interface open still?', 'Switch its metadata service off'),
  ...step(names, 'Switch its metadata service off', {
    action: 'modifyInstanceMetadataOptions',
    args: { InstanceId: jsonata('$case.instanceId'), HttpEndpoint: 'disabled' },
    assign: { calls: touched('ec2', 'modifyInstanceMetadataOptions', '$case.instanceId', '$case.account', names.region) },
    next: REPLACE_CREDENTIALS,
  }),
  ...credentialStates(names, WRITE, ON),
});
