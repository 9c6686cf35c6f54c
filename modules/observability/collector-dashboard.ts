import { CloudwatchDashboard } from '@cdktf/provider-aws/lib/cloudwatch-dashboard/index.js';
import { CloudwatchLogMetricFilter } from '@cdktf/provider-aws/lib/cloudwatch-log-metric-filter/index.js';
import { CloudwatchMetricAlarm } from '@cdktf/provider-aws/lib/cloudwatch-metric-alarm/index.js';
import { Construct } from 'constructs';
import { METRIC_NAMESPACE, stateMachineArn, type LogGroup, type Place } from '../vocabulary/index.ts';
import { ALARMS, LOG_METRICS, WORKFLOW_ALARMS } from './metrics.ts';

export interface CollectorDashboardProps {
  readonly place: Place;
  readonly logGroupNames: Readonly<Record<LogGroup, string>>;
  /** Topic that alarms are sent to. */
  readonly alertTopicArn: string;
}

const WIDTH = 8;
const HEIGHT = 6;

/** Metrics from the collector's logs and from the workflow, alarms on what must not pass unseen, and one page that shows all. */
export class CollectorDashboard extends Construct {
  constructor(scope: Construct, id: string, props: CollectorDashboardProps) {
    super(scope, id);
    const { place } = props;
    const namespace = `${METRIC_NAMESPACE}/${place.prefix}`;
    for (const metric of LOG_METRICS) {
      new CloudwatchLogMetricFilter(this, metric.name, {
        name: `${place.prefix}-${metric.name}`,
        logGroupName: props.logGroupNames[metric.group],
        pattern: metric.pattern,
        metricTransformation: { name: metric.name, namespace, value: metric.value, unit: metric.unit },
      });
    }
    const alarm = (alarmId: string, description: string, metricNamespace: string, metricName: string, dimensions: Record<string, string> = {}) =>
      new CloudwatchMetricAlarm(this, alarmId, {
        alarmName: `${place.prefix}-${metricName}`,
        alarmDescription: description,
        namespace: metricNamespace,
        metricName,
        ...(Object.keys(dimensions).length === 0 ? {} : { dimensions }),
        statistic: 'Sum',
        period: 60,
        evaluationPeriods: 1,
        threshold: 1,
        comparisonOperator: 'GreaterThanOrEqualToThreshold',
        treatMissingData: 'notBreaching',
        alarmActions: [props.alertTopicArn],
      });
    for (const [name, why] of Object.entries(ALARMS)) alarm(`${name}-alarm`, why, namespace, name);
    for (const [name, why] of Object.entries(WORKFLOW_ALARMS)) {
      alarm(`${name}-alarm`, why, 'AWS/States', name, { StateMachineArn: stateMachineArn(place) });
    }
    const widgets = [
      ...LOG_METRICS.map(({ name }) => ({ title: name, metrics: [[namespace, name]] })),
      { title: 'Workflow', metrics: ['ExecutionsStarted', 'ExecutionsSucceeded', ...Object.keys(WORKFLOW_ALARMS)].map((name) => ['AWS/States', name, 'StateMachineArn', stateMachineArn(place)]) },
    ].map(({ title, metrics }, index) => ({
      type: 'metric',
      x: (index % 3) * WIDTH,
      y: Math.floor(index / 3) * HEIGHT,
      width: WIDTH,
      height: HEIGHT,
      properties: { title, metrics, region: place.region, stat: 'Sum', period: 300, view: 'timeSeries' },
    }));
    new CloudwatchDashboard(this, 'Resource', { dashboardName: `${place.prefix}-${place.region}`, dashboardBody: JSON.stringify({ widgets }) });
  }
}
