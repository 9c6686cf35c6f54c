/** AWS providers that know policies of type S3_POLICY. 5.100 and 6.0 refuse them when they plan. */
export const S3_POLICY_PROVIDER = '>= 6.26.0, < 7.0.0';

/**
 * S3 policy: every account keeps all four kinds of block public access on.
 * Syntax: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_s3_syntax.html
 */
export const s3BlockPublicAccess = (): object => ({
  s3_attributes: { public_access_block_configuration: { '@@assign': 'all' } },
});
