import { expect } from 'chai';
import { record as recordHandler } from '../../../modules/acquisition-workflow/handlers/record/record.ts';
import { release } from '../../../modules/acquisition-workflow/handlers/release/release.ts';
import { AslError } from '../../helpers/asl/errors.ts';
import { type AwsWorld, PLACE } from '../world/aws-world.ts';
import { inputFor, readCase } from '../world/case.ts';
import { undoClients } from '../world/clients.ts';
import type { AwsCall, Hook } from '../world/dispatch.ts';
import { MemoryRecords } from '../world/memory-records.ts';
import { type CaseRun, runCase } from '../world/run-case.ts';
import { startSuspect } from '../world/suspect.ts';
import { withWorld } from './support.ts';

interface Web {
  readonly instanceId: string;
  readonly address: string;
  /** ARNs of target groups, by what they are to the suspect. */
  readonly groups: Readonly<Record<'byInstance' | 'byAddress' | 'without' | 'elsewhere', string>>;
  /** Names of classic load balancers that the suspect is behind: one on the first page, one on the second. */
  readonly balancers: readonly string[];
}

describe('the load balancers of a suspect', function () {
  this.timeout(120_000);
  let world: AwsWorld;
  const records = new MemoryRecords();
  const inMember = <Answer>(service: string, action: string, parameters: object = {}): Promise<Answer> => world.call('member', service, action, parameters) as Promise<Answer>;
  let names = 0;

  withWorld((started) => (world = started));
  before(async () => {
    // More than one page of 20 by themselves.
    for (let index = 0; index < 20; index++) await newBalancer();
  });

  const newBalancer = async (): Promise<string> => {
    const LoadBalancerName = `lb-${++names}`;
    const Listeners = [{ Protocol: 'tcp', LoadBalancerPort: 80, InstancePort: 80 }];
    await inMember('elb', 'createLoadBalancer', { LoadBalancerName, Listeners, AvailabilityZones: [`${PLACE.region}a`] });
    return LoadBalancerName;
  };
  const newGroup = async (VpcId: string, TargetType: string): Promise<string> => {
    const { TargetGroups } = await inMember<{ TargetGroups: { TargetGroupArn: string }[] }>('elbv2', 'createTargetGroup', { Name: `tg-${++names}`, Protocol: 'TCP', Port: 80, VpcId, TargetType });
    return TargetGroups[0]!.TargetGroupArn;
  };

  /** A suspect behind all kinds of load balancers. */
  const startWeb = async (): Promise<Web> => {
    const { instanceId } = await startSuspect(world, { dataVolumes: 0 });
    const { Reservations } = await inMember<{ Reservations: { Instances: { VpcId: string; PrivateIpAddress: string }[] }[] }>('ec2', 'describeInstances', { InstanceIds: [instanceId] });
    const { VpcId, PrivateIpAddress: address } = Reservations[0]!.Instances[0]!;
    const { Vpc } = await inMember<{ Vpc: { VpcId: string } }>('ec2', 'createVpc', { CidrBlock: '10.40.0.0/20' });
    const groups = { byInstance: await newGroup(VpcId, 'instance'), byAddress: await newGroup(VpcId, 'ip'), without: await newGroup(VpcId, 'instance'), elsewhere: await newGroup(Vpc.VpcId, 'ip') };
    for (const [arn, Id] of [[groups.byInstance, instanceId], [groups.byAddress, address], [groups.byAddress, '10.1.1.1'], [groups.elsewhere, address]]) {
      await inMember('elbv2', 'registerTargets', { TargetGroupArn: arn, Targets: [{ Id, Port: 8080 }] });
    }
    const balancers = ['lb-1', await newBalancer()];
    for (const LoadBalancerName of balancers) await inMember('elb', 'registerInstancesWithLoadBalancer', { LoadBalancerName, Instances: [{ InstanceId: instanceId }] });
    return { instanceId, address, groups, balancers };
  };

  /** What is registered where: targets of the groups as `id:port`, and the balancers that have the instance. */
  const reached = async ({ instanceId, groups, balancers }: Web): Promise<Record<string, readonly string[]>> => {
    const targets = async (TargetGroupArn: string): Promise<string[]> => {
      const { TargetHealthDescriptions } = await inMember<{ TargetHealthDescriptions: { Target: { Id: string; Port: number } }[] }>('elbv2', 'describeTargetHealth', { TargetGroupArn });
      return TargetHealthDescriptions.map(({ Target: { Id, Port } }) => `${Id}:${Port}`);
    };
    const { LoadBalancerDescriptions } = await inMember<{ LoadBalancerDescriptions: { LoadBalancerName: string; Instances: { InstanceId: string }[] }[] }>('elb', 'describeLoadBalancers', { LoadBalancerNames: balancers });
    const classic = LoadBalancerDescriptions.filter(({ Instances }) => Instances.some(({ InstanceId }) => InstanceId === instanceId)).map(({ LoadBalancerName }) => LoadBalancerName);
    return { byInstance: await targets(groups.byInstance), byAddress: await targets(groups.byAddress), elsewhere: await targets(groups.elsewhere), classic };
  };

  /** moto gives all target groups at once: they are divided into pages of two here. */
  const paged: Hook = (call) => (call.action === 'describeTargetGroups' ? call.real().then((answer) => pageOf(call, answer as { TargetGroups: object[] })) : undefined);
  const pageOf = ({ args }: AwsCall, { TargetGroups }: { readonly TargetGroups: readonly object[] }): object => {
    const start = Number(args['Marker'] ?? 0);
    return { TargetGroups: TargetGroups.slice(start, start + 2), ...(start + 2 < TargetGroups.length ? { NextMarker: String(start + 2) } : {}) };
  };
  const acquire = async (hook: Hook = paged): Promise<{ readonly web: Web; readonly run: CaseRun; readonly input: ReturnType<typeof inputFor> }> => {
    const web = await startWeb();
    const input = inputFor(web.instanceId);
    return { web, input, run: await runCase({ world, records, input, hook: (call) => hook(call) ?? paged(call) }) };
  };
  const notesOf = async (input: ReturnType<typeof inputFor>): Promise<string> => (await readCase(records, input)).record.problems.join('\n');
  const refuse = (what: string, matches: (call: AwsCall) => boolean): Hook => (call) => (matches(call) ? Promise.reject(new AslError('ElasticLoadBalancing.ElasticLoadBalancingException', what)) : undefined);

  it('send it nothing any more, by id or address, at whatever port, on whichever page; a release puts it back where it was', async () => {
    const { web, run, input } = await acquire();
    expect(run.status).to.equal('SUCCEEDED');
    const before = { byInstance: [`${web.instanceId}:8080`], byAddress: [`${web.address}:8080`, '10.1.1.1:8080'], elsewhere: [`${web.address}:8080`], classic: web.balancers };
    expect(await reached(web)).to.deep.equal({ ...before, byInstance: [], byAddress: ['10.1.1.1:8080'], classic: [] });
    const { record, custody } = await readCase(records, input);
    expect(record.problems).to.deep.equal([]);
    const done = record.done.map(({ what }) => what).filter((what) => what.startsWith('taken out'));
    expect(done).to.deep.equal([...Array.from({ length: 2 }, () => 'taken out of a load balancer\'s target group'), ...Array.from({ length: 2 }, () => 'taken out of a classic load balancer')]);
    const told = custody.filter(({ action }) => action.startsWith('elasticloadbalancing:')).map(({ action, detail }) => [action, ...(detail['resources'] as string[])]);
    expect(told).to.have.deep.members([
      ['elasticloadbalancing:DeregisterTargets', web.instanceId, web.groups.byInstance],
      ['elasticloadbalancing:DeregisterTargets', web.instanceId, web.groups.byAddress],
      ...web.balancers.map((name) => ['elasticloadbalancing:DeregisterInstancesFromLoadBalancer', web.instanceId, name]),
    ]);

    const { caseId, instanceId, requester } = input;
    const write = recordHandler({ records, audit: () => Promise.resolve(), now: () => new Date() });
    const { problems } = await release({ records, record: write, member: () => Promise.resolve(undoClients(world)), now: () => new Date() })({ caseId, instanceId, requester });
    expect(problems.filter((problem) => !problem.startsWith('keeps its volumes'))).to.deep.equal([]);
    const after = await reached(web);
    expect(after).to.deep.equal({ ...before, byAddress: after['byAddress'] });
    expect(after['byAddress']).to.have.members(before.byAddress);
  });

  it('that keep it stop neither the others nor the acquisition, and the record says so', async () => {
    const kept: string[] = [];
    const { web, run, input } = await acquire((call) => {
      if (call.action === 'deregisterTargets') kept.push(String(call.args['TargetGroupArn']));
      return refuse('no', ({ action, args }) => (action === 'deregisterTargets' && args['TargetGroupArn'] === kept[0]) || args['LoadBalancerName'] === 'lb-1')(call);
    });
    expect(run.status).to.equal('SUCCEEDED');
    const now = await reached(web);
    expect([...now['byInstance']!, ...now['byAddress']!.filter((target) => target !== '10.1.1.1:8080'), ...now['classic']!]).to.have.length(2).and.include('lb-1');
    expect(await notesOf(input)).to.contain('could not be taken out of a target group').and.contain('could not be taken out of a classic load balancer');
    const { custody } = await readCase(records, input);
    expect(custody.filter(({ action }) => action.startsWith('elasticloadbalancing:'))).to.have.length(2);
  });

  it('that cannot be looked at, or are too many to be, are told of', async () => {
    const hidden = await acquire(refuse('not yours', ({ action }) => action === 'describeTargetHealth' || action === 'describeLoadBalancers'));
    expect(hidden.run.status).to.equal('SUCCEEDED');
    expect(await notesOf(hidden.input)).to.match(/Look into a target group: \S+: \d+ target groups could not be looked into; the first: not yours/).and.contain('Which classic load balancers are there?');
    const endless = await acquire((call) => (call.action === 'describeTargetGroups' ? Promise.resolve({ TargetGroups: [], NextMarker: 'more' }) : undefined));
    expect(endless.run.status).to.equal('SUCCEEDED');
    expect(endless.run.calls.filter(({ action }) => action === 'describeTargetGroups')).to.have.length(50);
    expect(await notesOf(endless.input)).to.contain('there are more target groups than are looked into');
  });
});
