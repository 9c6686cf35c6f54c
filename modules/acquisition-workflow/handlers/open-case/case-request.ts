import type { z } from 'zod';
import { hostileText, type HostileText, type Trigger } from '../../../vocabulary/index.ts';
import { HandlerError } from '../errors.ts';
import { safe, sha256 } from '../texts.ts';

/** An instance that an event is about, as the event has it: nothing of it is believed until the estate knows it. */
export type Target = { readonly account: string; readonly region: string; readonly instanceId: string };

/** An event of any kind in one form. */
export type CaseRequest = {
  readonly caseId: string;
  readonly trigger: Trigger;
  readonly requester: string;
  readonly reason: string;
  readonly targets: readonly Target[];
};

/** Either what to open, or why the event opens nothing. */
export type Normalized = { readonly request: CaseRequest } | { readonly ignored: string };

export const ignored = (why: string): Normalized => ({ ignored: safe(why) });

/** Somebody's text with its bytes, cut so that it stays small. */
export const hostile = (text: string): HostileText => hostileText(Buffer.from(text).subarray(0, 512));

export const shortHash = (...parts: readonly string[]): string => sha256(JSON.stringify(parts)).slice(0, 16);

/** Parses an event's detail; what is wrong is said without a word of the event itself. */
export function parseDetail<Schema extends z.ZodType>(what: string, schema: Schema, detail: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(detail);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.slice(0, 5).map(({ path, message }) => safe(`${path.join('.') || 'it'}: ${message}`, 200));
  throw new HandlerError('Cleanroom.BadInput', `this is not ${what}: ${problems.join('; ')}; nothing was opened`);
}

/** Text of an event that a record keeps as it is: printable ASCII of a bounded length, or nothing. */
export const printable = (text: string | undefined): string | undefined => (text !== undefined && /^[\x20-\x7e]{1,1024}$/.test(text) ? text : undefined);

const INSTANCE_ARN = /^arn:aws[a-z-]*:ec2:([a-z0-9-]{1,32}):(\d{12}):instance\/(i-[0-9a-f]{8,17})$/;

/** The instance that an ARN names; undefined for any other resource. */
export function targetOfArn(arn: string): Target | undefined {
  const match = INSTANCE_ARN.exec(arn);
  return match ? { region: match[1]!, account: match[2]!, instanceId: match[3]! } : undefined;
}

/** The instance whose role's session a principal id names, `AROA…:i-…`: its credentials were used elsewhere. */
export const instanceOfPrincipal = (principalId: string | undefined): string | undefined => /^[A-Z0-9]{4,64}:(i-[0-9a-f]{8,17})$/.exec(principalId ?? '')?.[1];

const GUARDDUTY_FINDING = /^arn:aws[a-z-]*:guardduty:[a-z0-9-]{1,32}:\d{12}:detector\/[0-9a-f]{32}\/finding\/([0-9a-f]{32})$/;

/** Short id of the GuardDuty finding that an ARN names, by whichever service it comes. */
export const guardDutyIdOf = (arn: string): string | undefined => GUARDDUTY_FINDING.exec(arn)?.[1];

/** Each instance once. */
export const distinct = (targets: readonly Target[]): Target[] => [...new Map(targets.map((target) => [target.instanceId, target])).values()];
