import { SecurityGroup } from '@cdktf/provider-aws/lib/security-group/index.js';
import { VpcSecurityGroupEgressRule } from '@cdktf/provider-aws/lib/vpc-security-group-egress-rule/index.js';
import { VpcSecurityGroupIngressRule } from '@cdktf/provider-aws/lib/vpc-security-group-ingress-rule/index.js';
import { Construct } from 'constructs';

export interface SecurityGroupsProps {
  /** First part of the groups' names. */
  readonly name: string;
  readonly vpcId: string;
}

const HTTPS = { ipProtocol: 'tcp', fromPort: 443, toPort: 443 };

/** Collector and analysis instances reach endpoints and S3 on port 443, nothing else, and nothing reaches them. */
export class SecurityGroups extends Construct {
  readonly collectorId: string;
  readonly analysisId: string;
  readonly endpointsId: string;
  readonly #workloads: Readonly<Record<string, string>>;

  constructor(scope: Construct, id: string, props: SecurityGroupsProps) {
    super(scope, id);
    const group = (purpose: string, description: string) =>
      new SecurityGroup(this, purpose, { name: `${props.name}-${purpose}`, description, vpcId: props.vpcId, tags: { Name: `${props.name}-${purpose}` } });
    const endpoints = group('endpoints', 'Interface endpoints: answer instances of this network');
    const workloads = {
      collector: group('collector', 'Collectors: no way in, endpoints and S3 only'),
      analysis: group('analysis', 'Analysis: no way in, endpoints and S3 only'),
    };
    for (const [purpose, workload] of Object.entries(workloads)) {
      new VpcSecurityGroupIngressRule(this, `endpoints-from-${purpose}`, {
        securityGroupId: endpoints.id,
        referencedSecurityGroupId: workload.id,
        description: `HTTPS from ${purpose} instances`,
        ...HTTPS,
      });
      new VpcSecurityGroupEgressRule(this, `${purpose}-to-endpoints`, {
        securityGroupId: workload.id,
        referencedSecurityGroupId: endpoints.id,
        description: 'HTTPS to interface endpoints',
        ...HTTPS,
      });
    }
    this.#workloads = { collector: workloads.collector.id, analysis: workloads.analysis.id };
    this.collectorId = workloads.collector.id;
    this.analysisId = workloads.analysis.id;
    this.endpointsId = endpoints.id;
  }

  /** Opens the way to S3, which has no group but a list of prefixes. */
  allowS3(prefixListId: string): void {
    for (const [purpose, securityGroupId] of Object.entries(this.#workloads)) {
      new VpcSecurityGroupEgressRule(this, `${purpose}-to-s3`, { securityGroupId, prefixListId, description: 'HTTPS to S3', ...HTTPS });
    }
  }
}
