import { KmsGrant } from '@cdktf/provider-aws/lib/kms-grant/index.js';
import { Construct } from 'constructs';
import { SOURCE_KEY_OPERATIONS } from '../vocabulary/index.ts';

export interface KeyGrantsProps {
  /** Role that may have EC2 use the keys. */
  readonly granteeArn: string;
  /** Keys of one Region that the account's volumes are encrypted with. */
  readonly keyArns: readonly string[];
}

/** Lets the acquisition role read snapshots under the account's own keys, without a change to those keys' policies. */
export class KeyGrants extends Construct {
  constructor(scope: Construct, id: string, { granteeArn, keyArns }: KeyGrantsProps) {
    super(scope, id);
    keyArns.forEach((keyId, index) => {
      new KmsGrant(this, `Key${index}`, {
        name: 'forensic-acquisition',
        keyId,
        granteePrincipal: granteeArn,
        operations: [...SOURCE_KEY_OPERATIONS],
      });
    });
  }
}
