import { z } from 'zod';
import { PERSON_EVENT, PersonRequest, type TriggerSettings } from '../../../vocabulary/index.ts';
import { HandlerError } from '../errors.ts';
import { safe } from '../texts.ts';
import { ignored, type Normalized, parseDetail } from './case-request.ts';
import { fromGuardDuty } from './guardduty.ts';
import { fromOcsf, fromSecurityHub } from './security-hub.ts';
import { fromTag } from './tag.ts';

/** What every event has. Only AWS can send from a source that begins with `aws.`, and the bus takes no stranger's. */
const Envelope = z.looseObject({ source: z.string().max(256), 'detail-type': z.string().max(256), detail: z.unknown() });

/** An event of any trigger in one form; a person's request is told apart, for it may change the estate's options. */
export type NormalizedEvent = { readonly found: readonly Normalized[]; readonly person?: PersonRequest };

const OFF = ignored('the estate has this trigger turned off');

/**
 * Reads an event. Pure, and total but for one error: whatever somebody put into a finding, the answer is a request, a
 * reason to ignore it, or `Cleanroom.BadInput` in words that are safe to log.
 */
export function normalize(event: unknown, triggers: TriggerSettings): NormalizedEvent {
  const { source, 'detail-type': type, detail } = parseDetail('an event', Envelope, event);
  switch (`${source}/${type}`) {
    case 'aws.guardduty/GuardDuty Finding':
      return { found: [triggers.guardduty.enabled ? fromGuardDuty(detail, triggers.guardduty) : OFF] };
    case 'aws.securityhub/Security Hub Findings - Imported':
      return { found: triggers.securityHubImports.enabled ? fromSecurityHub(detail, 'securityhub-import', triggers.securityHubImports) : [OFF] };
    case 'aws.securityhub/Security Hub Findings - Custom Action':
      return { found: triggers.securityHubAction.enabled ? fromSecurityHub(detail, 'securityhub-action') : [OFF] };
    case 'aws.securityhub/Findings Imported V2':
      return { found: triggers.securityHubFindings.enabled ? fromOcsf(detail, triggers.securityHubFindings) : [OFF] };
    case 'aws.ec2/AWS API Call via CloudTrail':
      return { found: [triggers.tag.enabled ? fromTag(detail, triggers.tag) : OFF] };
    case `${PERSON_EVENT.source}/${PERSON_EVENT['detail-type']}`:
      return fromPerson(detail);
    default:
      throw new HandlerError('Cleanroom.BadInput', `an event "${safe(type, 100)}" of "${safe(source, 100)}" starts no case; nothing was opened`);
  }
}

function fromPerson(detail: unknown): NormalizedEvent {
  const person = parseDetail('a request for a case', PersonRequest, detail);
  const { caseId, requester, reason, account, region, instanceIds } = person;
  const trigger = { kind: 'person', key: `person:${caseId}` } as const;
  return { person, found: [{ request: { caseId, trigger, requester, reason, targets: instanceIds.map((instanceId) => ({ instanceId, account, region })) } }] };
}
