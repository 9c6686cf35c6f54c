import { expect } from 'chai';
import { pipelineBoundary } from '../../../modules/access/policies/boundary.ts';
import type { AccessContext } from '../../../modules/access/policies/context.ts';
import { workflowPolicy, workflowReportPolicy } from '../../../modules/access/policies/workflow.ts';
import type { StateMachine } from '../../../modules/acquisition-workflow/definition/asl.ts';
import { memberPolicy, sourceKeyPolicy } from '../../../modules/member/policies.ts';
import { AwsBridge } from '../../helpers/aws/bridge.ts';
import { evaluateData } from '../../helpers/asl/evaluate.ts';
import { argumentProblems, modelsOf, type Models } from './arguments.ts';
import { MACHINE, NAMES } from './names.ts';
import { denied, neededActions, notGranted, notNeeded } from './permissions.ts';
import { boundedLoops, boundedWaits, guardedTasks, parsing, reachability, variables, type Proof } from './proofs.ts';
import { mutated, statesOf } from './walk.ts';

type Change = Parameters<typeof mutated>[1];
const states = (flow: unknown): Record<string, Record<string, unknown>> => (flow as { States: Record<string, Record<string, unknown>> }).States;
/** States of a branch of a volume's first Parallel. */
const sharing = (machine: StateMachine): Record<string, Record<string, unknown>> =>
  states((states((machine.States['Image each volume'] as unknown as { ItemProcessor: unknown }).ItemProcessor)['Ready its snapshot and a collector'] as { Branches: unknown[] }).Branches[0]);

interface Proven {
  readonly promise: string;
  readonly proof: Proof;
  /** A change that breaks the promise, and what the proof says of it. */
  readonly broken: readonly (readonly [what: string, change: Change, says: RegExp])[];
}

const PROOFS: readonly Proven[] = [
  {
    promise: 'every state can be reached, and reaches an end',
    proof: reachability,
    broken: [
      ['a state that nothing leads to', (all) => (all['Orphan'] = { Type: 'Succeed' }), /Orphan: nothing leads there/],
      ['a next state that is not there', (all) => (all['Begin']!['Next'] = 'Nowhere'), /Nowhere: there is no such state/],
      ['a state that leads to itself for ever', (all) => (all['Failed'] = { Type: 'Pass', Next: 'Failed' }), /Failed: no end can be reached/],
    ],
  },
  {
    promise: 'every task has a timeout, bounded retries, and a catcher for every error',
    proof: guardedTasks,
    broken: [
      ['a task without a timeout', (all) => delete all['Describe the instance']!['TimeoutSeconds'], /Describe the instance: the timeout is undefined/],
      ['a task without a retry', (all) => delete all['Describe the instance']!['Retry'], /nothing says what is tried again/],
      ['a task without a catch', (_, machine) => delete sharing(machine)['Share it with the forensic account']!['Catch'], /Share it with the forensic account: an error is not caught/],
      ['a catch of one error only', (all) => (all['Describe the instance']!['Catch'] = [{ ErrorEquals: ['States.Timeout'], Next: 'Failed' }]), /an error is not caught/],
    ],
  },
  {
    promise: 'no loop goes on for ever',
    proof: boundedLoops,
    broken: [
      ['a loop without a limit', (_, machine) => (sharing(machine)['Is the source snapshot complete?']!['Choices'] as unknown[]).pop(), /Look at the source snapshot.*a loop without an end/],
      ['a loop that counts nothing', (_, machine) => delete sharing(machine)['Wait for the source snapshot']!['Assign'], /a loop without an end/],
      ['pages without a limit', (all) => (all['Are there more target groups?']!['Choices'] as unknown[]).pop(), /Which other target groups are there\?.*a loop without an end/],
      ['pages that nobody counts', (all) => delete (all['Which other target groups are there?']!['Assign'] as Record<string, unknown>)['pages'], /a loop without an end/],
      ['a page that is asked for again whenever it fails', (all) => (all['Which other target groups are there?']!['Catch'] = [{ ErrorEquals: ['States.ALL'], Next: 'Which other target groups are there?' }]), /a loop without an end/],
      ['a loop that begins to count anew', (_, machine) => (sharing(machine)['Look at the source snapshot']!['Assign'] = { sharingWaited: 0 }), /a loop without an end/],
    ],
  },
  {
    promise: 'no state waits longer than 15 minutes at once',
    proof: boundedWaits,
    broken: [['a wait for an hour', (all) => (all['Wait for room']!['Seconds'] = 3600), /Wait for room: waits for 3600/]],
  },
  {
    promise: 'every expression is JSONata',
    proof: parsing,
    broken: [['half an expression', (all) => (all['Begin']!['Output'] = '{% $states.( %}'), /Begin\/Output/]],
  },
  {
    promise: 'every variable is assigned before it is read, on every way, and no branch takes the name of one around it',
    proof: variables,
    broken: [
      ['a variable that is never assigned', (all) => (all['Begin']!['Output'] = '{% $nobody %}'), /Begin: \$nobody may not be assigned yet/],
      ['one that is assigned on one way only', (all) => delete (all['Begin']!['Assign'] as Record<string, unknown>)['leftBehind'], /\$leftBehind may not be assigned yet/],
      ['a branch that assigns one of its surroundings', (_, machine) => (sharing(machine)['Take the copy']!['Assign'] = { calls: [] }), /\$calls is assigned here and in a scope around it/],
    ],
  },
];

const CONTEXT: AccessContext = { ...NAMES, memberAccounts: ['200000000002'], organizationId: 'o-exampleorgid', logArchiveAccount: '100000000004' };
const WORKFLOW = { ...workflowPolicy(CONTEXT), Statement: [...workflowPolicy(CONTEXT).Statement, ...workflowReportPolicy(CONTEXT).Statement] };
const MONITORED = { ...NAMES, account: '200000000002', forensicPlaces: [NAMES], externalId: 'x', containment: true, sourceKeyArns: ['arn:aws:kms:eu-west-1:200000000002:key/k'] };
const MEMBER = { ...memberPolicy(MONITORED), Statement: [...memberPolicy(MONITORED).Statement, ...sourceKeyPolicy(MONITORED).Statement] };

/** Granted for others than the state machine. */
const WORKFLOW_KNOWN = Object.fromEntries(
  ['CreateLogDelivery', 'DeleteLogDelivery', 'DescribeLogGroups', 'DescribeResourcePolicies', 'GetLogDelivery', 'ListLogDeliveries', 'PutResourcePolicy', 'UpdateLogDelivery'].map(
    (action) => [`logs:${action}`, 'Step Functions writes the history with it'],
  ),
);
const MEMBER_KNOWN = {
  'cloudtrail:LookupEvents': 'the request ids of its calls are looked up when it has ended',
  'iam:DetachRolePolicy': 'the release allows the sessions of a role again',
  'iam:PassRole': 'EC2 is given the role of a profile that is put in the place of another',
  'iam:UntagRole': 'the release allows the sessions of an instance again',
  'autoscaling:ExitStandby': 'the release undoes the standby',
  'elasticloadbalancing:RegisterInstancesWithLoadBalancer': 'the release puts the instance back behind its classic load balancers',
  'elasticloadbalancing:RegisterTargets': 'the release puts the instance back into its target groups',
  'kms:ListRetirableGrants': 'the release finds the grants of a case by it',
  'kms:ListAliases': 'the preflight tells by it which key AWS manages',
  's3:PutObject': 'memory and files of a suspect are sent to incoming',
  'kms:GenerateDataKey': 'what is sent to incoming is encrypted',
};

describe('the state machine of an acquisition', () => {
  for (const { promise, proof, broken } of PROOFS) {
    it(promise, () => expect(proof(MACHINE)).to.deep.equal([]));
    for (const [what, change, says] of broken) {
      it(`… and the proof finds ${what}`, () => expect(proof(mutated(MACHINE, change)).join('\n')).to.match(says));
    }
  }

  it('has titles that an investigator can read', () => {
    const bad = statesOf(MACHINE).map(({ name }) => name.split(' / ').at(-1)!).filter((name) => name.length > 80 || !/^[A-Z][A-Za-z0-9' ,]+\??$/.test(name) || (!name.includes(' ') && !['Begin', 'Failed', 'Acquired', 'Cancelled'].includes(name)));
    expect(bad).to.deep.equal([]);
    expect(new Set(statesOf(MACHINE).map(({ name }) => name.split(' / ').at(-1)!)).size, 'no title is there twice').to.equal(statesOf(MACHINE).length);
  });

  it('fits into a definition of Step Functions: 1 MiB', () => {
    expect(JSON.stringify(MACHINE).length).to.be.below(1_048_576);
  });

  it('has room for what the most volumes of an instance tell, whatever went wrong with each', async () => {
    const [state] = statesOf(MACHINE).filter(({ name }) => name.endsWith('It is over')).map((found) => found.state as { Output: string });
    const arn = `arn:aws:kms:us-gov-west-1:111122223333:key/${'0'.repeat(36)}`;
    const id = (kind: string): string => `${kind}-${'0'.repeat(17)}`;
    const problem = { state: 'Ready its snapshot and a collector', error: 'Cleanroom.CollectorNotReady', cause: '\\'.repeat(1500) };
    const known = {
      volume: { volumeId: id('vol') }, plan: { evidenceKeyArn: arn, zone: 'us-gov-west-1a' }, sourceSnapshot: id('snap'), evidenceSnapshot: id('snap'), workVolume: id('vol'), collector: id('i'),
      proven: true, kept: false, outcome: 'COMPLETE', proof: { manifest: { snapshots: [id('snap')] }, imageLocation: `s3://${'b'.repeat(63)}/${'c'.repeat(64)}/disk_evidence/${id('vol')}.image.dd` },
      problems: Array.from({ length: 6 }, () => problem), left: Array.from({ length: 4 }, () => ({ resource: id('snap'), why: 'copy under the transit key in account 111122223333'.padEnd(70) })),
    };
    const told = await evaluateData(state!.Output, known, 0);
    expect(told).to.have.nested.property('problems[0].error', problem.error);
    expect(128 * JSON.stringify(told).length, 'bytes of 128 volumes').to.be.below(262_144);
  });

  it('is plain data: what it says does not depend on when it is asked', () => {
    expect(JSON.parse(JSON.stringify(MACHINE))).to.deep.equal(MACHINE);
  });
});

describe('the calls of the state machine', () => {
  let bridge: AwsBridge;
  let models: Models;
  before(async () => {
    bridge = await AwsBridge.start();
    models = await modelsOf(bridge, MACHINE);
  });
  after(() => bridge?.stop());

  it('are calls that the services have, with the parameters that they take', () => {
    expect(argumentProblems(MACHINE, models)).to.deep.equal([]);
    expect(models.size).to.be.above(30);
  });

  const describe_ = 'Describe the instance';
  for (const [what, change, says] of [
    ['a parameter that does not exist', (all) => ((all[describe_]!['Arguments'] as Record<string, unknown>)['InstanceId'] = 'i-1'), /there is no InstanceId/],
    ['a parameter of the wrong type', (all) => ((all[describe_]!['Arguments'] as Record<string, unknown>)['InstanceIds'] = 'i-1'), /InstanceIds: no list/],
    ['a value that the service does not know', (all) => ((all['Is it protected from termination?']!['Arguments'] as Record<string, unknown>)['Attribute'] = 'color'), /"color" is none of/],
    ['a parameter that is missing', (all) => delete (all['Snapshot its volumes at once']!['Arguments'] as Record<string, unknown>)['InstanceSpecification'], /InstanceSpecification is missing/],
    ['an action that does not exist', (all) => (all[describe_]!['Resource'] = 'arn:aws:states:::aws-sdk:ec2:describeInstance'), /has no operation describeInstance/],
  ] as const satisfies readonly (readonly [string, Change, RegExp])[]) {
    it(`… and the proof finds ${what}`, async () => {
      const broken = mutated(MACHINE, change);
      expect(argumentProblems(broken, await modelsOf(bridge, broken)).join('\n')).to.match(says);
    });
  }
});

describe('the roles of the state machine', () => {
  const cases = [
    { role: 'its own role', policy: WORKFLOW, whose: 'workflow', known: WORKFLOW_KNOWN },
    { role: 'the role in a monitored account', policy: MEMBER, whose: 'member', known: MEMBER_KNOWN },
  ] as const;
  for (const { role, policy, whose, known } of cases) {
    const needed = neededActions(MACHINE, whose);
    it(`grants every action that it uses: ${role}`, () => expect([...notGranted(needed, policy), ...denied(needed, policy)]).to.deep.equal([]));
    it(`grants no action that nothing uses: ${role}`, () => expect(notNeeded(needed, policy, known)).to.deep.equal([]));
    it(`… and the proofs find an action without a grant, and a grant without an action: ${role}`, () => {
      const [first, ...rest] = policy.Statement;
      expect(notGranted(needed, { ...policy, Statement: rest }).length + notGranted(needed, { ...policy, Statement: [first!] }).length).to.be.above(0);
      const more = { Sid: 'More', Effect: 'Allow', Action: 'ec2:RebootInstances', Resource: '*' } as const;
      expect(notNeeded(needed, { ...policy, Statement: [...policy.Statement, more] }, known)).to.deep.equal(['ec2:RebootInstances: granted, and nothing needs it']);
    });
  }

  it('stays under the ceiling of the pipeline\'s roles', () => {
    const needed = neededActions(MACHINE, 'workflow');
    expect([...notGranted(needed, pipelineBoundary(CONTEXT)), ...denied(needed, pipelineBoundary(CONTEXT))]).to.deep.equal([]);
  });
});
