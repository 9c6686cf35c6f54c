import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { SFNClient } from '@aws-sdk/client-sfn';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { bucketName, EXIT, RegionName, type Place } from '../modules/vocabulary/index.ts';
import { CliError } from './errors.ts';

export type GlobalOptions = { readonly prefix: string; readonly region?: string; readonly bucket?: string; readonly json?: true };

/** Where the command works, as whom, and with what. */
export type Context = {
  readonly place: Place;
  /** ARN of the person's session: who is accountable for what the command does. */
  readonly caller: string;
  readonly bucket: string;
  readonly json: boolean;
  readonly s3: S3Client;
  readonly sfn: SFNClient;
  readonly lambda: LambdaClient;
  /** Prints a line for people; nothing with `--json`. */
  readonly say: (line: string) => void;
  /** Prints a line for machines; nothing without `--json`. */
  readonly tell: (line: object) => void;
};

/** Finds out where the caller is. Credentials and endpoints come from the environment, as for every tool of AWS. */
export async function openContext(options: GlobalOptions): Promise<Context> {
  const region = options.region ?? process.env['AWS_REGION'] ?? process.env['AWS_DEFAULT_REGION'];
  if (region === undefined || !RegionName.safeParse(region).success) {
    throw new CliError(`the Region is ${region === undefined ? 'not given' : `"${region}"`}; name the forensic Region with --region eu-central-1 or AWS_REGION`, EXIT.usage);
  }
  if (!/^[a-z][a-z0-9]{1,11}$/.test(options.prefix)) throw new CliError(`the prefix is "${options.prefix}"; 2 to 12 lower-case letters and digits are allowed`, EXIT.usage);
  const settings = { region, maxAttempts: 4 };
  const sts = new STSClient(settings);
  const { Account: account = '', Arn: caller = '' } = await sts.send(new GetCallerIdentityCommand({})).finally(() => sts.destroy());
  const place = { prefix: options.prefix, partition: caller.split(':')[1] ?? 'aws', account, region };
  const json = options.json ?? false;
  return {
    place,
    caller,
    bucket: options.bucket ?? bucketName(place, 'active'),
    json,
    s3: new S3Client({ ...settings, forcePathStyle: process.env['AWS_ENDPOINT_URL'] !== undefined }),
    sfn: new SFNClient(settings),
    lambda: new LambdaClient(settings),
    say: (line) => void (json || process.stdout.write(`${line}\n`)),
    tell: (line) => void (json && process.stdout.write(`${JSON.stringify(line)}\n`)),
  };
}
