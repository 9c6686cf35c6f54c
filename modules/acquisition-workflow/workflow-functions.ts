import { CloudwatchLogGroup } from '@cdktf/provider-aws/lib/cloudwatch-log-group/index.js';
import { IamPolicy } from '@cdktf/provider-aws/lib/iam-policy/index.js';
import { IamRolePolicy } from '@cdktf/provider-aws/lib/iam-role-policy/index.js';
import { IamRole } from '@cdktf/provider-aws/lib/iam-role/index.js';
import { LambdaFunction } from '@cdktf/provider-aws/lib/lambda-function/index.js';
import { Construct } from 'constructs';
import type { AccessContext } from '../access/policies/context.ts';
import { serviceTrust } from '../access/policies/trust.ts';
import { policyJson } from '../render-policy.ts';
import { functionLogGroup, functionName, HANDLERS, handlerRoleName, iamPath, type HandlerName } from '../vocabulary/index.ts';
import { functionBoundary, functionPolicy } from './policies/functions.ts';

/** The functions' code: one archive with `index.mjs` in it, as `npm run build:handlers` makes it. */
export interface HandlerCode {
  /** Path of the zip archive, as Terraform will see it. */
  readonly file: string;
  /** SHA-256 of the archive, in base64. */
  readonly sha256: string;
}

export interface WorkflowFunctionsProps {
  readonly context: AccessContext;
  readonly code: HandlerCode;
  /** Environment of every function. */
  readonly environment: Readonly<Record<string, string>>;
  /** Key of the log groups. */
  readonly logsKeyArn: string;
  /** Days, one of CloudWatch's values. */
  readonly logRetentionDays: number;
}

/** Newest runtime that both provider versions know; the AWS SDK is in the bundle, pinned. */
const RUNTIME = 'nodejs22.x';

/** MiB of memory and seconds, by function. What waits for hundreds of objects or accounts has the longest that Lambda gives. */
const SIZES: Readonly<Record<HandlerName, { readonly memory: number; readonly seconds: number }>> = {
  'open-case': { memory: 512, seconds: 120 },
  preflight: { memory: 512, seconds: 120 },
  record: { memory: 512, seconds: 120 },
  'verify-evidence': { memory: 1024, seconds: 900 },
  'ask-approval': { memory: 512, seconds: 60 },
  release: { memory: 512, seconds: 300 },
  'store-console': { memory: 512, seconds: 60 },
  'request-ids': { memory: 512, seconds: 900 },
  'sweep-orphans': { memory: 1024, seconds: 900 },
};

/** Name of a handler's export: `verify-evidence` is `verifyEvidence`. */
export const exportName = (handler: HandlerName): string => handler.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());

/** The functions of the workflow, each with a role and a log group of its own. */
export class WorkflowFunctions extends Construct {
  readonly functionArns: Readonly<Record<HandlerName, string>>;
  readonly functionNames: Readonly<Record<HandlerName, string>>;
  readonly logGroupNames: Readonly<Record<HandlerName, string>>;

  constructor(scope: Construct, id: string, props: WorkflowFunctionsProps) {
    super(scope, id);
    const { context, code } = props;
    const path = iamPath(context);
    const boundaryName = `${context.prefix}-function-boundary-${context.region}`;
    const boundary = new IamPolicy(this, 'Boundary', { name: boundaryName, path, policy: policyJson(functionBoundary(context), 'managed', `policy ${boundaryName}`) });
    const made = HANDLERS.map((handler) => {
      const name = functionName(context, handler);
      const logGroup = new CloudwatchLogGroup(this, `${handler}-log`, { name: functionLogGroup(context, handler), kmsKeyId: props.logsKeyArn, retentionInDays: props.logRetentionDays, skipDestroy: true });
      const roleName = handlerRoleName(context, handler);
      const role = new IamRole(this, `${handler}-role`, {
        name: roleName,
        path,
        description: `Function of the acquisition workflow: ${handler}`,
        assumeRolePolicy: policyJson(serviceTrust('lambda.amazonaws.com'), 'trust', `the trust of ${roleName}`),
        permissionsBoundary: boundary.arn,
      });
      const policy = new IamRolePolicy(this, `${handler}-policy`, { name: handler, role: role.name, policy: policyJson(functionPolicy(context, handler), 'inlineRole', `the policy of ${roleName}`) });
      const lambda = new LambdaFunction(this, handler, {
        functionName: name,
        description: `Acquisition workflow: ${handler}`,
        role: role.arn,
        filename: code.file,
        sourceCodeHash: code.sha256,
        handler: `index.${exportName(handler)}`,
        runtime: RUNTIME,
        architectures: ['arm64'],
        memorySize: SIZES[handler].memory,
        timeout: SIZES[handler].seconds,
        environment: { variables: { ...props.environment } },
        loggingConfig: { logFormat: 'Text', logGroup: logGroup.name },
        dependsOn: [policy],
      });
      return { handler, arn: lambda.arn, name: lambda.functionName, logGroup: logGroup.name };
    });
    const byHandler = (pick: (one: (typeof made)[number]) => string) => Object.fromEntries(made.map((one) => [one.handler, pick(one)])) as Record<HandlerName, string>;
    this.functionArns = byHandler(({ arn }) => arn);
    this.functionNames = byHandler(({ name }) => name);
    this.logGroupNames = byHandler(({ logGroup }) => logGroup);
  }
}
