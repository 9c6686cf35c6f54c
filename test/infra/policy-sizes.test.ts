import { App, TerraformStack, Testing } from 'cdktf';
import { expect } from 'chai';
import { Seal } from '../../modules/governance/seal.ts';
import { packStatements, policyDocument, POLICY_QUOTAS, policyJson, type PolicyKind } from '../../modules/policy.ts';
import { denyOtherRegions, ec2Declarative, packedServiceControlPolicies, resourcePerimeter, s3BlockPublicAccess, caseTagPolicy, SERVICE_CONTROL_POLICIES } from '../../modules/governance/policies/index.ts';
import { IMAGE_RECEIVER_ROLES } from '../../modules/vocabulary/index.ts';
import { loadEstate } from './helpers/synth.ts';
import { World } from './simulation/world.ts';

const context = { prefix: 'cleanroomxyz', partition: 'aws-us-gov', organizationId: `o-${'a'.repeat(32)}` };

describe('policy sizes', () => {
  it('keeps every policy of the example estate inside its quota', () => {
    const { documents } = new World(loadEstate('example'), { sealed: true });
    const over = documents.filter(({ kind, document }) => JSON.stringify(document).length > POLICY_QUOTAS[kind as PolicyKind]);
    expect(documents.length).to.be.greaterThan(100);
    expect(over.map(({ name }) => name)).to.deep.equal([]);
    if (process.env.CLEANROOM_VERBOSE !== undefined) {
      const largest = new Map<string, string>();
      for (const { kind, name, document } of documents.toSorted((a, b) => JSON.stringify(a.document).length - JSON.stringify(b.document).length)) {
        largest.set(kind, `${JSON.stringify(document).length} of ${POLICY_QUOTAS[kind as PolicyKind]} (${name})`);
      }
      process.stdout.write(`${[...largest].map(([kind, line]) => `    ${kind}: ${line}`).join('\n')}\n`);
    }
  });

  it('fits the guardrails into the quotas of before May 2026, with the longest names there are', () => {
    const packed = packedServiceControlPolicies(context, POLICY_QUOTAS.scpBefore2026);
    expect(packed.length).to.be.at.most(4); // a node takes five, and FullAWSAccess is one
    for (const document of packed) expect(JSON.stringify(document).length).to.be.at.most(5120);
    expect(JSON.stringify(resourcePerimeter(context)).length).to.be.at.most(5120);
    expect(JSON.stringify(denyOtherRegions(context, Array.from({ length: 30 }, (_, index) => `us-gov-northwest-${index}`))).length).to.be.at.most(5120);
    for (const document of [ec2Declarative(), s3BlockPublicAccess(), caseTagPolicy()]) expect(JSON.stringify(document).length).to.be.at.most(10_000);
  });

  it('fits them for images that one account builds for four others, too', () => {
    const roles = (name: string) => Array.from({ length: 4 }, (_, index) => `arn:aws-us-gov:iam::10000000000${index}:role/${name}`);
    const imageDelivery = {
      pipelineRoleArn: `arn:aws-us-gov:iam::100000000009:role/cleanroomxyz/cleanroomxyz-image-pipeline-us-gov-west-1`,
      receiverRoleArns: roles(IMAGE_RECEIVER_ROLES.delivery),
      lifecycleRoleArns: roles(IMAGE_RECEIVER_ROLES.lifecycle),
    };
    expect(packedServiceControlPolicies({ ...context, imageDelivery }, POLICY_QUOTAS.scpBefore2026).length).to.be.at.most(4);
  });

  it('packs all statements and loses none', () => {
    const statements = Object.values(SERVICE_CONTROL_POLICIES).flatMap((policy) => policy(context).Statement);
    const packed = packedServiceControlPolicies(context, 5120).flatMap(({ Statement }) => Statement);
    expect(packed.map(({ Sid }) => String(Sid)).toSorted()).to.deep.equal(statements.map(({ Sid }) => String(Sid)).toSorted());
  });

  it('counts the Region pin on the node of an account that is sealed by itself, and says so before AWS refuses it', () => {
    const seal = (target: string, scpPerNode: number) => () => {
      const stack = new TerraformStack(Testing.stubVersion(new App({ outdir: '/nonexistent-not-written' })), 'stack');
      return new Seal(stack, 'Seal', { context, targets: { target }, regionsOfAccounts: { '111122223333': ['us-gov-west-1'] }, sealed: true, scpPerNode });
    };
    expect(packedServiceControlPolicies(context, POLICY_QUOTAS.scpBefore2026)).to.have.length(3);
    expect(seal('ou-abcd-12345678', 4)).not.to.throw();
    expect(seal('111122223333', 5)).not.to.throw();
    expect(seal('111122223333', 4)).to.throw(RangeError, 'the seal needs 4 service control policies besides FullAWSAccess on a node; 3 are allowed');
  });

  it('refuses a policy over its quota before AWS does, and names it', () => {
    const large = policyDocument({ Effect: 'Deny', Action: Array.from({ length: 400 }, (_, index) => `s3:Action${index}`), Resource: '*' });
    expect(() => policyJson(large, 'rcp', 'the perimeter')).to.throw(RangeError, /the perimeter has \d+ characters; a policy of kind rcp may have 5120/);
    expect(() => packStatements(large.Statement, 5120)).to.throw(RangeError, /5120 are allowed/);
  });

  it('leaves variables of IAM to IAM, not to Terraform', () => {
    const json = policyJson(policyDocument({ Effect: 'Allow', Action: 's3:GetObject', Resource: 'a/${aws:PrincipalTag/CaseId}/${aws_s3_bucket.x.arn}' }), 'rcp', 'x');
    expect(json).to.contain('$${aws:PrincipalTag/CaseId}/${aws_s3_bucket.x.arn}');
  });

  it('repeats no Sid inside a document', () => {
    const repeated = new World(loadEstate('example'), { sealed: true }).documents.filter(({ document }) => new Set(document.Statement.map(({ Sid }) => Sid)).size !== document.Statement.length);
    expect(repeated.map(({ name }) => name)).to.deep.equal([]);
  });
});
