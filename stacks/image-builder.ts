import { DataAwsSsmParameter } from '@cdktf/provider-aws/lib/data-aws-ssm-parameter/index.js';
import { KmsAlias } from '@cdktf/provider-aws/lib/kms-alias/index.js';
import { KmsReplicaKey } from '@cdktf/provider-aws/lib/kms-replica-key/index.js';
import { Fn, TerraformStack, type TerraformProvider } from 'cdktf';
import type { Construct } from 'constructs';
import { ImageBuilder } from '../modules/collector-image/image-builder.ts';
import { ImagePipeline, type ImageTarget } from '../modules/collector-image/image-pipeline.ts';
import { imagesKeyPolicy } from '../modules/collector-image/policies/images-key.ts';
import { collectorRecipe, workstationRecipe, type Tool } from '../modules/collector-image/recipe.ts';
import { policyJson } from '../modules/render-policy.ts';
import { IMAGE_ARCHITECTURES, keyAlias, parameterName, type ImageArchitecture, type Place } from '../modules/vocabulary/index.ts';
import { output } from './publish.ts';

export interface ImageBuilderStackProps {
  /** The forensic account, in the first of its Regions: images are built there, and copied to the others. */
  readonly place: Place;
  readonly regions: readonly string[];
  readonly keyAdministratorArns: readonly string[];
  readonly collectorVersion: string;
  /** SHA-256 of the collector's bundle, for each architecture that images are built for. */
  readonly bundles: Readonly<Partial<Record<ImageArchitecture, string>>>;
  readonly parentVersion: string;
  /** Tools of the analysts' workstation; none is built without. */
  readonly tools?: readonly Tool[] | undefined;
  /** Provider for a Region, since keys live in one. */
  readonly providerFor: (stack: TerraformStack, region: string) => TerraformProvider;
}

/** In a forensic account, once: the pipelines of the collector's and the workstation's image. */
export class ImageBuilderStack extends TerraformStack {
  constructor(scope: Construct, id: string, props: ImageBuilderStackProps) {
    super(scope, id);
    const { place, regions, collectorVersion, parentVersion, tools } = props;
    const builder = new ImageBuilder(this, 'Builder', { place, regions, keyAdministratorArns: props.keyAdministratorArns });
    const targets = regions.map((region): ImageTarget => ({ region, kmsKeyArn: region === place.region ? builder.keyArn : this.#replica(region, builder.keyArn, props) }));
    const parameter = (name: 'collectorSubnetIds' | 'collectorSecurityGroupId'): string =>
      new DataAwsSsmParameter(this, name, { name: parameterName(place, name) }).insecureValue;
    const shared = {
      place,
      targets,
      subnetId: Fn.element(Fn.split(',', parameter('collectorSubnetIds')), 0) as string,
      securityGroupId: parameter('collectorSecurityGroupId'),
      instanceProfileName: builder.instanceProfileName,
      executionRoleArn: builder.executionRoleArn,
      lifecycleRoleArn: builder.lifecycleRoleArn,
      logBucket: builder.artifactBucket,
    };
    const architectures = IMAGE_ARCHITECTURES.filter((architecture) => props.bundles[architecture] !== undefined);
    for (const [index, architecture] of architectures.entries()) {
      const bundleSha256 = props.bundles[architecture] ?? '';
      const options = { architecture, artifactBucket: builder.artifactBucket, collectorVersion, bundleSha256, parentVersion };
      new ImagePipeline(this, `Collector-${architecture}`, { ...shared, recipe: collectorRecipe(options), startedByWorkflow: index === 0 });
      if (tools !== undefined) new ImagePipeline(this, `Workstation-${architecture}`, { ...shared, recipe: workstationRecipe(options, tools) });
    }
    output(this, 'artifactBucket', builder.artifactBucket);
    output(this, 'imagesKeyArn', builder.keyArn);
  }

  /** The images' key in another Region, under the same alias. */
  #replica(region: string, primaryKeyArn: string, { place, keyAdministratorArns, providerFor }: ImageBuilderStackProps): string {
    const provider = providerFor(this, region);
    const replica = new KmsReplicaKey(this, `Key-${region}`, {
      provider,
      primaryKeyArn,
      description: 'Machine images and what they are built from',
      deletionWindowInDays: 30,
      policy: policyJson(imagesKeyPolicy({ ...place, region, administratorArns: keyAdministratorArns }), 'key', `the images' key in ${region}`),
      lifecycle: { preventDestroy: true },
    });
    new KmsAlias(this, `Alias-${region}`, { provider, name: keyAlias(place, 'images'), targetKeyId: replica.keyId });
    return replica.arn;
  }
}
