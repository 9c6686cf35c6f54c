import { KmsAlias } from '@cdktf/provider-aws/lib/kms-alias/index.js';
import { KmsKey } from '@cdktf/provider-aws/lib/kms-key/index.js';
import { Construct } from 'constructs';
import type { PolicyDocument } from '../policy.ts';
import { policyJson } from '../render-policy.ts';

export interface GuardedKeyProps {
  /** `alias/…` */
  readonly alias: string;
  /** What the key is for, as KMS shows it. */
  readonly description: string;
  readonly policy: PolicyDocument;
  /** Days between a deletion's schedule and the deletion, 7 to 30. @default 30 */
  readonly deletionWindowDays?: number;
  /** Whether other Regions may hold replicas; a key cannot be changed to that later. @default false */
  readonly multiRegion?: boolean;
}

/** A symmetric key that rotates every year and that Terraform will not destroy. */
export class GuardedKey extends Construct {
  readonly keyArn: string;
  readonly keyId: string;

  constructor(scope: Construct, id: string, props: GuardedKeyProps) {
    super(scope, id);
    const key = new KmsKey(this, 'Resource', {
      description: props.description,
      enableKeyRotation: true,
      ...(props.multiRegion === undefined ? {} : { multiRegion: props.multiRegion }),
      deletionWindowInDays: props.deletionWindowDays ?? 30,
      policy: policyJson(props.policy, 'key', `the policy of ${props.alias}`),
      lifecycle: { preventDestroy: true },
    });
    new KmsAlias(this, 'Alias', { name: props.alias, targetKeyId: key.keyId });
    this.keyArn = key.arn;
    this.keyId = key.keyId;
  }
}
