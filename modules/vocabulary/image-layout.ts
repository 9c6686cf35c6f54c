/** Bytes in a MiB, GiB and TiB. */
export const MiB = 1024 ** 2;
export const GiB = 1024 ** 3;
export const TiB = 1024 ** 4;

/** S3's limits on a multipart upload: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
export const S3_LIMITS = { maxParts: 10_000, minPartSize: 5 * MiB, maxPartSize: 5 * GiB } as const;

/** Smallest part that is chosen by itself: large enough that a request's overhead is lost in it. */
export const DEFAULT_PART_SIZE = 16 * MiB;

/** Parts that one manifest records; 64 TiB in the parts that are chosen by themselves are 13,108. */
export const MAX_RECORDED_PARTS = 100_000;

/** Objects that one image may have: their keys end in three digits. */
export const MAX_IMAGE_OBJECTS = 1000;

export type PartRange = {
  /** 1-based, within its object. */
  readonly partNumber: number;
  /** Which object of the image, 0-based. */
  readonly objectIndex: number;
  /** First byte, counted from the image's start. */
  readonly offset: number;
  readonly length: number;
};

/** How an image is cut into objects and parts. Every part but an object's last has `partSize` bytes. */
export type ImageLayout = {
  readonly imageSize: number;
  readonly partSize: number;
  /** Bytes of every object but the last; a multiple of `partSize`. */
  readonly objectSize: number;
  readonly objectCount: number;
};

export type LayoutOptions = {
  /** Forces the part size, in bytes: 5 MiB to 5 GiB. @default what the image's size needs, at least 16 MiB */
  readonly partSize?: number;
  /** Forces the largest object, in bytes. @default 10,000 parts of 5 GiB (48.8 TiB) */
  readonly maxObjectSize?: number;
};

const roundUp = (value: number, step: number): number => Math.ceil(value / step) * step;

/**
 * Plans an image: the part size follows from the image's size, so that no object has over 10,000 parts.
 * @throws RangeError when the options cannot hold the image inside S3's limits
 */
export function planLayout(imageSize: number, options: LayoutOptions = {}): ImageLayout {
  if (!Number.isSafeInteger(imageSize) || imageSize < 0) throw new RangeError(`an image cannot have ${imageSize} bytes`);
  const largest = options.maxObjectSize ?? S3_LIMITS.maxParts * S3_LIMITS.maxPartSize;
  const inOneObject = Math.min(imageSize, largest);
  const needed = roundUp(Math.ceil(inOneObject / S3_LIMITS.maxParts), MiB);
  const partSize = options.partSize ?? Math.min(Math.max(needed, DEFAULT_PART_SIZE), S3_LIMITS.maxPartSize);
  if (partSize < S3_LIMITS.minPartSize || partSize > S3_LIMITS.maxPartSize) {
    throw new RangeError(`the part size is ${partSize} bytes; S3 takes 5 MiB (5242880) to 5 GiB (5368709120)`);
  }
  const partsPerObject = Math.min(Math.floor(largest / partSize), S3_LIMITS.maxParts);
  if (partsPerObject < 1) {
    throw new RangeError(`the largest object, ${largest} bytes, does not hold one part of ${partSize} bytes`);
  }
  const objectSize = partsPerObject * partSize;
  const objectCount = Math.max(1, Math.ceil(imageSize / objectSize));
  if (objectCount > MAX_IMAGE_OBJECTS) {
    throw new RangeError(`${imageSize} bytes in objects of ${objectSize} make ${objectCount} objects; at most ${MAX_IMAGE_OBJECTS} are named`);
  }
  if (imageSize / partSize > MAX_RECORDED_PARTS) {
    throw new RangeError(`${imageSize} bytes in parts of ${partSize} make over ${MAX_RECORDED_PARTS} parts, more than a manifest records`);
  }
  return { imageSize, partSize, objectSize, objectCount };
}

/** Length in bytes of one object of the image. */
export const objectLength = (layout: ImageLayout, objectIndex: number): number =>
  Math.min(layout.objectSize, layout.imageSize - objectIndex * layout.objectSize);

/** Parts of one object of the image; an empty image has one empty part, as S3 wants. */
export const partCount = (layout: ImageLayout, objectIndex: number): number =>
  Math.max(1, Math.ceil(objectLength(layout, objectIndex) / layout.partSize));

/** All parts in the order of the stream. */
export function* partsOf(layout: ImageLayout): Generator<PartRange> {
  for (let objectIndex = 0; objectIndex < layout.objectCount; objectIndex++) {
    const length = objectLength(layout, objectIndex);
    const count = partCount(layout, objectIndex);
    for (let index = 0; index < count; index++) {
      const start = index * layout.partSize;
      yield {
        partNumber: index + 1,
        objectIndex,
        offset: objectIndex * layout.objectSize + start,
        length: Math.min(layout.partSize, length - start),
      };
    }
  }
}
