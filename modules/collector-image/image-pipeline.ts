import { ImagebuilderComponent } from '@cdktf/provider-aws/lib/imagebuilder-component/index.js';
import { ImagebuilderDistributionConfiguration } from '@cdktf/provider-aws/lib/imagebuilder-distribution-configuration/index.js';
import { ImagebuilderImagePipeline } from '@cdktf/provider-aws/lib/imagebuilder-image-pipeline/index.js';
import { ImagebuilderImageRecipe } from '@cdktf/provider-aws/lib/imagebuilder-image-recipe/index.js';
import { ImagebuilderInfrastructureConfiguration } from '@cdktf/provider-aws/lib/imagebuilder-infrastructure-configuration/index.js';
import { ImagebuilderLifecyclePolicy } from '@cdktf/provider-aws/lib/imagebuilder-lifecycle-policy/index.js';
import { Construct } from 'constructs';
import { CASE_TAGS, imageParameterName, parameterName, type Place } from '../vocabulary/index.ts';
import { componentDocument, contentName, literal } from './component-data.ts';
import type { ImageRecipe, RecipeComponent } from './recipe.ts';

/** A Region that an image is copied to, and the account there. */
export interface ImageTarget {
  readonly region: string;
  /** Key of that Region and account that the copy is encrypted under, by its ARN or its alias's. */
  readonly kmsKeyArn: string;
  /** Another account that owns the copy and gets its id; it has an `ImageReceiver`. @default the builder's own */
  readonly account?: string;
}

export interface ImagePipelineProps {
  /** The account and Region that the image is built in. */
  readonly place: Place;
  readonly recipe: ImageRecipe;
  /** Whether the workflow starts this one: its id is then published as `collectorImageId`, too. @default false */
  readonly startedByWorkflow?: boolean;
  /** Where the image goes; the builder's own Region is the first. */
  readonly targets: readonly ImageTarget[];
  /** Subnet and security group of the instances that build and test: they need S3, Systems Manager and nothing else. */
  readonly subnetId: string;
  readonly securityGroupId: string;
  readonly instanceProfileName: string;
  readonly executionRoleArn: string;
  readonly lifecycleRoleArn: string;
  /** Bucket for the build's logs. */
  readonly logBucket: string;
  /** Topic that is told of every build; the execution role then needs sns:Publish on it. @default none */
  readonly topicArn?: string;
  /** When it is built, as Image Builder's cron in UTC. @default `cron(0 3 1 * ? *)`, the first of every month at three */
  readonly schedule?: string;
  /** Months after which an image is deprecated: not deleted, but no longer offered. @default 3 */
  readonly deprecateAfterMonths?: number;
}

const DEFAULT_SCHEDULE = 'cron(0 3 1 * ? *)';

/** A machine image of one recipe: built every month, tested, encrypted, never public, its id published, old ones deprecated. */
export class ImagePipeline extends Construct {
  readonly pipelineArn: string;
  readonly recipeArn: string;
  /** SSM parameters with the current image's id, by Region. */
  readonly parameterNames: Readonly<Record<string, string>>;

  constructor(scope: Construct, id: string, props: ImagePipelineProps) {
    super(scope, id);
    const { place, recipe, targets } = props;
    const [home] = targets;
    if (home === undefined || home.region !== place.region) {
      throw new RangeError(`got ${home?.region ?? 'no target'} as first target; the builder's own Region ${place.region} is needed there`);
    }
    const name = `${place.prefix}-${recipe.purpose}-${recipe.architecture.replace('_', '-')}`;
    const components = recipe.components.map((component) => this.#component(component, props));
    const imageRecipe = new ImagebuilderImageRecipe(this, 'Recipe', {
      // A recipe cannot be changed: another content is another recipe.
      name: `${name}-${contentName({ recipe, documents: recipe.components.map((component) => contentName(componentDocument(component.name))) })}`,
      version: recipe.version,
      parentImage: `arn:${place.partition}:imagebuilder:${place.region}:aws:image/${recipe.parent.name}/${recipe.parent.version}`,
      component: recipe.components.map((component, index) => ({
        componentArn: components[index]!.arn,
        parameter: Object.entries(component.parameters).map(([parameter, value]) => ({ name: parameter, value })),
      })),
      blockDeviceMapping: [
        { deviceName: '/dev/xvda', ebs: { encrypted: 'true', kmsKeyId: home.kmsKeyArn, volumeSize: recipe.volumeSize, volumeType: 'gp3', deleteOnTermination: 'true' } },
      ],
      lifecycle: { createBeforeDestroy: true },
    });
    const infrastructure = new ImagebuilderInfrastructureConfiguration(this, 'Infrastructure', {
      name,
      instanceProfileName: props.instanceProfileName,
      instanceTypes: [...recipe.instanceTypes],
      subnetId: props.subnetId,
      securityGroupIds: [props.securityGroupId],
      terminateInstanceOnFailure: true,
      instanceMetadataOptions: { httpTokens: 'required', httpPutResponseHopLimit: 1 },
      logging: { s3Logs: { s3BucketName: props.logBucket, s3KeyPrefix: `logs/${name}` } },
      ...(props.topicArn === undefined ? {} : { snsTopicArn: props.topicArn }),
    });
    this.parameterNames = Object.fromEntries(targets.map(({ region }) => [region, imageParameterName({ ...place, region }, recipe.purpose, recipe.architecture)]));
    const distribution = new ImagebuilderDistributionConfiguration(this, 'Distribution', {
      name,
      distribution: targets.map(({ region, kmsKeyArn, account }) => ({
        region,
        amiDistributionConfiguration: {
          name: `${name}-{{ imagebuilder:buildDate }}`,
          kmsKeyId: kmsKeyArn,
          amiTags: { [CASE_TAGS.purpose]: recipe.purpose, CollectorVersion: recipe.version },
          // A copy that the other account owns, instead of a launch permission: nothing that it starts depends on our image or key.
          ...(account === undefined ? {} : { targetAccountIds: [account] }),
        },
        ssmParameterConfiguration: [
          this.parameterNames[region]!,
          ...(props.startedByWorkflow ? [parameterName({ ...place, region }, 'collectorImageId')] : []),
        ]
          // No account is named but one that the image is distributed to; the builder's own is not.
          .map((published) => ({ parameterName: published, dataType: 'aws:ec2:image', ...(account === undefined ? {} : { amiAccountId: account }) })),
      })),
    });
    const pipeline = new ImagebuilderImagePipeline(this, 'Resource', {
      name,
      description: `${recipe.purpose} image, ${recipe.architecture}`,
      imageRecipeArn: imageRecipe.arn,
      infrastructureConfigurationArn: infrastructure.arn,
      distributionConfigurationArn: distribution.arn,
      executionRole: props.executionRoleArn,
      // It would need an association with Systems Manager and an inventory; the bundle has a list of its own of what is in it.
      enhancedImageMetadataEnabled: false,
      imageTestsConfiguration: { imageTestsEnabled: true, timeoutMinutes: 60 },
      // Every month, also when nothing new is known: that the image can still be built is worth knowing, too.
      schedule: { scheduleExpression: props.schedule ?? DEFAULT_SCHEDULE, timezone: 'Etc/UTC', pipelineExecutionStartCondition: 'EXPRESSION_MATCH_ONLY' },
      status: 'ENABLED',
    });
    new ImagebuilderLifecyclePolicy(this, 'Lifecycle', {
      name,
      description: 'Deprecates old images, and deletes none',
      executionRole: props.lifecycleRoleArn,
      resourceType: 'AMI_IMAGE',
      policyDetail: [
        {
          action: [{ type: 'DEPRECATE', includeResources: [{ amis: true, snapshots: false }] }],
          filter: [{ type: 'AGE', value: props.deprecateAfterMonths ?? 3, unit: 'MONTHS', retainAtLeast: 1 }],
        },
      ],
      resourceSelection: [{ recipe: [{ name: imageRecipe.name, semanticVersion: recipe.version }] }],
    });
    this.pipelineArn = pipeline.arn;
    this.recipeArn = imageRecipe.arn;
  }

  #component({ name }: RecipeComponent, { place, recipe, targets }: ImagePipelineProps): ImagebuilderComponent {
    const data = componentDocument(name);
    return new ImagebuilderComponent(this, `component-${name}`, {
      name: `${place.prefix}-${recipe.purpose}-${recipe.architecture.replace('_', '-')}-${name}-${contentName(data)}`,
      version: recipe.version,
      platform: 'Linux',
      data: literal(data),
      kmsKeyId: targets[0]!.kmsKeyArn,
      lifecycle: { createBeforeDestroy: true },
    });
  }
}
