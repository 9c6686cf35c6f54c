import type { Synthesized } from './synth.ts';

const SERVICES = ['cloudtrail', 'cloudwatch', 'configservice', 'ec2', 'events', 'iam', 'kms', 'lambda', 'logs', 'organizations', 'route53resolver', 's3', 's3control', 'sns', 'sqs', 'ssm', 'sts'] as const;

/**
 * A provider that talks to an emulated AWS instead of the real one; everything else stays as it was.
 * @param states where Step Functions answers
 */
export const providerFor = (url: string, provider: Readonly<Record<string, unknown>>, states = url): Record<string, unknown> => ({
  ...provider,
  access_key: 'test',
  secret_key: 'test',
  s3_use_path_style: true,
  skip_metadata_api_check: true,
  skip_region_validation: true,
  max_retries: 3, // moto may drop a connection; more would only wait for what it lacks
  endpoints: [{ ...Object.fromEntries(SERVICES.map((service) => [service, url])), sfn: states }],
});

/** A stack whose providers talk to an emulated AWS, and whose state is a file beside it. */
export function against(stack: Synthesized, url: string, states = url): Record<string, unknown> {
  const { backend: _, ...terraform } = stack.terraform;
  return { ...stack, terraform, provider: { aws: (stack.provider.aws ?? []).map((provider) => providerFor(url, provider, states)) } };
}
