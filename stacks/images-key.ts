import { KmsAlias } from '@cdktf/provider-aws/lib/kms-alias/index.js';
import { KmsReplicaKey } from '@cdktf/provider-aws/lib/kms-replica-key/index.js';
import type { TerraformProvider, TerraformStack } from 'cdktf';
import { imagesKeyPolicy } from '../modules/collector-image/policies/images-key.ts';
import { policyJson } from '../modules/render-policy.ts';
import { keyAlias, type Place } from '../modules/vocabulary/index.ts';

export interface ImagesKeyReplicaOptions {
  readonly place: Place;
  readonly keyAdministratorArns: readonly string[];
  /** Accounts that images are delivered to. @default none */
  readonly receivers?: readonly string[];
  /** Provider for a Region, since keys live in one. */
  readonly providerFor: (stack: TerraformStack, region: string) => TerraformProvider;
}

/** The images' key in another Region, under the same alias. @returns its ARN */
export function replicateImagesKey(stack: TerraformStack, region: string, primaryKeyArn: string, options: ImagesKeyReplicaOptions): string {
  const { place, keyAdministratorArns, receivers = [] } = options;
  const provider = options.providerFor(stack, region);
  const replica = new KmsReplicaKey(stack, `Key-${region}`, {
    provider,
    primaryKeyArn,
    description: 'Machine images and what they are built from',
    deletionWindowInDays: 30,
    policy: policyJson(imagesKeyPolicy({ ...place, region, administratorArns: keyAdministratorArns, receivers }), 'key', `the images' key in ${region}`),
    lifecycle: { preventDestroy: true },
  });
  new KmsAlias(stack, `Alias-${region}`, { provider, name: keyAlias(place, 'images'), targetKeyId: replica.keyId });
  return replica.arn;
}
