import { z } from 'zod';
import type { TriggerSettings } from '../../../vocabulary/index.ts';
import { safe } from '../texts.ts';
import { distinct, guardDutyIdOf, hostile, ignored, instanceOfPrincipal, type Normalized, parseDetail, printable, type Target, targetOfArn } from './case-request.ts';

const Resource = z.looseObject({
  uid: z.string().max(2048),
  resourceType: z.string().max(128).optional(),
  accountId: z.string().max(64).optional(),
  region: z.string().max(64).optional(),
});

/** What is read of a GuardDuty finding, as EventBridge delivers it. Everything else in it stays unread. */
const Finding = z.looseObject({
  id: z.string().regex(/^[0-9a-f]{32}$/, 'a finding id of 32 hexadecimal digits is expected'),
  arn: z.string().max(2048).optional(),
  accountId: z.string().max(64),
  region: z.string().max(64),
  partition: z.string().max(64).optional(),
  type: z.string().max(256),
  title: z.string().optional(),
  severity: z.number(),
  resource: z
    .looseObject({
      resourceType: z.string().max(128).optional(),
      instanceDetails: z.looseObject({ instanceId: z.string().max(64).nullish() }).nullish(),
      accessKeyDetails: z.looseObject({ principalId: z.string().max(256).nullish() }).nullish(),
    })
    .optional(),
  service: z
    .looseObject({
      resourceRole: z.string().max(64).nullish(),
      archived: z.boolean().nullish(),
      action: z.looseObject({ actionType: z.string().max(64).nullish() }).nullish(),
      additionalInfo: z.looseObject({ sample: z.boolean().nullish() }).nullish(),
      detection: z.looseObject({ sequence: z.looseObject({ resources: z.array(Resource).max(1000).nullish() }).nullish() }).nullish(),
    })
    .optional(),
});
type Finding = z.infer<typeof Finding>;

/** Where a host may be the one that is attacked: such a finding means it only where the host is the actor. */
const NETWORK_ACTIONS = new Set(['NETWORK_CONNECTION', 'PORT_PROBE']);

/** Families of findings about an instance: by network, DNS or malware scan (`EC2`), or by the runtime agent (`Runtime`). */
const INSTANCE_FAMILY = /^[A-Za-z]+:(EC2|Runtime)\//;
const CREDENTIAL_EXFILTRATION = 'UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration';

/** A GuardDuty finding: one of an instance, of its credentials used elsewhere, or a sequence of attacks on several hosts. */
export function fromGuardDuty(detail: unknown, settings: TriggerSettings['guardduty']): Normalized {
  const finding = parseDetail('a GuardDuty finding', Finding, detail);
  const { id, type, severity, service, partition = 'aws' } = finding;
  if (severity < settings.minimumSeverity) return ignored(`severity ${severity} is under ${settings.minimumSeverity}`);
  if (service?.archived === true) return ignored('the finding is archived');
  if (service?.additionalInfo?.sample === true) return ignored('the finding is a sample');
  if (NETWORK_ACTIONS.has(service?.action?.actionType ?? '') && service?.resourceRole !== 'ACTOR') {
    return ignored('the instance is the target of that traffic, not its actor');
  }
  const targets = targetsOf(finding);
  if (targets.length === 0) return ignored(`a finding of type ${type} names no instance`);
  const arn = printable(finding.arn);
  const shown = printable(type);
  return {
    request: {
      caseId: id,
      trigger: {
        kind: 'guardduty',
        key: `guardduty:${id}`,
        // Security Hub keeps the same finding under the same ARN.
        ...(arn !== undefined && guardDutyIdOf(arn) === id && /^[a-z0-9-]+$/.test(finding.region) && /^aws[a-z-]*$/.test(partition)
          ? { finding: { api: 'BatchUpdateFindings' as const, id: arn, productArn: `arn:${partition}:securityhub:${finding.region}::product/aws/guardduty` } }
          : {}),
        ...(shown !== undefined && { type: shown }),
        ...(finding.title !== undefined && { title: hostile(finding.title) }),
        severity: Math.min(Math.max(severity, 0), 10),
      },
      requester: 'guardduty.amazonaws.com',
      reason: safe(`GuardDuty: ${type}`, 300),
      targets,
    },
  };
}

function targetsOf({ accountId: account, region, type, resource, service }: Finding): Target[] {
  const sequence = service?.detection?.sequence?.resources ?? [];
  if (type.startsWith('AttackSequence:')) {
    return distinct(
      sequence.flatMap((one): Target[] => {
        const ofArn = targetOfArn(one.uid);
        if (ofArn) return [ofArn];
        const isInstance = one.resourceType === 'EC2_INSTANCE' && /^i-[0-9a-f]{8,17}$/.test(one.uid);
        return isInstance ? [{ instanceId: one.uid, account: one.accountId ?? account, region: one.region ?? region }] : [];
      }),
    );
  }
  const instanceId = type.startsWith(CREDENTIAL_EXFILTRATION)
    ? (instanceOfPrincipal(resource?.accessKeyDetails?.principalId ?? undefined) ?? resource?.instanceDetails?.instanceId)
    : INSTANCE_FAMILY.test(type)
      ? resource?.instanceDetails?.instanceId
      : undefined;
  return instanceId ? [{ instanceId, account, region }] : [];
}
