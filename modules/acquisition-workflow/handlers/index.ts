/** The functions' entry points: AWS clients and the estate's names from the environment, one export a handler. */
import { EC2Client } from '@aws-sdk/client-ec2';
import { IAMClient } from '@aws-sdk/client-iam';
import { S3Client } from '@aws-sdk/client-s3';
import { SNSClient } from '@aws-sdk/client-sns';
import type { StoreConsoleInput, StoreConsoleOutput } from './contract.ts';
import { handlerSettings } from './settings.ts';
import { s3Records } from './records.ts';
import { storeConsole as keepConsole } from './store-console.ts';
import { sweepOrphans as sweep } from './sweep-orphans.ts';

export * from './entries.ts';

/** One line of the function's log; as it is, without what `console.log` puts before it, so that metric filters read it. */
const log = (line: Readonly<Record<string, unknown>>): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

export const sweepOrphans = () => {
  const { place, bucket, topicArn } = handlerSettings();
  const s3 = new S3Client({});
  return sweep({ place, ec2: new EC2Client({}), iam: new IAMClient({}), s3, sns: new SNSClient({}), records: s3Records(s3, bucket), bucket, topicArn, log })();
};

export const storeConsole = (event: StoreConsoleInput): Promise<StoreConsoleOutput> => {
  const { bucket, place } = handlerSettings();
  return keepConsole({ s3: new S3Client({}), bucket, place, now: () => new Date() })(event);
};
