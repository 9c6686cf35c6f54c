import { z } from 'zod';

/** What AWS's user guide allows in declarative policies, as far as this project uses them; any other key is a mistake. */
const assigned = <T extends z.ZodType>(value: T) => z.strictObject({ '@@assign': value });
const oneOf = (...values: readonly string[]) => assigned(z.enum(values));

/** https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_s3_syntax.html */
export const S3PolicySyntax = z.strictObject({
  s3_attributes: z.strictObject({ public_access_block_configuration: oneOf('all', 'none') }),
});

/** https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_declarative_syntax.html */
export const Ec2PolicySyntax = z.strictObject({
  ec2_attributes: z.strictObject({
    exception_message: assigned(z.string().min(1)).optional(),
    vpc_block_public_access: z
      .strictObject({
        internet_gateway_block: z.strictObject({ mode: oneOf('off', 'block_ingress', 'block_bidirectional'), exclusions_allowed: oneOf('enabled', 'disabled') }),
      })
      .optional(),
    serial_console_access: z.strictObject({ status: oneOf('enabled', 'disabled') }).optional(),
    image_block_public_access: z.strictObject({ state: oneOf('unblocked', 'block_new_sharing') }).optional(),
    snapshot_block_public_access: z.strictObject({ state: oneOf('unblocked', 'block_new_sharing', 'block_all_sharing') }).optional(),
    instance_metadata_defaults: z
      .strictObject({
        http_tokens: oneOf('no_preference', 'required', 'optional'),
        http_put_response_hop_limit: assigned(z.string().regex(/^(-1|[1-9]|[1-5]\d|6[0-4])$/)),
        http_endpoint: oneOf('no_preference', 'enabled', 'disabled'),
        instance_metadata_tags: oneOf('no_preference', 'enabled', 'disabled'),
      })
      .optional(),
  }),
});
