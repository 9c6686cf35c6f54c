import { expect } from 'chai';
import { denyUnloggedSessions } from '../../modules/governance/policies/index.ts';
import { cidrsOverlap, isAlignedCidr, subnetCidr, TIERS } from '../../modules/isolated-network/subnets.ts';
import { allowedDomains } from '../../modules/isolated-network/dns-firewall.ts';
import { awsOwnedBuckets } from '../../modules/isolated-network/policies/endpoints.ts';
import { bucketName, caseCollectorRoleArn, FORENSIC_ROLES, parameterName, PARAMETERS, roleArn, roleName, stackId, type BucketPurpose, type ParameterName } from '../../modules/vocabulary/index.ts';
import type { PolicyDocument } from '../../modules/policy.ts';
import { parseEstate } from '../../infra/config.ts';
import { estateInput, resources, synthEstate, type Synthesized } from '../infra/helpers/synth.ts';

const longest = { prefix: 'cleanroomxyz', partition: 'aws', account: '123456789012', region: 'ap-southeast-2' };

describe('names', () => {
  it('of buckets stay inside 63 characters, with the longest prefix', () => {
    for (const purpose of ['incoming', 'active', 'legal-hold', 'access-logs', 'audit-logs'] satisfies BucketPurpose[]) expect(bucketName(longest, purpose).length, purpose).to.be.at.most(63);
  });

  it('of roles stay inside 64 characters, and carry their Region', () => {
    for (const role of FORENSIC_ROLES) expect(roleName(longest, role)).to.match(/-ap-southeast-2$/).and.to.have.length.at.most(64);
  });

  it('of case roles lie on a path of their own, which no pattern of the other roles matches', () => {
    expect(caseCollectorRoleArn(longest, 'CASE-1')).to.equal('arn:aws:iam::123456789012:role/cleanroomxyz/case/cleanroomxyz-collector-ap-southeast-2-CASE-1');
    expect(roleArn(longest, 'collector')).to.equal('arn:aws:iam::123456789012:role/cleanroomxyz/cleanroomxyz-collector-ap-southeast-2');
  });

  it('of parameters and stacks are all different', () => {
    const parameters = (Object.keys(PARAMETERS) as ParameterName[]).map((name) => parameterName(longest, name));
    expect(new Set(parameters).size).to.equal(parameters.length);
    expect([stackId('seal'), stackId('evidence', 'eu-west-1')]).to.deep.equal(['seal', 'evidence-eu-west-1']);
  });
});

describe('subnets', () => {
  it('cut a block without overlap, each aligned and inside it', () => {
    for (const vpc of ['10.80.0.0/16', '10.80.16.0/20', '192.168.5.0/24', '10.255.240.0/20']) {
      const cut = TIERS.flatMap((tier) => [0, 1, 2].map((zone) => subnetCidr(vpc, tier, zone)));
      for (const [index, cidr] of cut.entries()) {
        expect(isAlignedCidr(cidr), cidr).to.equal(true);
        expect(cidrsOverlap(cidr, vpc), cidr).to.equal(true);
        for (const other of cut.slice(0, index)) expect(cidrsOverlap(cidr, other), `${cidr} and ${other}`).to.equal(false);
      }
    }
    expect(subnetCidr('10.80.16.0/20', 'endpoints', 1)).to.equal('10.80.25.0/24');
  });

  it('know blocks that overlap from blocks that touch', () => {
    expect(cidrsOverlap('10.0.0.0/16', '10.0.128.0/20')).to.equal(true);
    expect(cidrsOverlap('10.0.0.0/17', '10.0.128.0/17')).to.equal(false);
  });
});

describe('details that no simulator sees', () => {
  it('unlogged sessions are refused under AWS\'s own documents too, whose ARN has no account', () => {
    expect(denyUnloggedSessions({ prefix: 'x', partition: 'aws', organizationId: 'o-1' }).Statement[0]?.Resource).to.include.members([
      'arn:aws:ssm:*::document/AWS-StartSSHSession',
      'arn:aws:ssm:*::document/AWS-StartPortForwardingSession*',
    ]);
  });

  it('only names of AWS in the own Region resolve', () => {
    expect(allowedDomains('eu-west-1', ['kms', 'sts'])).to.deep.equal(['kms.eu-west-1.amazonaws.com.', 'sts.eu-west-1.amazonaws.com.', 's3.eu-west-1.amazonaws.com.', '*.s3.eu-west-1.amazonaws.com.', '*.s3.dualstack.eu-west-1.amazonaws.com.']);
  });

  it('each of AWS\'s own buckets that the S3 endpoint leads to resolves by the name that its client asks for', () => {
    const region = 'eu-central-1';
    const domains = allowedDomains(region, ['kms']);
    const resolves = (host: string): boolean => domains.some((domain) => (domain.startsWith('*') ? `${host}.`.endsWith(domain.slice(1)) : `${host}.` === domain));
    // dnf's repository file has the dual-stack name; Systems Manager and Image Builder ask for the Region's.
    const hosts = awsOwnedBuckets('aws', region).map((arn) => arn.replace('arn:aws:s3:::', '').replace('/*', '')).map((bucket) => `${bucket}.s3.${bucket.startsWith('al2023-repos-') ? 'dualstack.' : ''}${region}.amazonaws.com`);
    expect(hosts).to.include('al2023-repos-eu-central-1-de612dc2.s3.dualstack.eu-central-1.amazonaws.com');
    expect(hosts.filter((host) => !resolves(host))).to.deep.equal([]);
    expect(['cdn.amazonlinux.com', 'bucket.s3.us-east-1.amazonaws.com', 's3.eu-central-1.amazonaws.com.evil.example'].filter(resolves)).to.deep.equal([]);
  });

  it('a monitored account\'s keys are granted in the Region they live in', () => {
    const input = estateInput('example');
    Object.assign(input.monitoredAccounts?.[0] ?? {}, { sourceKeyArns: ['arn:aws:kms:us-east-1:200000000001:key/1', 'arn:aws:kms:eu-west-1:200000000001:key/2'] });
    const stack = synthEstate(parseEstate(input, 'x')).get('member-200000000001') as Synthesized;
    expect(resources(stack, 'aws_kms_grant').map(({ key_id, provider }) => [key_id, provider])).to.deep.equal([
      ['arn:aws:kms:eu-west-1:200000000001:key/2', undefined],
      ['arn:aws:kms:us-east-1:200000000001:key/1', 'aws.us-east-1'],
    ]);
    expect(stack.provider.aws?.map(({ region, alias }) => [region, alias])).to.deep.include.members([['eu-west-1', undefined], ['us-east-1', 'us-east-1']]);
  });

  it('a monitored account that allows containment may name twenty keys', () => {
    const input = estateInput('example');
    const sourceKeyArns = Array.from({ length: 20 }, (_, index) => `arn:aws:kms:eu-central-1:200000000001:key/00000000-0000-4000-8000-${String(index).padStart(12, '0')}`);
    Object.assign(input.monitoredAccounts?.[0] ?? {}, { sourceKeyArns, containment: true });
    const stack = synthEstate(parseEstate(input, 'x')).get('member-200000000001') as Synthesized;
    const [keys] = resources(stack, 'aws_iam_policy').filter(({ name }) => String(name).endsWith('-acquisition-keys'));
    for (const { Sid, Resource } of (JSON.parse(String(keys?.['policy'])) as PolicyDocument).Statement) expect(Resource, String(Sid)).to.deep.equal(sourceKeyArns);
  });
});
