import { IamPolicy } from '@cdktf/provider-aws/lib/iam-policy/index.js';
import { IamRolePolicyAttachment } from '@cdktf/provider-aws/lib/iam-role-policy-attachment/index.js';
import { IamRolePolicy } from '@cdktf/provider-aws/lib/iam-role-policy/index.js';
import { IamRole } from '@cdktf/provider-aws/lib/iam-role/index.js';
import { conditional, Token, type IResolvable } from 'cdktf';
import { Construct } from 'constructs';
import { policyJson } from '../render-policy.ts';
import { iamPath, memberRoleName } from '../vocabulary/index.ts';
import { memberPolicy, memberTrust, sourceKeyPolicy, type MemberPolicyOptions } from './policies.ts';

export interface AcquisitionRoleProps extends Omit<MemberPolicyOptions, 'containment'> {
  /** Whether the workflow may also isolate a suspect instance; may be for Terraform alone to know. */
  readonly containment: boolean | IResolvable;
}

/** The role by which the workflow acquires from a monitored account. */
export class AcquisitionRole extends Construct {
  readonly roleArn: string;

  constructor(scope: Construct, id: string, props: AcquisitionRoleProps) {
    super(scope, id);
    const role = new IamRole(this, 'Resource', {
      name: memberRoleName(props),
      path: iamPath(props),
      description: 'Forensic acquisition: looks, protects, snapshots and shares; destroys nothing',
      maxSessionDuration: 3600,
      assumeRolePolicy: policyJson(memberTrust({ ...props, containment: false }), 'trust', 'the trust of the acquisition role'),
    });
    const { containment } = props;
    const allow = (name: string, contains: boolean, wanted?: IResolvable): void => {
      new IamRolePolicy(this, contains && wanted !== undefined ? 'ContainingPolicy' : 'Policy', {
        name,
        role: role.id,
        policy: policyJson(memberPolicy({ ...props, containment: contains }), 'inlineRole', 'the policy of the acquisition role'),
        ...(wanted === undefined ? {} : { count: Token.asNumber(conditional(wanted, contains ? 1 : 0, contains ? 0 : 1)) }),
      });
    };
    if (typeof containment === 'boolean') {
      allow('acquire', containment);
    } else {
      // Of two names: whichever goes when the answer changes does not take the other with it.
      allow('acquire', false, containment);
      allow('acquire-and-contain', true, containment);
    }
    if (props.sourceKeyArns.length > 0) {
      const name = `${memberRoleName(props)}-keys`;
      const policy = policyJson(sourceKeyPolicy({ ...props, containment: false }), 'managed', `policy ${name}, with the account's ${props.sourceKeyArns.length} source keys`);
      const keys = new IamPolicy(this, 'Keys', { name, path: iamPath(props), policy });
      new IamRolePolicyAttachment(this, 'KeysAttachment', { role: role.name, policyArn: keys.arn });
    }
    this.roleArn = role.arn;
  }
}
