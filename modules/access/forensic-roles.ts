import { IamInstanceProfile } from '@cdktf/provider-aws/lib/iam-instance-profile/index.js';
import { IamPolicy } from '@cdktf/provider-aws/lib/iam-policy/index.js';
import { IamRolePolicy } from '@cdktf/provider-aws/lib/iam-role-policy/index.js';
import { IamRolePolicyAttachment } from '@cdktf/provider-aws/lib/iam-role-policy-attachment/index.js';
import { IamRole } from '@cdktf/provider-aws/lib/iam-role/index.js';
import { Construct } from 'constructs';
import type { PolicyDocument } from '../policy.ts';
import { policyJson } from '../render-policy.ts';
import { HUMAN_ROLES, iamPath, roleName, type ForensicRole, type HumanRole } from '../vocabulary/index.ts';
import { analystPolicy } from './policies/analyst.ts';
import { peopleBoundary, pipelineBoundary } from './policies/boundary.ts';
import { breakGlassPolicy } from './policies/break-glass.ts';
import { collectorPolicy } from './policies/collector.ts';
import type { AccessContext } from './policies/context.ts';
import { dataCustodianPolicy } from './policies/data-custodian.ts';
import { investigatorPolicy } from './policies/investigator.ts';
import { responderPolicy } from './policies/responder.ts';
import { personTrust, serviceTrust } from './policies/trust.ts';
import { workflowPolicy, workflowReportPolicy } from './policies/workflow.ts';
import { workstationPolicy } from './policies/workstation.ts';

/** Who may assume a person's role. */
export interface RoleAccess {
  /** ARNs of roles, or of accounts' roots. */
  readonly principals: readonly string[];
  /** Whether a second factor is asked for. @default true */
  readonly requireMfa?: boolean;
  /** Whether the role is given by the approval broker only, to somebody whom another person approved. @default false */
  readonly twoPersonRule?: boolean;
  /** Longest session, in seconds, 3,600 to 43,200. @default 3600 */
  readonly maxSessionSeconds?: number;
}

export interface ForensicRolesProps {
  readonly context: AccessContext;
  readonly access: Readonly<Record<HumanRole | 'break-glass', RoleAccess>>;
  /** Role of the system where a second person approves; needed where a role asks for the two-person rule. */
  readonly approvalBrokerArn?: string;
}

/** Roles whose sessions name the one case they work on. */
const CASE_BOUND: readonly HumanRole[] = ['investigator', 'analyst', 'data-custodian'];

const IDENTITY_POLICIES: Readonly<Record<ForensicRole, (context: AccessContext) => PolicyDocument>> = {
  responder: responderPolicy,
  investigator: investigatorPolicy,
  'data-custodian': dataCustodianPolicy,
  analyst: analystPolicy,
  'break-glass': breakGlassPolicy,
  collector: collectorPolicy,
  workflow: workflowPolicy,
  workstation: workstationPolicy,
};

/** The roles of a forensic account in one Region: four for people, one for emergencies, three for the pipeline. */
export class ForensicRoles extends Construct {
  readonly roleArns: Readonly<Record<ForensicRole, string>>;
  readonly peopleBoundaryArn: string;
  /** Boundary that the roles which the workflow makes for cases have to carry. */
  readonly pipelineBoundaryArn: string;
  /** Policy that a case's collector role carries. */
  readonly collectorPolicyArn: string;

  constructor(scope: Construct, id: string, props: ForensicRolesProps) {
    super(scope, id);
    const { context } = props;
    const path = iamPath(context);
    const policy = (policyId: string, name: string, document: PolicyDocument) =>
      new IamPolicy(this, policyId, { name, path, policy: policyJson(document, 'managed', `policy ${name}`) });
    const people = policy('PeopleBoundary', `${context.prefix}-people-boundary-${context.region}`, peopleBoundary(context));
    const pipeline = policy('PipelineBoundary', `${context.prefix}-pipeline-boundary-${context.region}`, pipelineBoundary(context));
    const arns: Partial<Record<ForensicRole, string>> = {};
    const policyArns: Partial<Record<ForensicRole, string>> = {};

    const make = (role: ForensicRole, trust: PolicyDocument, boundary: IamPolicy | undefined, maxSessionDuration: number) => {
      const name = roleName(context, role);
      const resource = new IamRole(this, role, {
        name,
        path,
        description: `Forensic role: ${role}`,
        assumeRolePolicy: policyJson(trust, 'trust', `the trust of ${name}`),
        maxSessionDuration,
        ...(boundary === undefined ? {} : { permissionsBoundary: boundary.arn }),
      });
      const identity = policy(`${role}-policy`, name, IDENTITY_POLICIES[role](context));
      new IamRolePolicyAttachment(this, `${role}-attachment`, { role: resource.name, policyArn: identity.arn });
      arns[role] = resource.arn;
      policyArns[role] = identity.arn;
      return resource;
    };

    for (const role of [...HUMAN_ROLES, 'break-glass'] as const) {
      const { principals, requireMfa = true, twoPersonRule = false, maxSessionSeconds = 3600 } = props.access[role];
      if (twoPersonRule && props.approvalBrokerArn === undefined) {
        throw new RangeError(`access.${role}.twoPersonRule is set, but no approvalBrokerArn says who approves`);
      }
      const trust = personTrust({
        principals,
        requireMfa,
        requireCase: role !== 'break-glass' && CASE_BOUND.includes(role),
        approvalBrokerArn: twoPersonRule ? props.approvalBrokerArn : undefined,
        organizationId: context.organizationId,
      });
      make(role, trust, role === 'break-glass' ? undefined : people, maxSessionSeconds);
    }
    for (const role of ['collector', 'workstation'] as const) {
      const resource = make(role, serviceTrust('ec2.amazonaws.com'), pipeline, 3600);
      new IamInstanceProfile(this, `${role}-profile`, { name: roleName(context, role), path, role: resource.name });
    }
    const workflow = make('workflow', serviceTrust('states.amazonaws.com', context.account), pipeline, 3600);
    new IamRolePolicy(this, 'workflow-reports', {
      name: 'report',
      role: workflow.name,
      policy: policyJson(workflowReportPolicy(context), 'inlineRole', 'the reporting policy of the workflow'),
    });

    this.roleArns = arns as Record<ForensicRole, string>;
    this.peopleBoundaryArn = people.arn;
    this.pipelineBoundaryArn = pipeline.arn;
    this.collectorPolicyArn = policyArns.collector ?? '';
  }
}
