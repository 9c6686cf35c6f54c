/** S3 policy: every account keeps all four kinds of block public access on. */
export const s3BlockPublicAccess = (): object => ({
  s3_attributes: { public_access_block_configuration: { '@@assign': 'all' } },
});
