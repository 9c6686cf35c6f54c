import type { AcquisitionInput } from './case-input.ts';
import type { EstateNaming, Place } from './estate-names.ts';
import type { Sha256 } from './hash-chain.ts';
import { CaseId, InstanceId } from './identifiers.ts';

/** The functions of the workflow, one handler each. */
export const HANDLERS = ['open-case', 'preflight', 'record', 'verify-evidence', 'ask-approval', 'release', 'store-console', 'request-ids', 'sweep-orphans'] as const;
export type HandlerName = (typeof HANDLERS)[number];

/** Name of a function; functions are regional, so the Region is no part of it. */
export const functionName = ({ prefix }: Pick<EstateNaming, 'prefix'>, handler: HandlerName): string => `${prefix}-${handler}`;

export const functionArn = (place: Place, handler: HandlerName): string =>
  `arn:${place.partition}:lambda:${place.region}:${place.account}:function:${functionName(place, handler)}`;

/** The event bus of a forensic account and Region that every trigger is sent to. */
export const caseBusName = ({ prefix }: Pick<EstateNaming, 'prefix'>): string => `${prefix}-cases`;

export const caseBusArn = (place: Place): string =>
  `arn:${place.partition}:events:${place.region}:${place.account}:event-bus/${caseBusName(place)}`;

/**
 * Name of the execution that acquires one instance for one trigger: 80 characters at most. Step Functions refuses a name
 * for 90 days, so the same finding reported twice, by whichever service, starts once.
 */
export function executionName(input: Pick<AcquisitionInput, 'caseId' | 'instanceId' | 'trigger'>, sha256: Sha256): string {
  const caseId = CaseId.parse(input.caseId);
  const instanceId = InstanceId.parse(input.instanceId);
  return `${caseId.slice(0, 40)}-${instanceId}-${sha256(JSON.stringify([input.trigger.key, caseId, instanceId])).slice(0, 8)}`;
}

/** ARN of an execution of the acquisition state machine. */
export const executionArn = (place: Place, name: string): string =>
  `arn:${place.partition}:states:${place.region}:${place.account}:execution:${place.prefix}-acquisition:${name}`;

/** What the approval's state gets when somebody approves; a refusal is a task failure of the error {@link APPROVAL_REFUSED}. */
export type ApprovalOutput = { readonly approvedBy: string; readonly reason: string };
export const APPROVAL_REFUSED = 'Cleanroom.ApprovalRefused';
