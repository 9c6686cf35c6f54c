import { IamInstanceProfile } from '@cdktf/provider-aws/lib/iam-instance-profile/index.js';
import { IamPolicy } from '@cdktf/provider-aws/lib/iam-policy/index.js';
import { IamRolePolicy } from '@cdktf/provider-aws/lib/iam-role-policy/index.js';
import { IamRole } from '@cdktf/provider-aws/lib/iam-role/index.js';
import { Construct } from 'constructs';
import { serviceTrust } from '../access/policies/trust.ts';
import { policyJson } from '../render-policy.ts';
import { containedProfileName, iamPath, sessionDenialPolicyName } from '../vocabulary/index.ts';
import { containedRolePolicy, sessionDenial, type ContainmentNaming } from './containment-policies.ts';

/** In a monitored account that allows containment: the profile that a contained instance gets, and the denial of its sessions. */
export class Containment extends Construct {
  constructor(scope: Construct, id: string, props: ContainmentNaming) {
    super(scope, id);
    const name = containedProfileName(props);
    const path = iamPath(props);
    const role = new IamRole(this, 'Role', {
      name,
      path,
      description: 'Of contained instances: may do nothing',
      assumeRolePolicy: policyJson(serviceTrust('ec2.amazonaws.com'), 'trust', 'the trust of contained instances'),
    });
    new IamRolePolicy(this, 'Nothing', { name: 'nothing', role: role.id, policy: policyJson(containedRolePolicy(), 'inlineRole', 'the policy of contained instances') });
    new IamInstanceProfile(this, 'Profile', { name, path, role: role.name });
    new IamPolicy(this, 'SessionDenial', {
      name: sessionDenialPolicyName(props),
      path,
      description: 'Denies everything to the sessions of the instances that its role names as contained',
      policy: policyJson(sessionDenial(), 'managed', 'the denial of sessions'),
    });
  }
}
