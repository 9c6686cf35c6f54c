import { text, type Loose } from '../helpers/loose.ts';
import type { Synthesized } from '../helpers/synth.ts';

type Config = Record<string, Loose>;

/** One hop of a way out: what leads where, and through which argument. */
export interface Edge {
  readonly from: string;
  readonly to: string;
  readonly by: string;
}

/** Places that nothing in the network may lead to. */
export const OUTSIDE = ['the internet', 'another network'] as const;

/** Where a resource of a type leads to by its nature. */
const EXITS: Readonly<Record<string, (typeof OUTSIDE)[number]>> = {
  aws_internet_gateway: 'the internet',
  aws_egress_only_internet_gateway: 'the internet',
  aws_nat_gateway: 'the internet',
  aws_ec2_carrier_gateway: 'the internet',
  aws_ec2_instance_connect_endpoint: 'another network',
  aws_vpc_peering_connection: 'another network',
  aws_vpc_peering_connection_accepter: 'another network',
  aws_ec2_transit_gateway: 'another network',
  aws_ec2_transit_gateway_vpc_attachment: 'another network',
  aws_ec2_client_vpn_endpoint: 'another network',
  aws_vpn_gateway: 'another network',
  aws_dx_gateway: 'another network',
  aws_networkmanager_vpc_attachment: 'another network',
  aws_vpclattice_service_network_vpc_association: 'another network',
};

/** Arguments of a route that say where it leads. */
const ROUTE_TARGETS = [
  'carrier_gateway_id',
  'core_network_arn',
  'egress_only_gateway_id',
  'gateway_id',
  'local_gateway_id',
  'nat_gateway_id',
  'network_interface_id',
  'transit_gateway_id',
  'vpc_endpoint_id',
  'vpc_peering_connection_id',
];

/** `${aws_x.name.id}` as `aws_x.name`; any other text, such as an id from elsewhere, stays what it is. */
const target = (reference: unknown): string => /^\$\{(aws_[a-z0-9_]+\.[A-Za-z0-9_-]+)\./.exec(String(reference))?.[1] ?? String(reference);
const blocks = (value: unknown): readonly Config[] => (Array.isArray(value) ? value : value === undefined || value === null ? [] : [value]) as readonly Config[];

/** Every resource of a stack as `type.name` and its arguments. */
export const allResources = (stack: Synthesized): readonly (readonly [string, string, Config])[] =>
  Object.entries(stack.resource).flatMap(([type, byName]) => Object.entries(byName).map(([name, config]) => [type, `${type}.${name}`, config as Config] as const));

/** The network as a graph: subnets to their route tables, these to what their routes name, gateways to the world. */
export function networkGraph(stack: Synthesized): readonly Edge[] {
  const edges: Edge[] = [];
  const resources = allResources(stack);
  const of = (...types: string[]) => resources.filter(([type]) => types.includes(type));
  const routes = (from: string, list: readonly Config[]) => {
    for (const route of list) {
      for (const key of ROUTE_TARGETS) {
        const value = route[key];
        if (value === undefined || value === null || value === '' || value === 'local') continue;
        // A gateway of this stack is followed to where it leads; one from elsewhere is out of sight, and counts as outside.
        const to = target(value);
        edges.push({ from, to: to.startsWith('aws_') ? to : 'another network', by: `${key} = ${String(value)}` });
      }
    }
  };
  const mainTable = of('aws_default_route_table')[0]?.[1] ?? 'the main route table';
  for (const [, subnet] of of('aws_subnet')) {
    const associations = of('aws_route_table_association').filter(([, , { subnet_id }]) => target(subnet_id) === subnet);
    if (associations.length === 0) edges.push({ from: subnet, to: mainTable, by: 'no association' });
    for (const [, , { route_table_id }] of associations) edges.push({ from: subnet, to: target(route_table_id), by: 'association' });
  }
  for (const [, table, config] of of('aws_route_table', 'aws_default_route_table')) {
    routes(table, blocks(config.route));
    for (const gateway of blocks(config.propagating_vgws)) edges.push({ from: table, to: 'another network', by: `propagating_vgws = ${text(gateway)}` });
  }
  for (const [, , config] of of('aws_route')) routes(target(config.route_table_id), [config]);
  for (const [, , config] of of('aws_vpn_gateway_route_propagation')) edges.push({ from: target(config.route_table_id), to: 'another network', by: 'propagation' });
  for (const [type, id] of resources) {
    const exit = EXITS[type];
    if (exit) edges.push({ from: id, to: exit, by: 'what it is' });
  }
  return edges;
}

/** Every way from a subnet to the outside, each as the places it goes through. */
export function waysOut(stack: Synthesized): readonly string[] {
  const edges = networkGraph(stack);
  const ways: string[] = [];
  const follow = (path: readonly string[]): void => {
    const last = path.at(-1) ?? '';
    if ((OUTSIDE as readonly string[]).includes(last)) {
      ways.push(path.join(' → '));
      return;
    }
    for (const { from, to } of edges) if (from === last && !path.includes(to)) follow([...path, to]);
  };
  for (const subnet of Object.keys(stack.resource.aws_subnet ?? {})) follow([`aws_subnet.${subnet}`]);
  return ways;
}

/** Gateways, attachments and addresses that have no business in an isolated network, whether a route uses them or not. */
export const exitsPresent = (stack: Synthesized): readonly string[] =>
  allResources(stack).flatMap(([type, id]) => (type in EXITS || type === 'aws_eip' || type.startsWith('aws_vpn_connection') ? [`${id} leads out`] : []));
