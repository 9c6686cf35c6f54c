import { expect } from 'chai';
import { execa } from 'execa';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadEstate } from './helpers/synth.ts';
import { describeWhereThere } from './helpers/where-there.ts';
import { World } from './simulation/world.ts';

/** CloudFormation resources that take the same documents; cfn-lint knows their grammar. */
const AS_RESOURCE: Readonly<Record<string, (document: object, index: number) => object>> = {
  managed: (PolicyDocument) => ({ Type: 'AWS::IAM::ManagedPolicy', Properties: { PolicyDocument } }),
  inlineRole: (PolicyDocument) => ({ Type: 'AWS::IAM::ManagedPolicy', Properties: { PolicyDocument } }),
  trust: (AssumeRolePolicyDocument) => ({ Type: 'AWS::IAM::Role', Properties: { AssumeRolePolicyDocument } }),
  bucket: (PolicyDocument, index) => ({ Type: 'AWS::S3::BucketPolicy', Properties: { Bucket: `bucket-${index}`, PolicyDocument } }),
  key: (KeyPolicy) => ({ Type: 'AWS::KMS::Key', Properties: { KeyPolicy } }),
};

describeWhereThere(['cfn-lint'], 'policy documents', function () {
  it('are what cfn-lint takes for policies', async () => {
    const { documents } = new World(loadEstate('example'), { sealed: true });
    const entries = documents.flatMap(({ kind, document }, index) => (AS_RESOURCE[kind] ? [[`D${index}`, AS_RESOURCE[kind]?.(document, index)]] : []));
    const directory = mkdtempSync(join(tmpdir(), 'cleanroom-lint-'));
    try {
      const file = join(directory, 'policies.json');
      writeFileSync(file, JSON.stringify({ AWSTemplateFormatVersion: '2010-09-09', Resources: Object.fromEntries(entries) }));
      const { stdout } = await execa('cfn-lint', ['--format', 'parseable', '--non-zero-exit-code', 'error', file], { reject: false });
      const errors = stdout.split('\n').filter((line) => /:E\d+:/.test(line));
      expect(entries.length).to.be.greaterThan(80);
      expect([...new Set(errors)]).to.deep.equal([]);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
