import { createHash } from 'node:crypto';
import { text } from './loose.ts';
import type { Synthesized } from './synth.ts';

/** Where a stack is deployed, as its provider says. */
export interface StackPlace {
  readonly account: string;
  readonly region: string;
}

export const placeOfStack = (stack: Synthesized): StackPlace => {
  const provider = stack.provider.aws?.find(({ alias }) => alias === undefined); // the others are for further Regions
  return { account: String((provider?.allowed_account_ids as string[] | undefined)?.[0]), region: String(provider?.region) };
};

/** The endpoint id that AWS would have given out. */
export const S3_ENDPOINT_ID = 'vpce-0a1b2c3d4e5f60718';

const uuid = (seed: string): string => {
  const hex = createHash('sha256').update(seed).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
};

/** What AWS would answer for an attribute of a resource that does not exist yet. */
function attribute(type: string, name: string, key: string, config: Record<string, unknown>, { account, region }: StackPlace): string {
  const kmsId = uuid(`${account}${region}${name}`);
  const path = text(config.path ?? '/');
  const known: Record<string, string | undefined> = {
    'aws_kms_key.arn': `arn:aws:kms:${region}:${account}:key/${kmsId}`,
    'aws_kms_key.key_id': kmsId,
    'aws_s3_bucket.arn': `arn:aws:s3:::${String(config.bucket)}`,
    'aws_s3_bucket.id': String(config.bucket),
    'aws_iam_policy.arn': `arn:aws:iam::${account}:policy${path}${String(config.name)}`,
    'aws_iam_role.arn': `arn:aws:iam::${account}:role${path}${String(config.name)}`,
    'aws_iam_role.id': String(config.name),
    'aws_cloudwatch_log_group.arn': `arn:aws:logs:${region}:${account}:log-group:${String(config.name)}`,
    'aws_sns_topic.arn': `arn:aws:sns:${region}:${account}:${String(config.name)}`,
    'aws_ssm_parameter.insecure_value': S3_ENDPOINT_ID,
    'aws_vpc_endpoint.id': S3_ENDPOINT_ID,
  };
  return known[`${type}.${key}`] ?? (typeof config[key] === 'string' ? config[key] : `${type}.${name}.${key}`);
}

/** A stack with its references filled in as AWS would fill them, and Terraform's escapes undone. */
export function resolveStack(stack: Synthesized): Synthesized {
  const place = placeOfStack(stack);
  const resolve = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(resolve);
    if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, resolve(inner)]));
    if (typeof value !== 'string') return value;
    return value
      .replaceAll(/(?<!\$)\$\{(?:data\.)?(aws_[a-z0-9_]+)\.([A-Za-z0-9_-]+)\.([a-z_]+)\}/g, (_, type: string, name: string, key: string) =>
        attribute(type, name, key, stack.resource[type]?.[name] ?? stack.data?.[type]?.[name] ?? {}, place),
      )
      .replaceAll('$${', '${');
  };
  return resolve(stack) as Synthesized;
}
