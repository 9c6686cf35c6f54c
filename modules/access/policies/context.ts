import type { Conditions } from '../../policy.ts';
import { CASE_TAGS, infrastructureLogGroup, keyAlias, LOG_GROUPS, logGroupName, type KeyPurpose, type Place } from '../../vocabulary/index.ts';

/** What the roles of one account and Region know about their estate. */
export interface AccessContext extends Place {
  /** Prefix of the collector's log groups. */
  readonly logPrefix: string;
  /** Monitored accounts, whose acquisition role the workflow assumes. */
  readonly memberAccounts: readonly string[];
  /** Id of the organization, to which people belong as well. @default none: the monitored accounts are named one by one, and people's principals are taken as they are */
  readonly organizationId?: string | undefined;
  /** Account that keeps session logs. */
  readonly logArchiveAccount: string;
}

/** The session's or role's own case, as IAM fills it in. */
export const OWN_CASE = `\${aws:PrincipalTag/${CASE_TAGS.caseId}}`;

const logGroupArn = (context: AccessContext, name: string): string =>
  `arn:${context.partition}:logs:${context.region}:${context.account}:log-group:${name}`;

/** ARNs of the collector's log groups and of their streams. */
export const collectorLogArns = (context: AccessContext): readonly string[] =>
  Object.keys(LOG_GROUPS).flatMap((group) => {
    const arn = logGroupArn(context, logGroupName(group as keyof typeof LOG_GROUPS, context.logPrefix));
    return [arn, `${arn}:*`];
  });

export const infrastructureLogArns = (context: AccessContext, source: Parameters<typeof infrastructureLogGroup>[1]): readonly string[] => {
  const arn = logGroupArn(context, infrastructureLogGroup(context, source));
  return [arn, `${arn}:*`];
};

/** Roles of monitored accounts only: those of the organization, or the accounts that are named. For `sts:AssumeRole`. */
export const inMonitoredAccounts = (context: AccessContext): Conditions => ({
  StringEquals:
    context.organizationId === undefined
      ? { 'aws:ResourceAccount': context.memberAccounts.length > 0 ? context.memberAccounts : [context.account] }
      : { 'aws:ResourceOrgID': context.organizationId },
});

/** All keys of the account and Region; {@link keyThrough} says which of them. */
export const anyKey = (context: Place): string => `arn:${context.partition}:kms:${context.region}:${context.account}:key/*`;

/** A key by its alias, since a key's own ARN is not known before it exists; and through one service only. */
export const keyThrough = (context: Place, purpose: KeyPurpose, service: 's3' | 'ec2' | 'ssm' | 'sns'): Conditions => ({
  'ForAnyValue:StringEquals': { 'kms:ResourceAliases': keyAlias(context, purpose) },
  StringEquals: { 'kms:ViaService': `${service}.${context.region}.amazonaws.com` },
});
