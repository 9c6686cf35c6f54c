import { EbsDefaultKmsKey } from '@cdktf/provider-aws/lib/ebs-default-kms-key/index.js';
import { EbsEncryptionByDefault } from '@cdktf/provider-aws/lib/ebs-encryption-by-default/index.js';
import { EbsSnapshotBlockPublicAccess } from '@cdktf/provider-aws/lib/ebs-snapshot-block-public-access/index.js';
import { Ec2ImageBlockPublicAccess } from '@cdktf/provider-aws/lib/ec2-image-block-public-access/index.js';
import { Ec2InstanceMetadataDefaults } from '@cdktf/provider-aws/lib/ec2-instance-metadata-defaults/index.js';
import { Ec2SerialConsoleAccess } from '@cdktf/provider-aws/lib/ec2-serial-console-access/index.js';
import { S3AccountPublicAccessBlock } from '@cdktf/provider-aws/lib/s3-account-public-access-block/index.js';
import { VpcBlockPublicAccessOptions } from '@cdktf/provider-aws/lib/vpc-block-public-access-options/index.js';
import { Construct } from 'constructs';

export interface AccountDefaultsProps {
  /** Key for volumes that name none. @default none: the AWS-managed EBS key (whose snapshots cannot be shared) */
  readonly ebsKeyArn?: string;
  /** Whether to set what holds for the whole account, not for a Region: one stack an account does. @default true */
  readonly accountWide?: boolean;
}

/**
 * Settings of the account in this Region that everything launched here inherits. They hold for every VPC of the account
 * and Region: an account that also does something else loses its internet gateways' traffic.
 */
export class AccountDefaults extends Construct {
  constructor(scope: Construct, id: string, props: AccountDefaultsProps = {}) {
    super(scope, id);
    new EbsSnapshotBlockPublicAccess(this, 'Snapshots', { state: 'block-all-sharing' });
    new Ec2ImageBlockPublicAccess(this, 'Images', { state: 'block-new-sharing' });
    new VpcBlockPublicAccessOptions(this, 'Networks', { internetGatewayBlockMode: 'block-bidirectional' });
    new Ec2InstanceMetadataDefaults(this, 'Metadata', {
      httpEndpoint: 'enabled',
      httpTokens: 'required',
      httpPutResponseHopLimit: 1,
      instanceMetadataTags: 'enabled',
    });
    new Ec2SerialConsoleAccess(this, 'SerialConsole', { enabled: false });
    new EbsEncryptionByDefault(this, 'Encryption', { enabled: true });
    if (props.ebsKeyArn !== undefined) new EbsDefaultKmsKey(this, 'EncryptionKey', { keyArn: props.ebsKeyArn });
    if (props.accountWide ?? true) {
      new S3AccountPublicAccessBlock(this, 'Buckets', {
        blockPublicAcls: true,
        blockPublicPolicy: true,
        ignorePublicAcls: true,
        restrictPublicBuckets: true,
      });
    }
  }
}
