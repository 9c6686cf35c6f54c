import { DescribeLogGroupsCommand, type CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { LOG_GROUPS, logGroupName, type LogGroup } from '../../modules/vocabulary/index.ts';
import { messageOf } from '../errors.ts';
import { fail, noAnswer, ok, warn, type Check, type Outcome } from './finding.ts';

const TIMEOUT_MS = 20_000;

async function look(client: CloudWatchLogsClient, name: string): Promise<Outcome> {
  try {
    const { logGroups = [] } = await client.send(
      new DescribeLogGroupsCommand({ logGroupNamePrefix: name }),
      { abortSignal: AbortSignal.timeout(TIMEOUT_MS) },
    );
    const group = logGroups.find(({ logGroupName: found }) => found === name);
    if (!group) return warn(`there is no log group ${name}`, 'make it, or grant logs:CreateLogGroup so that the collector can');
    return ok(`${name}, kept ${group.retentionInDays === undefined ? 'for ever' : `for ${group.retentionInDays} days`}`);
  } catch (error) {
    const { name: code } = error as Error;
    if (/AccessDenied/.test(code)) return warn(`cannot tell about ${name}: ${code}`, 'grant logs:DescribeLogGroups to whoever runs this');
    return fail(`CloudWatch Logs does not answer about ${name}: ${code}: ${messageOf(error)}`, `${noAnswer(error)}; images do not depend on it, events wait on disk`);
  }
}

/** The three log groups. */
export const logGroupChecks = (client: CloudWatchLogsClient, prefix: string): readonly Check[] =>
  (Object.keys(LOG_GROUPS) as LogGroup[]).map((group) => ({ check: `log-group-${group}`, look: () => look(client, logGroupName(group, prefix)) }));
