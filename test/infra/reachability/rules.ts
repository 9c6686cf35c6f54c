import { cidrRange } from '../../../modules/isolated-network/subnets.ts';
import type { PolicyDocument } from '../../../modules/policy.ts';
import { text, type Loose } from '../helpers/loose.ts';
import { placeOfStack } from '../helpers/resolve.ts';
import type { Synthesized } from '../helpers/synth.ts';
import { allResources, exitsPresent, waysOut } from './graph.ts';

type Config = Record<string, Loose>;
type Rule = (stack: Synthesized) => readonly string[];

const of = (stack: Synthesized, ...types: string[]) => allResources(stack).filter(([type]) => types.includes(type));
const blocks = (value: unknown): readonly Config[] => (Array.isArray(value) ? value : value === undefined || value === null ? [] : [value]) as readonly Config[];

/** Whether a block lies inside the VPC's. */
const inside = (cidr: string, vpcCidr: string): boolean => {
  const [first, last] = cidrRange(cidr);
  const [vpcFirst, vpcLast] = cidrRange(vpcCidr);
  return first >= vpcFirst && last <= vpcLast;
};

const securityGroupsAreClosed: Rule = (stack) => {
  const vpc = String(of(stack, 'aws_vpc')[0]?.[2].cidr_block);
  const open = (id: string, rule: Config): readonly string[] => {
    const v4 = [...blocks(rule.cidr_blocks), ...blocks(rule.cidr_ipv4)].map(String).filter((cidr) => !inside(cidr, vpc));
    const v6 = [...blocks(rule.ipv6_cidr_blocks), ...blocks(rule.cidr_ipv6)].map(String);
    const wide = String(rule.ip_protocol ?? rule.protocol) === '-1' ? ['every protocol'] : [];
    return [...v4, ...v6, ...wide].map((what) => `${id} is open to ${what}`);
  };
  return [
    ...of(stack, 'aws_vpc_security_group_egress_rule', 'aws_vpc_security_group_ingress_rule').flatMap(([, id, rule]) => open(id, rule)),
    ...of(stack, 'aws_security_group_rule').flatMap(([, id, rule]) => open(id, rule)),
    ...of(stack, 'aws_security_group').flatMap(([, id, group]) => [...blocks(group.egress), ...blocks(group.ingress)].flatMap((rule) => open(id, rule))),
    ...of(stack, 'aws_default_security_group').flatMap(([, id, group]) => ([...blocks(group.egress), ...blocks(group.ingress)].length > 0 ? [`${id} is not locked`] : [])),
  ];
};

const noPublicAddresses: Rule = (stack) => [
  ...of(stack, 'aws_subnet').flatMap(([, id, subnet]) => (subnet.map_public_ip_on_launch === true || subnet.assign_ipv6_address_on_creation === true ? [`${id} gives out public addresses`] : [])),
  ...of(stack, 'aws_vpc').flatMap(([, id, vpc]) => (vpc.assign_generated_ipv6_cidr_block === true || vpc.ipv6_cidr_block !== undefined ? [`${id} has public IPv6 addresses`] : [])),
  ...of(stack, 'aws_instance', 'aws_launch_template').flatMap(([, id, config]) =>
    [config, ...blocks(config.network_interfaces)].some(({ associate_public_ip_address }) => String(associate_public_ip_address) === 'true') ? [`${id} asks for a public address`] : [],
  ),
];

const endpointsHavePolicies: Rule = (stack) =>
  of(stack, 'aws_vpc_endpoint').flatMap(([, id, endpoint]) => {
    if (typeof endpoint.policy !== 'string') return [`${id} has no policy: it leads to everybody's resources`];
    const { Statement } = JSON.parse(endpoint.policy) as PolicyDocument;
    return Statement.flatMap((statement) => {
      const bound = Object.keys(statement.Condition?.StringEquals ?? {}).some((key) => key.startsWith('aws:Principal'));
      const readOnly = statement.Action === 's3:GetObject' && !blocks(statement.Resource).some((resource) => text(resource) === '*');
      return statement.Effect === 'Deny' || bound || readOnly ? [] : [`${id}: statement ${statement.Sid} leads to everybody's resources`];
    });
  });

/** Names that may resolve: those of AWS's own services in the stack's Region. */
const dnsCannotLeak: Rule = (stack) => {
  const { region } = placeOfStack(stack);
  const vpcs = of(stack, 'aws_vpc').map(([, id]) => id);
  const problems: string[] = [];
  const refersTo = (value: unknown, id: string) => String(value).includes(`${id}.`);
  const lists = new Map(of(stack, 'aws_route53_resolver_firewall_domain_list').map(([, id, list]) => [id, blocks(list.domains).map(String)]));
  const domainsOf = (rule: Config) => [...lists].find(([id]) => refersTo(rule.firewall_domain_list_id, id))?.[1] ?? ['(unknown)'];
  for (const vpc of vpcs) {
    const association = of(stack, 'aws_route53_resolver_firewall_rule_group_association').find(([, , config]) => refersTo(config.vpc_id, vpc))?.[2];
    const closed = of(stack, 'aws_route53_resolver_firewall_config').some(([, , config]) => refersTo(config.resource_id, vpc) && config.firewall_fail_open === 'DISABLED');
    const logged = of(stack, 'aws_route53_resolver_query_log_config_association').some(([, , config]) => refersTo(config.resource_id, vpc));
    if (!closed) problems.push(`${vpc}: the DNS firewall opens when it fails`);
    if (!logged) problems.push(`${vpc}: DNS queries are not logged`);
    if (!association) {
      problems.push(`${vpc}: no DNS firewall: the resolver answers every name`);
      continue;
    }
    const rules = of(stack, 'aws_route53_resolver_firewall_rule')
      .map(([, , rule]) => rule)
      .filter((rule) => of(stack, 'aws_route53_resolver_firewall_rule_group').some(([, id]) => refersTo(rule.firewall_rule_group_id, id) && refersTo(association.firewall_rule_group_id, id)))
      .toSorted((a, b) => Number(a.priority) - Number(b.priority));
    const last = rules.at(-1);
    if (last?.action !== 'BLOCK' || !domainsOf(last).includes('*.')) problems.push(`${vpc}: the last DNS rule does not block everything`);
    for (const rule of rules.filter(({ action }) => action !== 'BLOCK')) {
      for (const domain of domainsOf(rule)) {
        if (rule.action === 'ALERT') problems.push(`${vpc}: ${domain} is answered with an alert`);
        else if (!domain.endsWith(`.${region}.amazonaws.com.`)) problems.push(`${vpc}: ${domain} resolves`);
      }
    }
  }
  for (const [, id] of of(stack, 'aws_route53_resolver_endpoint', 'aws_route53_resolver_rule_association')) problems.push(`${id} sends queries elsewhere`);
  for (const [, id, options] of of(stack, 'aws_vpc_dhcp_options')) {
    if (blocks(options.domain_name_servers).some((server) => text(server) !== 'AmazonProvidedDNS')) problems.push(`${id} names another resolver`);
  }
  return problems;
};

const allIsRecorded: Rule = (stack) =>
  of(stack, 'aws_vpc').flatMap(([, id]) =>
    of(stack, 'aws_flow_log').some(([, , log]) => String(log.vpc_id).includes(`${id}.`) && log.traffic_type === 'ALL') ? [] : [`${id}: not every flow is recorded`],
  );

const accountIsGuarded: Rule = (stack) => {
  const guarded = of(stack, 'aws_vpc_block_public_access_options').some(([, , options]) => options.internet_gateway_block_mode === 'block-bidirectional');
  return [...(guarded ? [] : ['VPC block public access is off']), ...of(stack, 'aws_vpc_block_public_access_exclusion').map(([, id]) => `${id} is an exclusion`)];
};

const RULES: readonly Rule[] = [
  (stack) => waysOut(stack).map((way) => `a way out: ${way}`),
  exitsPresent,
  securityGroupsAreClosed,
  noPublicAddresses,
  endpointsHavePolicies,
  dnsCannotLeak,
  allIsRecorded,
  accountIsGuarded,
];

/** Everything that lets a network's instances reach, or be reached from, anywhere else. Empty for an isolated one. */
export const isolationProblems: Rule = (stack) => RULES.flatMap((rule) => rule(stack));
