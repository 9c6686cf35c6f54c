import { ImageBuilder } from '../../collector-image/image-builder.ts';
import { ImagePipeline } from '../../collector-image/image-pipeline.ts';
import { collectorRecipe } from '../../collector-image/recipe.ts';
import type { ModuleSpec } from '../spec.ts';
import { KEY_ADMINISTRATORS, PLACE, placeOf } from '../variables.ts';

const id = (what: string, prefix: string) => ({
  type: 'string' as const,
  description: `${what} of the instances that images are built and tested on; it needs S3, Systems Manager and Image Builder.`,
  validation: { condition: `startswith(VALUE, "${prefix}-")`, message: `An id ${prefix}-… is allowed.` },
});

export const collectorImage: ModuleSpec = {
  name: 'collector-image',
  description: 'The collector\'s machine image (Amazon Linux 2023, x86_64): a monthly Image Builder pipeline with its key, artifact bucket and roles, and the current image\'s id in an SSM parameter.',
  costs: 'A few instance minutes a build, a KMS key, snapshots by the byte (deprecated images keep theirs).',
  not: 'It builds for one account and Region and x86_64 (the construct for several, and arm64), builds no workstation, and does not put the artifacts into the bucket.',
  variables: {
    ...PLACE,
    key_administrator_arns: KEY_ADMINISTRATORS,
    subnet_id: id('Subnet', 'subnet'),
    security_group_id: id('Security group', 'sg'),
    collector_version: {
      type: 'string',
      description: 'Version of the collector.',
      validation: { condition: 'can(regex("^[0-9]+[.][0-9]+[.][0-9]+$", VALUE))', message: 'A version such as 0.1.0 is allowed.' },
    },
    bundle_sha256: {
      type: 'string',
      description: 'SHA-256 of the collector\'s bundle for x86_64.',
      validation: { condition: 'can(regex("^[0-9a-f]{64}$", VALUE))', message: 'A SHA-256 of 64 hexadecimal digits is allowed.' },
    },
  },
  build: (scope, v) => {
    const place = placeOf(v);
    const builder = new ImageBuilder(scope, 'Builder', { place, regions: [place.region], keyAdministratorArns: v.list('key_administrator_arns') });
    const pipeline = new ImagePipeline(scope, 'Collector', {
      place,
      startedByWorkflow: true,
      recipe: collectorRecipe({
        architecture: 'x86_64',
        artifactBucket: builder.artifactBucket,
        collectorVersion: v.text('collector_version'),
        bundleSha256: v.text('bundle_sha256'),
      }),
      targets: [{ region: place.region, kmsKeyArn: builder.keyArn }],
      subnetId: v.text('subnet_id'),
      securityGroupId: v.text('security_group_id'),
      instanceProfileName: builder.instanceProfileName,
      executionRoleArn: builder.executionRoleArn,
      lifecycleRoleArn: builder.lifecycleRoleArn,
      logBucket: builder.artifactBucket,
    });
    return {
      artifact_bucket: { value: builder.artifactBucket, description: 'Bucket that the bundle and dc3dd\'s source are put into.' },
      images_key_arn: { value: builder.keyArn, description: 'Key that images are encrypted under.' },
      pipeline_arn: { value: pipeline.pipelineArn, description: 'The pipeline; start it for the first image.' },
      parameter_name: { value: pipeline.parameterNames[place.region] ?? '', description: 'SSM parameter with the current image\'s id.' },
    };
  },
};
