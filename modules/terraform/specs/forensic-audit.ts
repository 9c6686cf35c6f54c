import { alertPatterns } from '../../audit/alert-patterns.ts';
import { Alerts } from '../../audit/alerts.ts';
import { ConfigRecorder } from '../../audit/config-recorder.ts';
import { ForensicLogs } from '../../audit/forensic-logs.ts';
import { SessionPreferences } from '../../audit/session-preferences.ts';
import { EvidenceTrail } from '../../audit/trail.ts';
import { bucketArn, bucketName, EVIDENCE_BUCKETS, keyAliasArn } from '../../vocabulary/index.ts';
import type { ModuleSpec } from '../spec.ts';
import { KEY_ADMINISTRATORS, LOG_ARCHIVE, LOG_DAYS, LOG_PREFIX, PLACE, placeOf } from '../variables.ts';

export const forensicAudit: ModuleSpec = {
  name: 'forensic-audit',
  description: 'Log groups with a key of their own, Session Manager preferences, alerts, a trail with every access to evidence, and a Config recorder, all delivering to a log archive.',
  costs: 'Log ingestion, CloudTrail data events (an image of many parts makes many), Config items, one KMS key.',
  not: 'It makes no log archive (that is log-archive, applied before), and subscribes one address (the construct takes any number).',
  variables: {
    ...PLACE,
    log_archive_account_id: LOG_ARCHIVE,
    key_administrator_arns: KEY_ADMINISTRATORS,
    alert_email: { type: 'string', description: 'Address that is told; it has to confirm.', validation: { condition: 'can(regex("^[^@ ]+@[^@ ]+$", VALUE))', message: 'An e-mail address is allowed.' } },
    log_retention_days: LOG_DAYS,
    log_prefix: LOG_PREFIX,
    make_config_role: { type: 'bool', description: 'Whether to make the service-linked role of Config, of which an account has one: true in one Region of an account.', default: true },
    multi_region_trail: { type: 'bool', description: 'Whether the trail records every Region of the account: true in one Region of an account, or events are recorded twice.', default: true },
  },
  build: (scope, v) => {
    const place = placeOf(v);
    const archive = { ...place, account: v.text('log_archive_account_id') };
    const archiveBucket = bucketName(archive, 'audit-logs');
    const logs = new ForensicLogs(scope, 'Logs', { place, logPrefix: v.text('log_prefix'), retentionDays: v.number('log_retention_days'), keyAdministratorArns: v.list('key_administrator_arns') });
    new SessionPreferences(scope, 'Sessions', { logGroupName: logs.sessionLogGroupName, bucketName: archiveBucket, keyPrefix: `sessions/${place.account}`, kmsKeyArn: logs.keyArn });
    const alerts = new Alerts(scope, 'Alerts', { place, patterns: alertPatterns(place), kmsKeyId: logs.keyArn, emails: [v.text('alert_email')] });
    new EvidenceTrail(scope, 'Trail', { place, bucketName: archiveBucket, kmsKeyArn: keyAliasArn(archive, 'audit'), evidenceBucketArns: EVIDENCE_BUCKETS.map((purpose) => bucketArn(place, purpose)), multiRegion: v.flag('multi_region_trail') });
    new ConfigRecorder(scope, 'Config', { place, bucketName: archiveBucket, makeServiceLinkedRole: v.flag('make_config_role') });
    return {
      logs_key_arn: { value: logs.keyArn, description: 'Key of the log groups; flow and query logs may use it too.' },
      alert_topic_arn: { value: alerts.topicArn, description: 'Topic that alerts and alarms go to.' },
    };
  },
};
