import { expect } from 'chai';
import { readmeWithReference, referenceFolders } from '../../infra/write-references.ts';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { POLICY_TYPES } from '../../modules/governance/forensic-organization.ts';
import { denyOtherRegions, resourcePerimeter, SERVICE_CONTROL_POLICIES } from '../../modules/governance/policies/index.ts';
import { evidenceBucketPolicy } from '../../modules/evidence/policies/bucket.ts';
import { MODULE_SPECS } from '../../modules/terraform/specs/index.ts';
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

  it('have reference tables that are those of the sources', () => {
    for (const folder of referenceFolders()) expect(readme(folder), folder).to.equal(readmeWithReference(folder));
    const network = readme('isolated-network');
    expect(network).to.contain('| `cidr` | `string` | IPv4 block of the VPC, /16 to /24; it is cut into sixteen subnets. |');
    expect(network).to.contain('| `s3EndpointId` | `string` | The S3 gateway endpoint that bucket policies bind evidence to. |');
    expect(network).to.contain('`aws_vpc_block_public_access_options`');
  });

  it('name every plain Terraform module that is written', () => {
    const named = [...(readme('terraform').split('\n\n')[1] ?? '').matchAll(/`([a-z-]+)`/g)].map((match) => match[1] ?? '');
    expect(named).to.deep.equal(MODULE_SPECS.map(({ name }) => name));
  });

  it('have an existing organization enable every type of policy that the estate attaches there', () => {
    const [, listed] = /^for type in (.+); do$/m.exec(readFileSync(new URL('../infra/README.md', root), 'utf8')) ?? [];
    expect(listed?.split(' ')).to.deep.equal([...POLICY_TYPES]);
  });

  it('explain every statement of the organization\'s policies', () => {
    const imageDelivery = { pipelineRoleArn: 'arn:pipeline', receiverRoleArns: ['arn:delivery'], lifecycleRoleArns: ['arn:lifecycle'] };
    const context = { prefix: 'cleanroom', partition: 'aws', organizationId: 'o-exampleorg1', imageDelivery };
    const documents = [...Object.values(SERVICE_CONTROL_POLICIES).map((policy) => policy(context)), denyOtherRegions(context, ['eu-west-1']), resourcePerimeter(context)];
    const explained = [...(readme('governance').split('## Reference')[0] ?? '').matchAll(/^\| `(\w+)` \|/gm)].map((match) => match[1] ?? '');
    expect(explained.toSorted()).to.deep.equal([...new Set(sidsOf(...documents))].toSorted());
  });

  it('explain every statement of a bucket\'s policy', () => {
    const policy = evidenceBucketPolicy({
      bucketArn: 'arn:aws:s3:::b', evidenceKeyArn: 'k', perimeter: { accounts: [] }, endpointIds: ['vpce-1'], endpointExemptArns: [], custodianArns: [], breakGlassArns: [], minimumRetentionDays: 1, lock: { mode: 'COMPLIANCE', days: 365 },
      uploaders: { accounts: ['1'], rolePattern: 'r' },
    });
    const missing = sidsOf(policy, policyDocument()).filter((sid) => !readme('evidence').includes(`\`${sid}\``));
    expect(missing).to.deep.equal([]);
  });
});
