import { IamRolePolicy } from '@cdktf/provider-aws/lib/iam-role-policy/index.js';
import { IamRole } from '@cdktf/provider-aws/lib/iam-role/index.js';
import { Construct } from 'constructs';
import { GuardedKey } from '../evidence/guarded-key.ts';
import type { PolicyDocument } from '../policy.ts';
import { policyJson } from '../render-policy.ts';
import { IMAGE_RECEIVER_ROLES, keyAlias, type ImageReceiverRole, type Place } from '../vocabulary/index.ts';
import { deprecatePolicy } from './policies/builder.ts';
import { imagesKeyPolicy } from './policies/images-key.ts';
import { deliveryPolicy, receiverTrust } from './policies/receiver.ts';

export interface ImageReceiverProps {
  /** The account that receives images, and the first of its Regions. */
  readonly place: Place;
  /** Regions of the account that images are delivered to. */
  readonly regions: readonly string[];
  /** Where they are built. */
  readonly builder: Place;
  /** Roles that administer the images' key. */
  readonly keyAdministratorArns: readonly string[];
}

/** An account that another one builds images for: it gets copies of its own, under a key of its own, and their ids. */
export class ImageReceiver extends Construct {
  /** Key that delivered images are encrypted under; a multi-Region key. */
  readonly keyArn: string;

  constructor(scope: Construct, id: string, props: ImageReceiverProps) {
    super(scope, id);
    const { place, regions, builder } = props;
    const context = { ...place, regions, builder };
    this.keyArn = new GuardedKey(this, 'Key', {
      alias: keyAlias(place, 'images'),
      description: 'Machine images',
      policy: imagesKeyPolicy({ ...place, administratorArns: props.keyAdministratorArns }),
      multiRegion: true,
    }).keyArn;
    const role = (name: ImageReceiverRole, trust: PolicyDocument, permissions: PolicyDocument): void => {
      const made = new IamRole(this, name, {
        name: IMAGE_RECEIVER_ROLES[name], // fixed by Image Builder, which knows no path either
        description: `Image Builder of ${builder.account}: ${name}`,
        assumeRolePolicy: policyJson(trust, 'trust', `the trust of ${name}`),
      });
      new IamRolePolicy(this, `${name}-policy`, { name, role: made.name, policy: policyJson(permissions, 'inlineRole', `the policy of ${name}`) });
    };
    role('delivery', receiverTrust(context, 'pipeline'), deliveryPolicy(context));
    role('lifecycle', receiverTrust(context, 'lifecycle'), deprecatePolicy(context));
  }
}
