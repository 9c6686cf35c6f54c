/**
 * Somebody else's app: a VPC with its S3 endpoint exists already, and so does a bucket for logs. It adds an evidence bucket
 * under its own name, the forensic roles, and alerts.
 */
import { AwsProvider } from '@cdktf/provider-aws/lib/provider/index.js';
import { App, TerraformOutput, TerraformStack } from 'cdktf';
import type { Construct } from 'constructs';
import { alertPatterns, Alerts, EvidenceBucket, evidenceBucketPolicy, ForensicLogs, ForensicRoles, vocabulary } from '../../modules/index.ts';

const place = { prefix: 'acme', partition: 'aws', account: '111122223333', region: 'eu-west-1' };
const people = { principals: ['arn:aws:iam::111122223333:role/sso/security'] };
const administrators = ['arn:aws:iam::111122223333:role/platform-deployment'];

/** What the platform has already. */
const existing = {
  s3EndpointId: 'vpce-0123456789abcdef0',
  logBucket: 'acme-platform-logs',
  evidenceKeyArn: 'arn:aws:kms:eu-west-1:111122223333:key/00000000-0000-4000-8000-000000000001',
};

export class ForensicsOfAcme extends TerraformStack {
  constructor(scope: Construct, id: string) {
    super(scope, id);
    new AwsProvider(this, 'aws', { region: place.region });
    const evidence = new EvidenceBucket(this, 'Evidence', {
      bucketName: vocabulary.bucketName(place, 'active'),
      kmsKeyArn: existing.evidenceKeyArn,
      retention: { mode: 'GOVERNANCE', days: 90 },
      logBucketName: existing.logBucket,
      logBucketArn: `arn:aws:s3:::${existing.logBucket}`,
      policy: (bucketArn) =>
        evidenceBucketPolicy({
          bucketArn,
          evidenceKeyArn: existing.evidenceKeyArn,
          perimeter: { accounts: [place.account] },
          endpointIds: [existing.s3EndpointId],
          endpointExemptArns: [vocabulary.roleArn(place, 'data-custodian'), vocabulary.roleArn(place, 'workflow')],
          custodianArns: [vocabulary.roleArn(place, 'data-custodian')],
          breakGlassArns: [vocabulary.roleArn(place, 'break-glass')],
          minimumRetentionDays: 30,
        }),
    });
    const roles = new ForensicRoles(this, 'Roles', {
      context: { ...place, logPrefix: '', memberAccounts: [], logArchiveAccount: place.account },
      access: { responder: people, investigator: people, 'data-custodian': people, analyst: people, 'break-glass': people },
    });
    const logs = new ForensicLogs(this, 'Logs', { place, keyAdministratorArns: administrators });
    new Alerts(this, 'Alerts', { place, patterns: alertPatterns(place), kmsKeyId: logs.keyArn, emails: ['security@example.com'] });
    new TerraformOutput(this, 'bucket', { value: evidence.bucketArn });
    new TerraformOutput(this, 'investigator', { value: roles.roleArns.investigator });
  }
}

if (import.meta.main) {
  const app = new App();
  new ForensicsOfAcme(app, 'forensics');
  app.synth();
}
