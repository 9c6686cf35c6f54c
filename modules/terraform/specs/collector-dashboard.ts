import { CollectorDashboard } from '../../observability/collector-dashboard.ts';
import { LOG_GROUPS, logGroupName, type LogGroup } from '../../vocabulary/index.ts';
import type { ModuleSpec } from '../spec.ts';
import { LOG_PREFIX, PLACE, placeOf } from '../variables.ts';

export const collectorDashboard: ModuleSpec = {
  name: 'collector-dashboard',
  description: 'Metrics from the collector\'s log groups, alarms, and a dashboard.',
  costs: 'Ten custom metrics, eight alarms and a dashboard a month.',
  not: 'It makes neither the log groups nor the topic.',
  variables: {
    ...PLACE,
    alert_topic_arn: { type: 'string', description: 'Topic that alarms are sent to.', validation: { condition: 'startswith(VALUE, "arn:")', message: 'The ARN of a topic is allowed.' } },
    log_prefix: LOG_PREFIX,
  },
  build: (scope, v) => {
    const groups = (Object.keys(LOG_GROUPS) as LogGroup[]).map((group) => [group, logGroupName(group, v.text('log_prefix'))]);
    new CollectorDashboard(scope, 'Dashboard', { place: placeOf(v), logGroupNames: Object.fromEntries(groups) as Record<LogGroup, string>, alertTopicArn: v.text('alert_topic_arn') });
    return {};
  },
};
