import { actionTargetId, type EstateNaming, type TriggerSettings } from '../vocabulary/index.ts';

/** Which rules belong where: findings come together in the security account, a tag is seen in the account of its instance. */
export type DetectionKind = 'security' | 'member';

export interface DetectionOptions {
  readonly naming: EstateNaming;
  /** Account and Region that the rules are in. */
  readonly account: string;
  readonly region: string;
  readonly triggers: TriggerSettings;
  readonly kind: DetectionKind;
}

/** ARN of the custom action in Security Hub. */
export const actionTargetArn = ({ naming, account, region }: Pick<DetectionOptions, 'naming' | 'account' | 'region'>): string =>
  `arn:${naming.partition}:securityhub:${region}:${account}:action/custom/${actionTargetId(naming)}`;

/**
 * EventBridge patterns of what starts a case, by the rule's name; a trigger that is turned off has none. They let through
 * what may be a case; the function that opens cases looks again, and decides.
 */
export function detectionPatterns(options: DetectionOptions): Readonly<Record<string, object>> {
  const { triggers, kind } = options;
  if (kind === 'member') return triggers.tag.enabled ? { 'case-tag': tagPattern(triggers.tag) } : {};
  return {
    ...(triggers.guardduty.enabled && { 'case-guardduty': guardDutyPattern(triggers.guardduty) }),
    ...(triggers.securityHubImports.enabled && { 'case-securityhub': asffPattern(triggers.securityHubImports) }),
    ...(triggers.securityHubFindings.enabled && { 'case-securityhub-v2': ocsfPattern(triggers.securityHubFindings) }),
    ...(triggers.securityHubAction.enabled && {
      'case-action': { source: ['aws.securityhub'], 'detail-type': ['Security Hub Findings - Custom Action'], resources: [actionTargetArn(options)] },
    }),
  };
}

const guardDutyPattern = ({ minimumSeverity }: TriggerSettings['guardduty']): object => ({
  source: ['aws.guardduty'],
  'detail-type': ['GuardDuty Finding'],
  detail: {
    severity: [{ numeric: ['>=', minimumSeverity] }],
    type: [{ wildcard: '*:EC2/*' }, { wildcard: '*:Runtime/*' }, { prefix: 'AttackSequence:' }, { prefix: 'UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration' }],
  },
});

const asffPattern = ({ severities, products }: TriggerSettings['securityHubImports']): object => ({
  source: ['aws.securityhub'],
  'detail-type': ['Security Hub Findings - Imported'],
  detail: {
    findings: {
      ProductName: products,
      Severity: { Label: severities },
      RecordState: ['ACTIVE'],
      Workflow: { Status: ['NEW'] },
      Resources: { Type: ['AwsEc2Instance', 'AwsIamAccessKey'] },
    },
  },
});

const ocsfPattern = ({ severities, products }: TriggerSettings['securityHubFindings']): object => ({
  source: ['aws.securityhub'],
  'detail-type': ['Findings Imported V2'],
  detail: {
    findings: {
      severity: severities.map((label) => `${label.charAt(0)}${label.slice(1).toLowerCase()}`),
      status: ['New'],
      metadata: { product: { name: products.flatMap((product) => [product, `Amazon ${product}`, `AWS ${product}`]) } },
      resources: { type: ['AWS::EC2::Instance'] },
    },
  },
});

const tagPattern = ({ key }: TriggerSettings['tag']): object => ({
  source: ['aws.ec2'],
  'detail-type': ['AWS API Call via CloudTrail'],
  detail: {
    eventSource: ['ec2.amazonaws.com'],
    eventName: ['CreateTags'],
    errorCode: [{ exists: false }],
    requestParameters: { resourcesSet: { items: { resourceId: [{ prefix: 'i-' }] } }, tagSet: { items: { key: [key] } } },
  },
});

/** What tells that an execution ended and may not have closed its record: somebody stopped it, its time was over, or it failed. */
export const endedFromOutsidePattern = (stateMachineArn: string): object => endedPattern(stateMachineArn, ['ABORTED', 'TIMED_OUT', 'FAILED']);

/** What tells that an execution ended. @param statuses which ends are meant */
export const endedPattern = (stateMachineArn: string, statuses: readonly string[] = ['SUCCEEDED', 'FAILED', 'ABORTED', 'TIMED_OUT']): object => ({
  source: ['aws.states'],
  'detail-type': ['Step Functions Execution Status Change'],
  detail: { stateMachineArn: [stateMachineArn], status: statuses },
});
