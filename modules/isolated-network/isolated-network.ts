import { DefaultNetworkAcl } from '@cdktf/provider-aws/lib/default-network-acl/index.js';
import { DefaultRouteTable } from '@cdktf/provider-aws/lib/default-route-table/index.js';
import { DefaultSecurityGroup } from '@cdktf/provider-aws/lib/default-security-group/index.js';
import { RouteTableAssociation } from '@cdktf/provider-aws/lib/route-table-association/index.js';
import { RouteTable } from '@cdktf/provider-aws/lib/route-table/index.js';
import { Subnet } from '@cdktf/provider-aws/lib/subnet/index.js';
import { Vpc } from '@cdktf/provider-aws/lib/vpc/index.js';
import { Fn, Token } from 'cdktf';
import { Construct } from 'constructs';
import type { Perimeter } from '../perimeter.ts';
import { CASE_TAGS, type Place } from '../vocabulary/index.ts';
import { DnsFirewall } from './dns-firewall.ts';
import { Endpoints } from './endpoints.ts';
import { FlowLogs } from './flow-logs.ts';
import { NetworkAcls } from './network-acls.ts';
import type { InterfaceService } from './policies/endpoints.ts';
import { SecurityGroups } from './security-groups.ts';
import { subnetCidr, subnetIndex, TIERS, type Tier } from './subnets.ts';

export interface IsolatedNetworkProps {
  readonly place: Place;
  readonly perimeter: Perimeter;
  /** IPv4 block of the VPC, /16 to /24; it is cut into sixteen subnets. */
  readonly cidr: string;
  /** Two or three availability zones. */
  readonly zones: readonly string[];
  /** Buckets that the S3 endpoint leads to, by ARN. */
  readonly bucketArns: readonly string[];
  /** Interface endpoints besides kms, logs, ssm, ssmmessages and sts. @default none */
  readonly extraServices?: readonly InterfaceService[];
  /** Key of the flow and query logs. */
  readonly logsKeyArn: string;
  /** Days that flow and query logs are kept, one of CloudWatch's values. @default 731 */
  readonly logRetentionDays?: number;
}

/**
 * A network without a way out: no gateway, no peering, no address that the internet knows. What is inside reaches AWS
 * through endpoints whose policies lead to the estate's own resources, and resolves those endpoints' names and no others.
 */
export class IsolatedNetwork extends Construct {
  readonly vpcId: string;
  readonly subnetIds: Readonly<Record<Tier, readonly string[]>>;
  readonly collectorSecurityGroupId: string;
  readonly analysisSecurityGroupId: string;
  /** The S3 gateway endpoint that bucket policies bind evidence to. */
  readonly s3EndpointId: string;

  constructor(scope: Construct, id: string, props: IsolatedNetworkProps) {
    super(scope, id);
    const { place, cidr, zones } = props;
    if (zones.length < 2 || zones.length > 3) throw new RangeError(`zones: got ${zones.length}; 2 or 3 are allowed`);
    const name = `${place.prefix}-isolated`;
    const vpc = new Vpc(this, 'Resource', {
      cidrBlock: cidr,
      enableDnsSupport: true, // the endpoints' private names need the resolver
      enableDnsHostnames: true,
      tags: { Name: name },
    });
    new DefaultSecurityGroup(this, 'DefaultSecurityGroup', { vpcId: vpc.id, ingress: [], egress: [], tags: { Name: `${name}-locked` } });
    new DefaultNetworkAcl(this, 'DefaultNetworkAcl', { defaultNetworkAclId: vpc.defaultNetworkAclId, tags: { Name: `${name}-locked` } });
    new DefaultRouteTable(this, 'DefaultRouteTable', { defaultRouteTableId: vpc.defaultRouteTableId, route: [], tags: { Name: `${name}-locked` } });

    const routeTable = new RouteTable(this, 'RouteTable', { vpcId: vpc.id, tags: { Name: name } });
    const subnetsOf = (tier: Tier): readonly string[] =>
      zones.map((zone, index) => {
        const subnet = new Subnet(this, `${tier}-${index}`, {
          vpcId: vpc.id,
          availabilityZone: zone,
          cidrBlock: Token.isUnresolved(cidr) ? Fn.cidrsubnet(cidr, 4, subnetIndex(tier, index)) : subnetCidr(cidr, tier, index),
          mapPublicIpOnLaunch: false,
          assignIpv6AddressOnCreation: false,
          tags: { Name: `${name}-${tier}-${index}`, [CASE_TAGS.purpose]: tier },
        });
        new RouteTableAssociation(this, `${tier}-${index}-routes`, { subnetId: subnet.id, routeTableId: routeTable.id });
        return subnet.id;
      });
    const subnetIds = { collector: subnetsOf('collector'), analysis: subnetsOf('analysis'), endpoints: subnetsOf('endpoints') };

    const groups = new SecurityGroups(this, 'SecurityGroups', { name, vpcId: vpc.id });
    const endpoints = new Endpoints(this, 'Endpoints', {
      vpcId: vpc.id,
      place,
      perimeter: props.perimeter,
      subnetIds: subnetIds.endpoints,
      routeTableIds: [routeTable.id],
      securityGroupId: groups.endpointsId,
      bucketArns: props.bucketArns,
      extraServices: props.extraServices ?? [],
    });
    groups.allowS3(endpoints.s3PrefixListId);
    new NetworkAcls(this, 'NetworkAcls', {
      name,
      vpcId: vpc.id,
      vpcCidr: cidr,
      workloadSubnetIds: [...subnetIds.collector, ...subnetIds.analysis],
      endpointSubnetIds: subnetIds.endpoints,
    });
    const logging = { place, vpcId: vpc.id, logsKeyArn: props.logsKeyArn, logRetentionDays: props.logRetentionDays ?? 731 };
    new FlowLogs(this, 'FlowLogs', logging);
    new DnsFirewall(this, 'DnsFirewall', { ...logging, services: endpoints.services });

    this.vpcId = vpc.id;
    this.subnetIds = subnetIds;
    this.collectorSecurityGroupId = groups.collectorId;
    this.analysisSecurityGroupId = groups.analysisId;
    this.s3EndpointId = endpoints.s3EndpointId;
  }

  /** Tiers that a network has, in the order of its address block. */
  static readonly tiers = TIERS;
}
