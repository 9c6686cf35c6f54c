import { IsolatedNetwork } from '../../isolated-network/isolated-network.ts';
import { bucketArn, EVIDENCE_BUCKETS } from '../../vocabulary/index.ts';
import type { ModuleSpec } from '../spec.ts';
import { LOG_ARCHIVE, LOG_DAYS, ORGANIZATION, PLACE, placeOf } from '../variables.ts';

export const isolatedNetwork: ModuleSpec = {
  name: 'isolated-network',
  description: 'A VPC over two zones without a way out: endpoints with policies, closed security groups and ACLs, flow logs, and a DNS firewall that fails closed.',
  costs: 'Interface endpoints by the hour and zone (five services, two zones), flow and query logs by the byte, DNS firewall by the query.',
  not: 'It launches nothing, and sets nothing for the account as a whole (that is account-defaults).',
  variables: {
    ...PLACE,
    organization_id: ORGANIZATION,
    log_archive_account_id: LOG_ARCHIVE,
    cidr: {
      type: 'string',
      description: 'IPv4 block of the VPC, /16 to /24.',
      validation: { condition: 'can(cidrhost(VALUE, 0)) && can(regex("/(1[6-9]|2[0-4])$", VALUE))', message: 'An IPv4 block of /16 to /24 is allowed.' },
    },
    zones: {
      type: 'list(string)',
      description: 'Two availability zones of the Region.',
      validation: { condition: 'length(VALUE) == 2 && length(distinct(VALUE)) == 2', message: 'Exactly two different zones are allowed.' },
    },
    logs_key_arn: { type: 'string', description: 'Key of the flow and query logs; its policy has to let CloudWatch Logs use it.', validation: { condition: 'startswith(VALUE, "arn:")', message: 'The ARN of a KMS key is allowed.' } },
    log_retention_days: LOG_DAYS,
  },
  build: (scope, v) => {
    const place = placeOf(v);
    const network = new IsolatedNetwork(scope, 'Network', {
      place,
      perimeter: { organizationId: v.text('organization_id'), accounts: [] },
      cidr: v.text('cidr'),
      zones: [v.element('zones', 0), v.element('zones', 1)],
      bucketArns: [...EVIDENCE_BUCKETS.map((purpose) => bucketArn(place, purpose)), bucketArn({ ...place, account: v.text('log_archive_account_id') }, 'audit-logs')],
      logsKeyArn: v.text('logs_key_arn'),
      logRetentionDays: v.number('log_retention_days'),
    });
    return {
      vpc_id: { value: network.vpcId, description: 'The network.' },
      s3_endpoint_id: { value: network.s3EndpointId, description: 'Endpoint that the evidence buckets are bound to.' },
      collector_subnet_ids: { value: network.subnetIds.collector, description: 'Subnets of the collectors.' },
      analysis_subnet_ids: { value: network.subnetIds.analysis, description: 'Subnets of analysis instances.' },
      collector_security_group_id: { value: network.collectorSecurityGroupId, description: 'Group of the collectors: no way in, endpoints and S3 only.' },
      analysis_security_group_id: { value: network.analysisSecurityGroupId, description: 'Group of analysis instances.' },
    };
  },
};
