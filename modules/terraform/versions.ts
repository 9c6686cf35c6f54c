/** Versions of the AWS provider whose schema the constructs stay inside of. */
export const AWS_PROVIDER = '>= 5.100.0, < 7.0.0';
/** Versions of Terraform: the seal's validation compares two variables, which it does since 1.9. */
export const TERRAFORM = '>= 1.9.0';
