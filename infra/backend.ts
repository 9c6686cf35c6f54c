import { LocalBackend, S3Backend, type TerraformStack } from 'cdktf';
import type { Estate } from './config.ts';

/** Gives a stack a state of its own, under its id. */
export function configureBackend(stack: TerraformStack, { backend, name }: Estate): void {
  if (backend.type === 'local') {
    // Terraform runs in cdktf.out/stacks/<id>, which cdktf deletes as soon as an estate no longer has that stack.
    new LocalBackend(stack, { path: `../../../terraform.${name}.${stack.node.id}.tfstate` });
    return;
  }
  new S3Backend(stack, {
    bucket: backend.bucket,
    region: backend.region,
    key: `${backend.keyPrefix}${name}/${stack.node.id}.tfstate`,
    encrypt: true,
    ...(backend.kmsKeyId === undefined ? {} : { kmsKeyId: backend.kmsKeyId }),
    ...(backend.roleArn === undefined ? {} : { assumeRole: { roleArn: backend.roleArn } }),
  });
  // The bindings do not know S3's own locking yet; without it a table in DynamoDB would be needed.
  stack.addOverride('terraform.backend.s3.use_lockfile', true);
}
