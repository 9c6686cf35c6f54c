import { DataAwsSsmParameter } from '@cdktf/provider-aws/lib/data-aws-ssm-parameter/index.js';
import { Fn, TerraformStack, type TerraformProvider } from 'cdktf';
import type { Construct } from 'constructs';
import { ImageBuilder } from '../modules/collector-image/image-builder.ts';
import { ImagePipeline, type ImageTarget } from '../modules/collector-image/image-pipeline.ts';
import { collectorRecipe, workstationRecipe, type Tool } from '../modules/collector-image/recipe.ts';
import { IMAGE_ARCHITECTURES, keyAliasArn, parameterName, type ImageArchitecture, type Place } from '../modules/vocabulary/index.ts';
import { replicateImagesKey } from './images-key.ts';
import { output } from './publish.ts';

export interface ImageBuilderStackProps {
  /** The forensic account, in the first of its Regions: images are built there, and copied to the others. */
  readonly place: Place;
  readonly regions: readonly string[];
  /** Accounts and Regions that images are delivered to besides; each account has an {@link ImageReceiverStack}. */
  readonly receivers: readonly Place[];
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

/** In a forensic account that builds images: the pipelines of the collector's and the workstation's. */
export class ImageBuilderStack extends TerraformStack {
  constructor(scope: Construct, id: string, props: ImageBuilderStackProps) {
    super(scope, id);
    const { place, regions, collectorVersion, parentVersion, tools } = props;
    const receivers = [...new Set(props.receivers.map(({ account }) => account))];
    const builder = new ImageBuilder(this, 'Builder', { place, regions, receivers, keyAdministratorArns: props.keyAdministratorArns });
    const targets = [
      ...regions.map((region): ImageTarget => ({ region, kmsKeyArn: region === place.region ? builder.keyArn : replicateImagesKey(this, region, builder.keyArn, { ...props, receivers }) })),
      ...props.receivers.map((receiver): ImageTarget => ({ region: receiver.region, account: receiver.account, kmsKeyArn: keyAliasArn(receiver, 'images') })),
    ];
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
}
