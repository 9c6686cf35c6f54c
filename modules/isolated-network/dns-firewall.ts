import { CloudwatchLogGroup } from '@cdktf/provider-aws/lib/cloudwatch-log-group/index.js';
import { Route53ResolverFirewallConfig } from '@cdktf/provider-aws/lib/route53-resolver-firewall-config/index.js';
import { Route53ResolverFirewallDomainList } from '@cdktf/provider-aws/lib/route53-resolver-firewall-domain-list/index.js';
import { Route53ResolverFirewallRuleGroupAssociation } from '@cdktf/provider-aws/lib/route53-resolver-firewall-rule-group-association/index.js';
import { Route53ResolverFirewallRuleGroup } from '@cdktf/provider-aws/lib/route53-resolver-firewall-rule-group/index.js';
import { Route53ResolverFirewallRule } from '@cdktf/provider-aws/lib/route53-resolver-firewall-rule/index.js';
import { Route53ResolverQueryLogConfigAssociation } from '@cdktf/provider-aws/lib/route53-resolver-query-log-config-association/index.js';
import { Route53ResolverQueryLogConfig } from '@cdktf/provider-aws/lib/route53-resolver-query-log-config/index.js';
import { Construct } from 'constructs';
import { infrastructureLogGroup } from '../vocabulary/index.ts';
import type { NetworkLoggingProps } from './flow-logs.ts';
import type { InterfaceService } from './policies/endpoints.ts';

export interface DnsFirewallProps extends NetworkLoggingProps {
  /** Services that have an endpoint; their names resolve. */
  readonly services: readonly InterfaceService[];
}

/**
 * Names that resolve inside: those of the endpoints and of buckets. Amazon Linux asks for its packages by the dual-stack
 * name of their bucket (`al2023-repos-….s3.dualstack.…`), which the gateway endpoint carries over IPv4 like any other.
 */
export const allowedDomains = (region: string, services: readonly InterfaceService[]): readonly string[] => [
  ...services.map((service) => `${service}.${region}.amazonaws.com.`),
  `s3.${region}.amazonaws.com.`,
  `*.s3.${region}.amazonaws.com.`,
  `*.s3.dualstack.${region}.amazonaws.com.`,
];

/**
 * The resolver of a VPC answers public names even where no route leads out, past security groups and ACLs: a tunnel for
 * whoever controls a name server. This lets it answer the endpoints' names and nothing else, and nothing when in doubt.
 */
export class DnsFirewall extends Construct {
  constructor(scope: Construct, id: string, props: DnsFirewallProps) {
    super(scope, id);
    const { place, vpcId } = props;
    const name = `${place.prefix}-isolated`;
    const allowed = new Route53ResolverFirewallDomainList(this, 'Allowed', {
      name: `${name}-allowed`,
      domains: [...allowedDomains(place.region, props.services)],
    });
    const everything = new Route53ResolverFirewallDomainList(this, 'Everything', { name: `${name}-everything`, domains: ['*.'] });
    const group = new Route53ResolverFirewallRuleGroup(this, 'Resource', { name });
    new Route53ResolverFirewallRule(this, 'Allow', {
      name: 'endpoints',
      firewallRuleGroupId: group.id,
      firewallDomainListId: allowed.id,
      priority: 100,
      action: 'ALLOW',
      // S3 answers by way of names of its own (s3-r-w…), which are Amazon's all the same.
      firewallDomainRedirectionAction: 'TRUST_REDIRECTION_DOMAIN',
    });
    new Route53ResolverFirewallRule(this, 'Block', {
      name: 'everything-else',
      firewallRuleGroupId: group.id,
      firewallDomainListId: everything.id,
      priority: 200,
      action: 'BLOCK',
      blockResponse: 'NXDOMAIN',
    });
    new Route53ResolverFirewallRuleGroupAssociation(this, 'Association', {
      name,
      firewallRuleGroupId: group.id,
      vpcId,
      priority: 101,
      mutationProtection: 'ENABLED',
    });
    new Route53ResolverFirewallConfig(this, 'FailClosed', { resourceId: vpcId, firewallFailOpen: 'DISABLED' });
    const log = new CloudwatchLogGroup(this, 'LogGroup', {
      name: infrastructureLogGroup(place, 'dns'),
      kmsKeyId: props.logsKeyArn,
      retentionInDays: props.logRetentionDays,
      skipDestroy: true,
    });
    const queries = new Route53ResolverQueryLogConfig(this, 'QueryLog', { name, destinationArn: log.arn });
    new Route53ResolverQueryLogConfigAssociation(this, 'QueryLogAssociation', { resolverQueryLogConfigId: queries.id, resourceId: vpcId });
  }
}
