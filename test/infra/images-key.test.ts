import { expect } from 'chai';
import type { PolicyDocument } from '../../modules/policy.ts';
import { loadEstate, synthEstate } from './helpers/synth.ts';

/** Key and alias of the images' in the account that does not build for others, by address. */
const keyOf = (builtBy: string | undefined) => {
  const { images, ...estate } = loadEstate('example');
  if (images === undefined) throw new Error('the example builds images');
  const { builtBy: _, ...own } = images;
  const stack = synthEstate({ ...estate, images: builtBy === undefined ? own : { ...own, builtBy } }).get('image-builder-forensics-amer');
  return { keys: stack?.resource.aws_kms_key ?? {}, aliases: stack?.resource.aws_kms_alias ?? {} };
};

describe('the key of machine images', () => {
  it('is the same one whoever builds: an image of before can still be read', () => {
    const [builder, receiver] = [keyOf(undefined), keyOf('forensics-emea')];
    expect(Object.keys(builder.keys)).to.have.length(1);
    expect(Object.keys(receiver.keys)).to.deep.equal(Object.keys(builder.keys));
    expect(receiver.aliases).to.deep.equal(builder.aliases);
  });

  it('is deleted by nobody, whoever administers it', () => {
    const policies = [undefined, 'forensics-emea'].flatMap((builtBy) => Object.values(keyOf(builtBy).keys).map(({ policy }) => JSON.parse(String(policy)) as PolicyDocument));
    expect(policies).to.have.length(2);
    for (const { Statement } of policies) {
      expect(Statement.filter(({ Sid }) => Sid === 'DenyLoss')).to.deep.equal([
        { Sid: 'DenyLoss', Effect: 'Deny', Principal: '*', Action: ['kms:DeleteImportedKeyMaterial', 'kms:ScheduleKeyDeletion'], Resource: '*' },
      ]);
      const granted = Statement.filter(({ Effect }) => Effect === 'Allow').flatMap(({ Action }) => Action ?? []);
      expect(granted.filter((action) => /Delete(?!Alias)|Disable|Schedule/.test(action))).to.deep.equal([]);
    }
  });
});
