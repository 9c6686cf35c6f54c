import { CloudwatchLogGroup } from '@cdktf/provider-aws/lib/cloudwatch-log-group/index.js';
import { Construct } from 'constructs';
import { GuardedKey } from '../evidence/guarded-key.ts';
import { infrastructureLogGroup, keyAlias, LOG_GROUPS, logGroupName, type LogGroup, type Place } from '../vocabulary/index.ts';
import { logsKeyPolicy } from './policies/logs-key.ts';

export interface ForensicLogsProps {
  readonly place: Place;
  /** Prefix of the collector's log groups. @default '' */
  readonly logPrefix?: string;
  /** Days, one of CloudWatch's values. @default 731 */
  readonly retentionDays?: number;
  readonly keyAdministratorArns: readonly string[];
}

/** The log groups that collectors and sessions write to, and the key they are encrypted under. */
export class ForensicLogs extends Construct {
  readonly keyArn: string;
  readonly logGroupNames: Readonly<Record<LogGroup, string>>;
  readonly sessionLogGroupName: string;

  constructor(scope: Construct, id: string, props: ForensicLogsProps) {
    super(scope, id);
    const { place, logPrefix = '', retentionDays = 731 } = props;
    const key = new GuardedKey(this, 'Key', {
      alias: keyAlias(place, 'logs'),
      description: 'Forensic log groups, sessions and alerts',
      policy: logsKeyPolicy(place, props.keyAdministratorArns),
    });
    const group = (groupId: string, name: string) =>
      new CloudwatchLogGroup(this, groupId, {
        name,
        kmsKeyId: key.keyArn,
        retentionInDays: retentionDays,
        skipDestroy: true, // what was recorded outlives the stack
      }).name;
    this.keyArn = key.keyArn;
    this.logGroupNames = Object.fromEntries(
      (Object.keys(LOG_GROUPS) as LogGroup[]).map((name) => [name, group(name, logGroupName(name, logPrefix))]),
    ) as Record<LogGroup, string>;
    this.sessionLogGroupName = group('sessions', infrastructureLogGroup(place, 'sessions'));
  }
}
