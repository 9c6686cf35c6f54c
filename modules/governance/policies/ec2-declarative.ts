const assign = (value: string) => ({ '@@assign': value });

/** EC2 declarative policy: account settings that no call in the account can change. */
export const ec2Declarative = (): object => ({
  ec2_attributes: {
    exception_message: assign('This setting is fixed for forensic accounts. Ask the security team to unseal the estate.'),
    vpc_block_public_access: {
      internet_gateway_block: { mode: assign('block_bidirectional'), exclusions_allowed: assign('disabled') },
    },
    snapshot_block_public_access: { state: assign('block_all_sharing') },
    image_block_public_access: { state: assign('block_new_sharing') },
    serial_console_access: { status: assign('disabled') },
    instance_metadata_defaults: {
      http_endpoint: assign('enabled'),
      http_tokens: assign('required'),
      http_put_response_hop_limit: assign('1'),
      instance_metadata_tags: assign('enabled'),
    },
  },
});
