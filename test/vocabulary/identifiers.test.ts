import { expect } from 'chai';
import * as fc from 'fast-check';
import { ulid } from 'ulid';
import { AcquisitionId, InstanceId, UtcTime, volumeIdFromSerial } from '../../modules/vocabulary/index.ts';

const hex = (length: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`));

describe('identifiers', () => {
  it('give an EBS serial its volume ID, with its dash or without', () => {
    fc.assert(
      fc.property(fc.oneof(hex(8), hex(17)), fc.constantFrom('', ' ', '  \n'), (digits, padding) => {
        expect(volumeIdFromSerial(`vol${digits}${padding}`)).to.equal(`vol-${digits}`);
        expect(volumeIdFromSerial(`vol-${digits}`)).to.equal(`vol-${digits}`);
      }),
    );
  });

  it('give no other serial a volume ID', () => {
    for (const serial of ['', 'vol', 'vol012', 'VOL01234567', 'vol0123456g', 'vol012345678', 'xvol01234567', 'vol01234567x', 'vol0123456789abcdef01', 'vol--01234567', '../vol01234567']) {
      expect(volumeIdFromSerial(serial), serial).to.equal(undefined);
    }
  });

  it('take what the collector makes', () => {
    expect(AcquisitionId.safeParse(ulid()).success).to.equal(true);
    expect(UtcTime.safeParse(new Date().toISOString()).success).to.equal(true);
    expect(InstanceId.safeParse('i-0123456789abcdef0').success).to.equal(true);
  });

  it('refuse times without milliseconds or outside UTC, since they would not sort', () => {
    for (const time of ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05.123+01:00', '2026-01-02 03:04:05.123Z', '2026-13-02T03:04:05.123Z', '']) {
      expect(UtcTime.safeParse(time).success, time).to.equal(false);
    }
  });
});
