import { CloudWatchLogsClient, CreateLogGroupCommand, DescribeLogGroupsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { CreateBucketCommand, ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { expect } from 'chai';
import { type Moto, startMoto } from './moto.ts';

describe('moto', () => {
  let moto: Moto;
  const config = () => ({ endpoint: moto.endpoint, region: 'eu-west-1', credentials: { accessKeyId: 'AKID', secretAccessKey: 'secret' } });
  before(async () => {
    moto = await startMoto();
  });
  after(() => moto?.stop());

  it('keeps buckets, log groups and an identity behind one endpoint', async () => {
    const s3 = new S3Client({ ...config(), forcePathStyle: true });
    const logs = new CloudWatchLogsClient(config());
    const sts = new STSClient(config());
    await s3.send(new CreateBucketCommand({ Bucket: 'evidence', CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' } }));
    await logs.send(new CreateLogGroupCommand({ logGroupName: 'ForensicDiskCapture' }));
    expect((await s3.send(new ListBucketsCommand({}))).Buckets?.map(({ Name }) => Name)).to.deep.equal(['evidence']);
    expect((await logs.send(new DescribeLogGroupsCommand({}))).logGroups?.map(({ logGroupName }) => logGroupName)).to.deep.equal(['ForensicDiskCapture']);
    expect((await sts.send(new GetCallerIdentityCommand({}))).Account).to.equal('123456789012');
    for (const client of [s3, logs, sts]) client.destroy();
  });

  it('runs beside another one that knows nothing of it, and is gone when stopped', async () => {
    const other = await startMoto();
    const s3 = new S3Client({ ...config(), endpoint: other.endpoint, forcePathStyle: true });
    expect((await s3.send(new ListBucketsCommand({}))).Buckets ?? []).to.deep.equal([]);
    s3.destroy();
    await other.stop();
    const refused = await fetch(other.endpoint).then(() => 'answered', (error: Error) => (error.cause as { code?: string }).code);
    expect(refused).to.equal('ECONNREFUSED');
  });
});
