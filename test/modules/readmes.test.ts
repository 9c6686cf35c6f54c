import { expect } from 'chai';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { denyOtherRegions, resourcePerimeter, SERVICE_CONTROL_POLICIES } from '../../modules/governance/policies/index.ts';
import { evidenceBucketPolicy } from '../../modules/evidence/policies/bucket.ts';
import { policyDocument, type PolicyDocument } from '../../modules/policy.ts';

const root = new URL('../../modules/', import.meta.url);
const readme = (folder: string): string => readFileSync(new URL(`${folder}/README.md`, root), 'utf8');
const sidsOf = (...documents: readonly PolicyDocument[]): readonly string[] => documents.flatMap(({ Statement }) => Statement.map(({ Sid }) => Sid ?? '(none)'));

describe('the modules\' READMEs', () => {
  it('are there for every folder but the vocabulary, and say what a module costs and does not do', () => {
    const folders = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory() && entry.name !== 'vocabulary');
    for (const { name } of folders) {
      expect(existsSync(new URL(`${name}/README.md`, root)), name).to.equal(true);
      if (name !== 'terraform') expect(readme(name), name).to.match(/Costs: /).and.to.match(/\b(not|no|neither) /);
    }
  });

  it('explain every statement of the organization\'s policies', () => {
    const context = { prefix: 'cleanroom', partition: 'aws', organizationId: 'o-exampleorg1' };
    const documents = [...Object.values(SERVICE_CONTROL_POLICIES).map((policy) => policy(context)), denyOtherRegions(context, ['eu-west-1']), resourcePerimeter(context)];
    const explained = [...readme('governance').matchAll(/^\| `(\w+)` \|/gm)].map((match) => match[1] ?? '');
    expect(explained.toSorted()).to.deep.equal([...new Set(sidsOf(...documents))].toSorted());
  });

  it('explain every statement of a bucket\'s policy', () => {
    const policy = evidenceBucketPolicy({
      bucketArn: 'arn:aws:s3:::b', evidenceKeyArn: 'k', perimeter: { accounts: [] }, endpointIds: ['vpce-1'], endpointExemptArns: [], custodianArns: [], breakGlassArns: [], minimumRetentionDays: 1,
      uploaders: { accounts: ['1'], rolePattern: 'r' },
    });
    const missing = sidsOf(policy, policyDocument()).filter((sid) => !readme('evidence').includes(`\`${sid}\``));
    expect(missing).to.deep.equal([]);
  });
});
