import { ConfigConfigurationRecorderStatus } from '@cdktf/provider-aws/lib/config-configuration-recorder-status/index.js';
import { ConfigConfigurationRecorder } from '@cdktf/provider-aws/lib/config-configuration-recorder/index.js';
import { ConfigDeliveryChannel } from '@cdktf/provider-aws/lib/config-delivery-channel/index.js';
import { IamServiceLinkedRole } from '@cdktf/provider-aws/lib/iam-service-linked-role/index.js';
import { Fn, TerraformCount, type IResolvable } from 'cdktf';
import { Construct } from 'constructs';
import type { Place } from '../vocabulary/index.ts';

export interface ConfigRecorderProps {
  readonly place: Place;
  /** Bucket in the log-archive account. */
  readonly bucketName: string;
  /** Whether to make the service-linked role: an account has one, so one of its Regions' stacks makes it, and records what is global. */
  readonly makeServiceLinkedRole: boolean | IResolvable;
}

/** Records every resource's configuration and every change of it. */
export class ConfigRecorder extends Construct {
  constructor(scope: Construct, id: string, { place, bucketName, makeServiceLinkedRole }: ConfigRecorderProps) {
    super(scope, id);
    const role =
      makeServiceLinkedRole === false
        ? undefined
        : new IamServiceLinkedRole(this, 'Role', {
            awsServiceName: 'config.amazonaws.com',
            ...(makeServiceLinkedRole === true ? {} : { count: TerraformCount.of(Fn.conditional(makeServiceLinkedRole, 1, 0)) }),
          });
    const recorder = new ConfigConfigurationRecorder(this, 'Resource', {
      name: `${place.prefix}-recorder`,
      roleArn: `arn:${place.partition}:iam::${place.account}:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig`,
      recordingGroup: { allSupported: true, includeGlobalResourceTypes: makeServiceLinkedRole },
      dependsOn: role === undefined ? [] : [role],
    });
    const channel = new ConfigDeliveryChannel(this, 'Channel', {
      name: `${place.prefix}-channel`,
      s3BucketName: bucketName,
      s3KeyPrefix: 'config',
      dependsOn: [recorder],
    });
    new ConfigConfigurationRecorderStatus(this, 'Status', { name: recorder.name, isEnabled: true, dependsOn: [channel] });
  }
}
