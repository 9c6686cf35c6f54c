import { IamRolePolicy } from '@cdktf/provider-aws/lib/iam-role-policy/index.js';
import { IamRole } from '@cdktf/provider-aws/lib/iam-role/index.js';
import { Construct } from 'constructs';
import { policyJson } from '../render-policy.ts';
import { iamPath, memberRoleName } from '../vocabulary/index.ts';
import { memberPolicy, memberTrust, type MemberPolicyOptions } from './policies.ts';

/** The role by which the workflow acquires from a monitored account. */
export class AcquisitionRole extends Construct {
  readonly roleArn: string;

  constructor(scope: Construct, id: string, props: MemberPolicyOptions) {
    super(scope, id);
    const role = new IamRole(this, 'Resource', {
      name: memberRoleName(props),
      path: iamPath(props),
      description: 'Forensic acquisition: looks, protects, snapshots and shares; destroys nothing',
      maxSessionDuration: 3600,
      assumeRolePolicy: policyJson(memberTrust(props), 'trust', 'the trust of the acquisition role'),
    });
    new IamRolePolicy(this, 'Policy', {
      name: 'acquire',
      role: role.id,
      policy: policyJson(memberPolicy(props), 'inlineRole', 'the policy of the acquisition role'),
    });
    this.roleArn = role.arn;
  }
}
