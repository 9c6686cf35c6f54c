import { z } from 'zod';
import type { TriggerSettings } from '../../../vocabulary/index.ts';
import { safe } from '../texts.ts';
import { distinct, hostile, ignored, type Normalized, parseDetail } from './case-request.ts';

/** What is read of a CloudTrail event of `CreateTags`. */
const CreateTags = z.looseObject({
  eventName: z.literal('CreateTags'),
  eventSource: z.literal('ec2.amazonaws.com'),
  eventID: z.string().regex(/^[0-9a-f-]{36}$/, 'an event id is a UUID'),
  awsRegion: z.string().max(64),
  recipientAccountId: z.string().max(64),
  errorCode: z.string().max(256).optional(),
  userIdentity: z.looseObject({ arn: z.string().max(2048).optional() }).optional(),
  requestParameters: z
    .looseObject({
      resourcesSet: z.looseObject({ items: z.array(z.looseObject({ resourceId: z.string().max(256) })).max(1000) }),
      tagSet: z.looseObject({ items: z.array(z.looseObject({ key: z.string().max(1024), value: z.string().max(4096).optional() })).max(1000) }),
    })
    .nullish(),
});

/** A tag that was put on instances, as CloudTrail saw it. The tag's value is a reason for people to read, and no more. */
export function fromTag(detail: unknown, settings: TriggerSettings['tag']): Normalized {
  const event = parseDetail('a CloudTrail event of ec2:CreateTags', CreateTags, detail);
  if (event.errorCode !== undefined) return ignored('the tag was refused');
  const tag = event.requestParameters?.tagSet.items.find(({ key }) => key === settings.key);
  if (!tag) return ignored(`the tag is not ${settings.key}`);
  const instanceIds = (event.requestParameters?.resourcesSet.items ?? []).map(({ resourceId }) => resourceId).filter((id) => id.startsWith('i-'));
  if (instanceIds.length === 0) return ignored('no instance was tagged');
  return {
    request: {
      caseId: `tag-${event.eventID}`,
      trigger: { kind: 'tag', key: `cloudtrail:${event.eventID}`, type: `tag ${settings.key}`, title: hostile(tag.value ?? '') },
      requester: safe(event.userIdentity?.arn ?? 'unknown', 512),
      reason: safe(`the tag ${settings.key}: ${tag.value ?? ''}`, 300),
      targets: distinct(instanceIds.map((instanceId) => ({ instanceId, account: event.recipientAccountId, region: event.awsRegion }))),
    },
  };
}
