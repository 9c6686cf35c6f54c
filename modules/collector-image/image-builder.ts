import { IamInstanceProfile } from '@cdktf/provider-aws/lib/iam-instance-profile/index.js';
import { IamRolePolicy } from '@cdktf/provider-aws/lib/iam-role-policy/index.js';
import { IamRole } from '@cdktf/provider-aws/lib/iam-role/index.js';
import { Construct } from 'constructs';
import { serviceTrust } from '../access/policies/trust.ts';
import { ClosedBucket } from '../evidence/closed-bucket.ts';
import { GuardedKey } from '../evidence/guarded-key.ts';
import type { PolicyDocument } from '../policy.ts';
import { policyJson } from '../render-policy.ts';
import { bucketName, iamPath, imageBuilderRoleName, keyAlias, type ImageBuilderRole, type Place } from '../vocabulary/index.ts';
import { artifactsBucketPolicy, buildInstancePolicy, deprecatePolicy, pipelinePolicy } from './policies/builder.ts';
import { imagesKeyPolicy } from './policies/images-key.ts';

export interface ImageBuilderProps {
  /** The account and Region that images are built in. */
  readonly place: Place;
  /** Regions of the account that images are copied to; the builder's own is one of them. */
  readonly regions: readonly string[];
  /** Other accounts that images are delivered to; each has an `ImageReceiver`. @default none */
  readonly receivers?: readonly string[];
  /** Roles that administer the images' key. */
  readonly keyAdministratorArns: readonly string[];
}

/** What every image pipeline of an account shares: the key, the bucket with the artifacts, and the roles. */
export class ImageBuilder extends Construct {
  /** Key that images and artifacts are encrypted under; a multi-Region key. */
  readonly keyArn: string;
  /** Bucket that the bundle and dc3dd's source are put into. */
  readonly artifactBucket: string;
  /** Instance profile of the instances that images are built and tested on. */
  readonly instanceProfileName: string;
  /** Role that pipelines work with. */
  readonly executionRoleArn: string;
  /** Role that lifecycle policies work with. */
  readonly lifecycleRoleArn: string;

  constructor(scope: Construct, id: string, props: ImageBuilderProps) {
    super(scope, id);
    const { place, regions, receivers = [] } = props;
    const context = { ...place, regions, receivers };
    const key = new GuardedKey(this, 'Key', {
      alias: keyAlias(place, 'images'),
      description: 'Machine images and what they are built from',
      policy: imagesKeyPolicy({ ...place, administratorArns: props.keyAdministratorArns, receivers }),
      multiRegion: true,
    });
    this.keyArn = key.keyArn;
    new ClosedBucket(this, 'Artifacts', {
      bucketName: bucketName(place, 'artifacts'),
      policy: (arn) => artifactsBucketPolicy(arn, place.account),
      kmsKeyArn: key.keyArn,
    });
    this.artifactBucket = bucketName(place, 'artifacts'); // the name, not a reference: recipes are named after what they hold

    const role = (roleId: string, name: ImageBuilderRole, trust: PolicyDocument, permissions: PolicyDocument): IamRole => {
      const made = new IamRole(this, roleId, {
        name: imageBuilderRoleName(place, name),
        path: iamPath(place),
        description: `Image Builder: ${name}`,
        assumeRolePolicy: policyJson(trust, 'trust', `the trust of ${name}`),
      });
      new IamRolePolicy(this, `${roleId}-policy`, { name, role: made.name, policy: policyJson(permissions, 'inlineRole', `the policy of ${name}`) });
      return made;
    };
    const instance = role('Instance', 'build', serviceTrust('ec2.amazonaws.com'), buildInstancePolicy(context));
    const profile = new IamInstanceProfile(this, 'Profile', { name: instance.name, path: iamPath(place), role: instance.name });
    const execution = role('Execution', 'pipeline', serviceTrust('imagebuilder.amazonaws.com', place.account), pipelinePolicy(context));
    const lifecycle = role('Lifecycle', 'lifecycle', serviceTrust('imagebuilder.amazonaws.com', place.account), deprecatePolicy(context));
    this.instanceProfileName = profile.name;
    this.executionRoleArn = execution.arn;
    this.lifecycleRoleArn = lifecycle.arn;
  }
}
