import { TerraformStack } from 'cdktf';
import type { Construct } from 'constructs';
import { ImageReceiver, type ImageReceiverProps } from '../modules/collector-image/image-receiver.ts';
import { replicateImagesKey, type ImagesKeyReplicaOptions } from './images-key.ts';
import { output } from './publish.ts';

export type ImageReceiverStackProps = ImageReceiverProps & Pick<ImagesKeyReplicaOptions, 'providerFor'>;

/** In a forensic account that another one builds images for: what takes delivery of them, and the key that they are kept under. */
export class ImageReceiverStack extends TerraformStack {
  constructor(scope: Construct, id: string, props: ImageReceiverStackProps) {
    super(scope, id);
    // By the id that a builder has in its stack: an account that has built for itself keeps its key when another one builds for it.
    const { keyArn } = new ImageReceiver(this, 'Builder', props);
    for (const region of props.regions) if (region !== props.place.region) replicateImagesKey(this, region, keyArn, props);
    output(this, 'imagesKeyArn', keyArn);
  }
}
