import { expect } from 'chai';
import * as fc from 'fast-check';
import {
  DEFAULT_PART_SIZE, GiB, MiB, S3_LIMITS, TiB, objectLength, partCount, partsOf, planLayout, type ImageLayout,
} from '../../modules/vocabulary/index.ts';

const KiB = 1024;

/** Sizes of all magnitudes, with those beside the limits. Bytes. */
const sizes = fc.oneof(
  fc.integer({ min: 0, max: 64 * TiB }),
  fc.integer({ min: 0, max: 46 }).chain((power) => fc.integer({ min: -1, max: 1 }).map((delta) => Math.max(0, 2 ** power + delta))),
  fc.constantFrom(S3_LIMITS.maxParts * S3_LIMITS.maxPartSize, S3_LIMITS.maxParts * DEFAULT_PART_SIZE).chain((edge) => fc.integer({ min: -1, max: 1 }).map((delta) => edge + delta)),
);

/** What is wrong with how a layout cuts its image; undefined when it tiles it exactly, inside S3's limits. */
function fault(layout: ImageLayout): string | undefined {
  let end = 0;
  let number = 0;
  let object = 0;
  let inObject = 0;
  for (const part of partsOf(layout)) {
    if (part.objectIndex !== object) {
      if (inObject !== objectLength(layout, object)) return `object ${object} ends at ${inObject}`;
      object++;
      number = 0;
      inObject = 0;
    }
    number++;
    if (part.objectIndex !== object || part.partNumber !== number) return `part ${part.partNumber} of object ${part.objectIndex} comes as part ${number} of object ${object}`;
    if (part.offset !== end) return `a part begins at ${part.offset}, the one before it ends at ${end}`;
    const isLast = number === partCount(layout, object);
    if (isLast ? part.length > layout.partSize : part.length !== layout.partSize) return `part ${number} has ${part.length} bytes`;
    if (part.length === 0 && layout.imageSize > 0) return 'an empty part in an image that is not empty';
    if (number > S3_LIMITS.maxParts) return `part ${number}`;
    end += part.length;
    inObject += part.length;
  }
  if (object !== layout.objectCount - 1) return `${object + 1} of ${layout.objectCount} objects`;
  return end === layout.imageSize ? undefined : `the parts end at ${end} of ${layout.imageSize}`;
}

describe('planLayout', () => {
  it('tiles every image from nothing to 64 TiB exactly, in at most 10,000 parts an object', () => {
    fc.assert(
      fc.property(sizes, (size) => {
        const layout = planLayout(size);
        expect(fault(layout)).to.equal(undefined);
        expect(layout.partSize).to.be.within(S3_LIMITS.minPartSize, S3_LIMITS.maxPartSize);
      }),
      { numRuns: 150 },
    );
  });

  it('either tiles with the sizes it was told, or says that they do not fit', () => {
    const options = fc.record({
      partSize: fc.oneof(fc.constant(S3_LIMITS.minPartSize), fc.integer({ min: S3_LIMITS.minPartSize, max: 64 * MiB })),
      maxObjectSize: fc.integer({ min: S3_LIMITS.minPartSize, max: 4 * GiB }),
    });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 16 * GiB }), options, (size, { partSize, maxObjectSize }) => {
        if (partSize > maxObjectSize) {
          expect(() => planLayout(size, { partSize, maxObjectSize })).to.throw(RangeError, 'does not hold one part');
          return;
        }
        if (Math.ceil(size / (Math.floor(maxObjectSize / partSize) * partSize)) > 1000) {
          expect(() => planLayout(size, { partSize, maxObjectSize })).to.throw(RangeError, 'at most 1000');
          return;
        }
        const layout = planLayout(size, { partSize, maxObjectSize });
        expect(fault(layout)).to.equal(undefined);
        expect(layout.partSize).to.equal(partSize);
        expect(layout.objectSize).to.be.at.most(maxObjectSize);
      }),
      { numRuns: 150 },
    );
  });

  it('takes parts that S3 and the memory can bear at the sizes of EBS volumes', () => {
    const planned = [0, 1, 125 * GiB, TiB, 16 * TiB, 48 * TiB, 64 * TiB].map((size) => {
      const { partSize, objectCount } = planLayout(size);
      return [partSize / MiB, objectCount];
    });
    expect(planned).to.deep.equal([[16, 1], [16, 1], [16, 1], [105, 1], [1678, 1], [5034, 1], [5120, 2]]);
  });

  it('splits an image only above the largest object of 10,000 parts of 5 GiB', () => {
    const largest = 10_000 * 5 * GiB;
    expect(planLayout(largest).objectCount).to.equal(1);
    const split = planLayout(largest + 1);
    expect(split.objectCount).to.equal(2);
    expect([objectLength(split, 0), objectLength(split, 1)]).to.deep.equal([largest, 1]);
  });

  it('splits an image whose parts were forced so small that one object cannot hold them', () => {
    const layout = planLayout(100 * GiB, { partSize: 5 * MiB });
    expect(fault(layout)).to.equal(undefined);
    expect([layout.objectCount, partCount(layout, 0), partCount(layout, 2)]).to.deep.equal([3, 10_000, 480]);
  });

  it('gives an empty image one empty part, as S3 wants', () => {
    expect([...partsOf(planLayout(0))]).to.deep.equal([{ partNumber: 1, objectIndex: 0, offset: 0, length: 0 }]);
  });

  it('refuses what is no size', () => {
    for (const size of [-1, 0.5, Number.NaN, Infinity, Number.MAX_SAFE_INTEGER + 1]) {
      expect(() => planLayout(size), String(size)).to.throw(RangeError, 'an image cannot have');
    }
  });

  it('refuses part sizes that S3 refuses', () => {
    for (const partSize of [0, 512 * KiB, 5 * MiB - 1, 5 * GiB + 1]) {
      expect(() => planLayout(GiB, { partSize }), String(partSize)).to.throw(RangeError, 'S3 takes 5 MiB');
    }
  });
});
