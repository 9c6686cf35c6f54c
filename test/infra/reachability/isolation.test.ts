import { expect } from 'chai';
import { loadEstate, synthEstate, type Synthesized } from '../helpers/synth.ts';
import type { Loose } from '../helpers/loose.ts';
import { networkGraph } from './graph.ts';
import { isolationProblems } from './rules.ts';

const networks = (['example', 'minimal'] as const).flatMap((name) => [...synthEstate(loadEstate(name))].filter(([id]) => id.startsWith('forensics-')).map(([id, stack]) => [`${name} ${id}`, stack] as const));

describe('the isolated network', () => {
  for (const [name, stack] of networks) {
    it(`has no way to the internet, to another network or through DNS: ${name}`, () => {
      expect(isolationProblems(stack)).to.deep.equal([]);
    });

    it(`is really looked at: every subnet of ${name} has a route table in the graph`, () => {
      const subnets = Object.keys(stack.resource.aws_subnet ?? {}).map((id) => `aws_subnet.${id}`);
      const seen = new Set(networkGraph(stack).map(({ from }) => from));
      expect(subnets.length).to.be.at.least(6);
      expect(subnets.filter((id) => !seen.has(id))).to.deep.equal([]);
    });
  }
});

/** A change to a synthesised stack, as somebody might make it. */
type Mutation = (stack: Mutable) => void;
type Mutable = { resource: Record<string, Record<string, Record<string, Loose>>> };

const first = (stack: Mutable, type: string): Record<string, Loose> => Object.values(stack.resource[type] ?? {})[0] ?? {};
const reference = (stack: Mutable, type: string): string => `\${${type}.${Object.keys(stack.resource[type] ?? {})[0]}.id}`;
const add = (stack: Mutable, type: string, config: Record<string, unknown>): void => {
  stack.resource[type] = { ...stack.resource[type], added: config };
};
const without = (type: string): Mutation => (stack) => {
  delete stack.resource[type];
};
const route = (config: Record<string, unknown>): Mutation => (stack) =>
  add(stack, 'aws_route', { route_table_id: reference(stack, 'aws_route_table'), destination_cidr_block: '0.0.0.0/0', ...config });

const MUTATIONS: Readonly<Record<string, readonly [Mutation, RegExp]>> = {
  'an internet gateway': [(stack) => add(stack, 'aws_internet_gateway', { vpc_id: reference(stack, 'aws_vpc') }), /aws_internet_gateway.added leads out/],
  'an internet gateway with a route': [
    (stack) => {
      add(stack, 'aws_internet_gateway', {});
      route({ gateway_id: '${aws_internet_gateway.added.id}' })(stack);
    },
    /a way out: aws_subnet\.\S+ → aws_route_table\.\S+ → aws_internet_gateway.added → the internet/,
  ],
  'an egress-only gateway': [(stack) => add(stack, 'aws_egress_only_internet_gateway', {}), /leads out/],
  'a NAT gateway': [(stack) => add(stack, 'aws_nat_gateway', { subnet_id: reference(stack, 'aws_subnet') }), /leads out/],
  'a peering': [(stack) => add(stack, 'aws_vpc_peering_connection', { vpc_id: reference(stack, 'aws_vpc'), peer_vpc_id: 'vpc-1' }), /leads out/],
  'a peering with a route': [
    (stack) => {
      add(stack, 'aws_vpc_peering_connection', {});
      route({ vpc_peering_connection_id: '${aws_vpc_peering_connection.added.id}', destination_cidr_block: '10.0.0.0/8' })(stack);
    },
    /a way out: .* → another network/,
  ],
  'a transit gateway attachment': [(stack) => add(stack, 'aws_ec2_transit_gateway_vpc_attachment', {}), /leads out/],
  'a VPN gateway': [(stack) => add(stack, 'aws_vpn_gateway', { vpc_id: reference(stack, 'aws_vpc') }), /leads out/],
  'a route to a gateway of somebody else\'s': [route({ gateway_id: 'igw-0123456789abcdef0' }), /a way out: .* → another network/],
  'a route to a transit gateway': [route({ transit_gateway_id: 'tgw-0123456789abcdef0' }), /a way out/],
  'a route to an instance': [route({ network_interface_id: 'eni-0123456789abcdef0' }), /a way out/],
  'an inline route': [(stack) => void (first(stack, 'aws_route_table').route = [{ cidr_block: '0.0.0.0/0', gateway_id: 'igw-1' }]), /a way out/],
  'a route in the main table for a subnet without a table of its own': [
    (stack) => {
      delete stack.resource.aws_route_table_association;
      first(stack, 'aws_default_route_table').route = [{ cidr_block: '0.0.0.0/0', nat_gateway_id: 'nat-1' }];
    },
    /a way out: aws_subnet\.\S+ → aws_default_route_table/,
  ],
  'routes propagated from a VPN': [(stack) => void (first(stack, 'aws_route_table').propagating_vgws = ['vgw-1']), /a way out/],
  'an open egress': [(stack) => void Object.assign(first(stack, 'aws_vpc_security_group_egress_rule'), { cidr_ipv4: '0.0.0.0/0', ip_protocol: '-1' }), /is open to 0\.0\.0\.0\/0/],
  'an egress to a block outside': [(stack) => void (first(stack, 'aws_vpc_security_group_egress_rule').cidr_ipv4 = '10.0.0.0/8'), /is open to 10\.0\.0\.0\/8/],
  'an open egress over IPv6': [(stack) => void (first(stack, 'aws_vpc_security_group_egress_rule').cidr_ipv6 = '::/0'), /is open to ::\/0/],
  'an inline open egress': [(stack) => void (first(stack, 'aws_security_group').egress = [{ cidr_blocks: ['0.0.0.0/0'], protocol: 'tcp' }]), /is open to/],
  'an unlocked default group': [(stack) => void (first(stack, 'aws_default_security_group').egress = [{ cidr_blocks: ['10.80.0.0/20'] }]), /is not locked/],
  'a public IP flag on a subnet': [(stack) => void (first(stack, 'aws_subnet').map_public_ip_on_launch = true), /gives out public addresses/],
  'a public IP flag in a launch template': [(stack) => add(stack, 'aws_launch_template', { network_interfaces: [{ associate_public_ip_address: 'true' }] }), /asks for a public address/],
  'an elastic address': [(stack) => add(stack, 'aws_eip', {}), /leads out/],
  'public IPv6': [(stack) => void (first(stack, 'aws_vpc').assign_generated_ipv6_cidr_block = true), /public IPv6/],
  'an endpoint without a policy': [(stack) => void delete first(stack, 'aws_vpc_endpoint').policy, /has no policy/],
  'an endpoint with an open policy': [
    (stack) => void (first(stack, 'aws_vpc_endpoint').policy = '{"Version":"2012-10-17","Statement":[{"Sid":"All","Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}'),
    /leads to everybody's resources/,
  ],
  'an endpoint for Instance Connect': [(stack) => add(stack, 'aws_ec2_instance_connect_endpoint', {}), /leads out/],
  'a network without a DNS firewall': [without('aws_route53_resolver_firewall_rule_group_association'), /no DNS firewall/],
  'a DNS firewall that fails open': [(stack) => void (first(stack, 'aws_route53_resolver_firewall_config').firewall_fail_open = 'ENABLED'), /opens when it fails/],
  'a DNS firewall that allows a name outside': [(stack) => void first(stack, 'aws_route53_resolver_firewall_domain_list').domains.push('tunnel.example.com.'), /tunnel\.example\.com\. resolves/],
  'a DNS firewall that blocks nothing else': [
    (stack) => {
      for (const rule of Object.values(stack.resource.aws_route53_resolver_firewall_rule ?? {})) if (rule.action === 'BLOCK') rule.priority = 1;
    },
    /does not block everything/,
  ],
  'DNS rules that only alert': [
    (stack) => {
      for (const rule of Object.values(stack.resource.aws_route53_resolver_firewall_rule ?? {})) rule.action = 'ALERT';
    },
    /does not block everything/,
  ],
  'unlogged DNS': [without('aws_route53_resolver_query_log_config_association'), /queries are not logged/],
  'an outbound resolver endpoint': [(stack) => add(stack, 'aws_route53_resolver_endpoint', {}), /sends queries elsewhere/],
  'another resolver by DHCP': [(stack) => add(stack, 'aws_vpc_dhcp_options', { domain_name_servers: ['8.8.8.8'] }), /names another resolver/],
  'flow logs of rejected traffic only': [(stack) => void (first(stack, 'aws_flow_log').traffic_type = 'REJECT'), /not every flow/],
  'an exclusion from block public access': [(stack) => add(stack, 'aws_vpc_block_public_access_exclusion', {}), /is an exclusion/],
  'block public access switched off': [without('aws_vpc_block_public_access_options'), /block public access is off/],
};

describe('the proof of isolation turns red on', () => {
  const [, stack] = networks[0] ?? [];
  for (const [what, [mutate, message]] of Object.entries(MUTATIONS)) {
    it(what, () => {
      const changed = structuredClone(stack as Synthesized);
      mutate(changed);
      expect(isolationProblems(changed).join('\n')).to.match(message);
    });
  }
});
