import { CloudwatchLogGroup } from '@cdktf/provider-aws/lib/cloudwatch-log-group/index.js';
import { FlowLog } from '@cdktf/provider-aws/lib/flow-log/index.js';
import { IamRolePolicy } from '@cdktf/provider-aws/lib/iam-role-policy/index.js';
import { IamRole } from '@cdktf/provider-aws/lib/iam-role/index.js';
import { Construct } from 'constructs';
import { serviceTrust } from '../access/policies/trust.ts';
import { policyDocument } from '../policy.ts';
import { policyJson } from '../render-policy.ts';
import { iamPath, infrastructureLogGroup, type Place } from '../vocabulary/index.ts';

export interface NetworkLoggingProps {
  readonly place: Place;
  readonly vpcId: string;
  readonly logsKeyArn: string;
  readonly logRetentionDays: number;
}

/** Every flow of the VPC, accepted or rejected, in one-minute windows. */
export class FlowLogs extends Construct {
  constructor(scope: Construct, id: string, { place, vpcId, logsKeyArn, logRetentionDays }: NetworkLoggingProps) {
    super(scope, id);
    const group = new CloudwatchLogGroup(this, 'LogGroup', {
      name: infrastructureLogGroup(place, 'flow'),
      kmsKeyId: logsKeyArn,
      retentionInDays: logRetentionDays,
      skipDestroy: true, // what was recorded outlives the stack
    });
    const role = new IamRole(this, 'Role', {
      name: `${place.prefix}-flow-logs-${place.region}`,
      path: iamPath(place),
      assumeRolePolicy: policyJson(serviceTrust('vpc-flow-logs.amazonaws.com', place.account), 'trust', 'the trust of the flow-log role'),
    });
    const policy = new IamRolePolicy(this, 'Policy', {
      name: 'deliver',
      role: role.id,
      policy: policyJson(
        policyDocument({
          Sid: 'Deliver',
          Effect: 'Allow',
          Action: ['logs:CreateLogStream', 'logs:DescribeLogGroups', 'logs:DescribeLogStreams', 'logs:PutLogEvents'],
          Resource: [group.arn, `${group.arn}:*`],
        }),
        'inlineRole',
        'the policy of the flow-log role',
      ),
    });
    new FlowLog(this, 'Resource', {
      vpcId,
      trafficType: 'ALL',
      logDestinationType: 'cloud-watch-logs',
      logDestination: group.arn,
      iamRoleArn: role.arn,
      maxAggregationInterval: 60,
      dependsOn: [policy],
    });
  }
}
