import { NetworkAclRule } from '@cdktf/provider-aws/lib/network-acl-rule/index.js';
import { NetworkAcl } from '@cdktf/provider-aws/lib/network-acl/index.js';
import { Construct } from 'constructs';

export interface NetworkAclsProps {
  readonly name: string;
  readonly vpcId: string;
  readonly vpcCidr: string;
  readonly workloadSubnetIds: readonly string[];
  readonly endpointSubnetIds: readonly string[];
}

interface Rule {
  readonly egress: boolean;
  readonly cidrBlock: string;
  readonly fromPort: number;
  readonly toPort: number;
}

const HTTPS = { fromPort: 443, toPort: 443 };
const ANSWERS = { fromPort: 1024, toPort: 65535 };

/**
 * A second fence behind the security groups. S3's gateway answers from public addresses and an ACL knows no prefix lists,
 * so instances may speak HTTPS to any address here: that no such address can be reached is the routes' doing.
 */
export class NetworkAcls extends Construct {
  constructor(scope: Construct, id: string, props: NetworkAclsProps) {
    super(scope, id);
    const anywhere = '0.0.0.0/0';
    this.#make('workload', props, props.workloadSubnetIds, [
      { egress: true, cidrBlock: anywhere, ...HTTPS },
      { egress: false, cidrBlock: anywhere, ...ANSWERS },
    ]);
    this.#make('endpoints', props, props.endpointSubnetIds, [
      { egress: false, cidrBlock: props.vpcCidr, ...HTTPS },
      { egress: true, cidrBlock: props.vpcCidr, ...ANSWERS },
    ]);
  }

  #make(purpose: string, props: NetworkAclsProps, subnetIds: readonly string[], rules: readonly Rule[]): void {
    const acl = new NetworkAcl(this, purpose, { vpcId: props.vpcId, subnetIds: [...subnetIds], tags: { Name: `${props.name}-${purpose}` } });
    rules.forEach((rule, index) => {
      new NetworkAclRule(this, `${purpose}-${index}`, { networkAclId: acl.id, ruleNumber: 100 + index * 10, protocol: 'tcp', ruleAction: 'allow', ...rule });
    });
  }
}
