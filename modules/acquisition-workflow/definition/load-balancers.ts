import { jsonata, quoted, tenAtOnce, type Assign, type MapState, type States, type TaskState } from './asl.ts';
import { callTask, madeCall, notedAndOn, problemOf, touchedByEach, whenItFails, type Service, type WorkflowNames } from './tasks.ts';

/**
 * Target groups that are looked into, at most: each takes nine events of the execution's history, which has 25,000. An account
 * may have 3,000 in a Region unless it asked for more; those of other networks are not counted.
 */
export const MOST_TARGET_GROUPS = 1500;
/** A page of descriptions has to stay under 256 KiB: about 1 KiB a target group, several a load balancer. */
const GROUPS_A_PAGE = 100;
const BALANCERS_A_PAGE = 20;
const MOST_PAGES = 50;

/** First state: which traffic reaches the suspect. */
export const LOOK_AT_LOAD_BALANCERS = 'Which target groups are there?';
/** First state that takes it out. */
export const LEAVE_LOAD_BALANCERS = 'Take it out of its target groups';

interface Listing {
  readonly ask: string;
  readonly judge: string;
  readonly again: string;
  readonly service: Service;
  readonly action: string;
  readonly pageSize: number;
  /** Variable that holds what was found. */
  readonly variable: string;
  /** JSONata: what of one page is kept. */
  readonly keep: string;
  /** JSONata: whether there is enough, beside the number of pages. */
  readonly enough?: string;
  readonly tooMany: string;
  readonly next: string;
}

/** Reads page after page, to a limit that is told of when it is met. */
const listing = (names: WorkflowNames, { ask, judge, again, service, action, pageSize, variable, keep, enough = 'false', tooMany, next }: Listing): States => {
  const page = (state: string, pages: string, assign: Assign, marker = {}): TaskState =>
    callTask(names, {
      service,
      action,
      args: { PageSize: pageSize, ...marker },
      inMember: true,
      asks: true,
      assign: { ...assign, pages: jsonata(pages), marker: jsonata('$type($states.result.NextMarker) = "string" ? $states.result.NextMarker : ""') },
      catch: notedAndOn(state, next),
      next: judge,
    });
  return {
    [ask]: page(ask, '1', { [variable]: jsonata(`[${keep}]`) }),
    [judge]: {
      Type: 'Choice',
      Choices: [
        { Condition: jsonata('$marker = ""'), Next: next },
        {
          Condition: jsonata(`$pages >= ${MOST_PAGES} or ${enough}`),
          Assign: { notes: jsonata(`$append($notes, [{"state": ${quoted(ask)}, "error": "Cleanroom.TooMany", "cause": ${quoted(tooMany)}}])`) },
          Next: next,
        },
      ],
      Default: again,
    },
    [again]: page(again, '$pages + 1', { [variable]: jsonata(`$append($${variable}, [${keep}])`) }, { Marker: jsonata('$marker') }),
  };
};

/** Of each target group's targets, those that are the suspect: by its id, or by one of its addresses in this network. */
const lookStates = (names: WorkflowNames, next: string): States => {
  const all = 'In which of them is it?';
  const one = 'Look into a target group';
  return {
    [all]: {
      Type: 'Map',
      Items: jsonata('$targetGroups'),
      ItemSelector: {
        arn: jsonata('$states.context.Map.Item.Value.arn'),
        ids: jsonata('$states.context.Map.Item.Value.type = "ip" ? [$instance.NetworkInterfaces.PrivateIpAddresses.PrivateIpAddress, $instance.NetworkInterfaces.Ipv6Addresses.Ipv6Address] : [$case.instanceId]'),
      },
      ...tenAtOnce(one, {
        [one]: {
          ...callTask(names, {
            service: 'elasticloadbalancingv2',
            action: 'describeTargetHealth',
            args: { TargetGroupArn: jsonata('$states.input.arn') }, // of all targets: one that is named without its port is looked for at the group's own
            inMember: true,
            asks: true,
            catch: whenItFails(one, 'It could not be looked into', {}).map((catcher) => ({ ...catcher, Output: jsonata(`{"problem": ${problemOf(one).slice(3, -3)}}`) })),
            next: 'It was looked into',
          }),
          // One that is draining was taken out by somebody else, and a release must not put it back.
          Output: jsonata('($mine := [$states.result.TargetHealthDescriptions[TargetHealth.State != "draining" and Target.Id in $states.input.ids].Target]; $count($mine) > 0 ? {"arn": $states.input.arn, "targets": $mine} : {})'),
        },
        'It was looked into': { Type: 'Succeed' },
        'It could not be looked into': { Type: 'Succeed' },
      }),
      Assign: {
        targetGroups: jsonata('[$states.result[$exists(arn)]]'),
        notes: jsonata('($lost := [$states.result.problem]; $count($lost) > 0 ? $append($notes, [$merge([$lost[0], {"cause": $string($count($lost)) & " target groups could not be looked into; the first: " & $lost[0].cause}])]) : $notes)'),
      },
      Output: {},
      Catch: notedAndOn(all, next, { targetGroups: [] }), // what is there is no list of targets
      Next: next,
    },
  };
};

/** Finds out which load balancers send traffic to the suspect. */
export const loadBalancerLookStates = (names: WorkflowNames, next: string): States => ({
  ...listing(names, {
    ask: LOOK_AT_LOAD_BALANCERS,
    judge: 'Are there more target groups?',
    again: 'Which other target groups are there?',
    service: 'elasticloadbalancingv2',
    action: 'describeTargetGroups',
    pageSize: GROUPS_A_PAGE,
    variable: 'targetGroups',
    keep: '$states.result.TargetGroups[TargetType in ["instance", "ip"] and VpcId = $instance.VpcId].{"arn": TargetGroupArn, "type": TargetType}',
    enough: `$count($targetGroups) > ${MOST_TARGET_GROUPS - GROUPS_A_PAGE}`,
    tooMany: 'there are more target groups than are looked into: look for the instance in the others by hand',
    next: 'In which of them is it?',
  }),
  ...lookStates(names, 'Which classic load balancers are there?'),
  ...listing(names, {
    ask: 'Which classic load balancers are there?',
    judge: 'Are there more classic load balancers?',
    again: 'Which other classic load balancers are there?',
    service: 'elasticloadbalancing',
    action: 'describeLoadBalancers',
    pageSize: BALANCERS_A_PAGE,
    variable: 'balancers',
    keep: '$states.result.LoadBalancerDescriptions[$case.instanceId in Instances.InstanceId].LoadBalancerName',
    tooMany: 'there are more classic load balancers than are looked at: look for the instance in the others by hand',
    next,
  }),
});

interface Leaving {
  readonly state: string;
  readonly one: string;
  readonly done: string;
  readonly failed: string;
  /** JSONata list of what the instance is taken out of. */
  readonly items: string;
  readonly service: Service;
  readonly action: string;
  readonly args: Parameters<typeof callTask>[1]['args'];
  /** JSONata: name or ARN of what it is taken out of. */
  readonly from: string;
  readonly error: string;
  readonly cause: string;
  readonly next: string;
}

/** Takes the instance out of each; one that keeps it stops no other. */
const leaving = (names: WorkflowNames, { state, one, done, failed, items, service, action, args, from, error, cause, next }: Leaving): MapState => ({
  Type: 'Map',
  Items: jsonata(items),
  ItemSelector: { from: jsonata('$states.context.Map.Item.Value') },
  ...tenAtOnce(one, {
    [one]: {
      ...callTask(names, { service, action, args, inMember: true, catch: whenItFails(one, failed, {}), next: done }),
      Output: jsonata(madeCall({ service, action, resources: `$case.instanceId, ${from}`, account: '$case.account', region: names.region })),
    },
    [done]: { Type: 'Succeed' },
    [failed]: { Type: 'Succeed', Output: { failed: true } },
  }),
  Assign: touchedByEach(`{"state": ${quoted(state)}, "error": ${quoted(error)}, "cause": ${quoted(cause)}}`),
  Output: {},
  Catch: notedAndOn(state, next),
  Next: next,
});

/** Takes the suspect out of what sends it traffic. */
export const loadBalancerLeaveStates = (names: WorkflowNames, next: string): States => {
  const classic = 'Take it out of its classic load balancers';
  return {
    [LEAVE_LOAD_BALANCERS]: leaving(names, {
      state: LEAVE_LOAD_BALANCERS,
      one: 'Take it out of a target group',
      done: 'It is out of the target group',
      failed: 'It stays in the target group',
      items: '$targetGroups',
      service: 'elasticloadbalancingv2',
      action: 'deregisterTargets',
      args: { TargetGroupArn: jsonata('$states.input.from.arn'), Targets: jsonata('$states.input.from.targets') },
      from: '$states.input.from.arn',
      error: 'Cleanroom.TargetGroup',
      cause: 'the instance could not be taken out of a target group',
      next: classic,
    }),
    [classic]: leaving(names, {
      state: classic,
      one: 'Take it out of a classic load balancer',
      done: 'It is out of the classic load balancer',
      failed: 'It stays in the classic load balancer',
      items: '$balancers',
      service: 'elasticloadbalancing',
      action: 'deregisterInstancesFromLoadBalancer',
      args: { LoadBalancerName: jsonata('$states.input.from'), Instances: [{ InstanceId: jsonata('$case.instanceId') }] },
      from: '$states.input.from',
      error: 'Cleanroom.LoadBalancer',
      cause: 'the instance could not be taken out of a classic load balancer',
      next,
    }),
  };
};
