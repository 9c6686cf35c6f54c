import { TerraformStack } from 'cdktf';
import type { Construct } from 'constructs';
import { ForensicRoles, type RoleAccess } from '../modules/access/forensic-roles.ts';
import { alertPatterns } from '../modules/audit/alert-patterns.ts';
import { Alerts } from '../modules/audit/alerts.ts';
import { ConfigRecorder } from '../modules/audit/config-recorder.ts';
import { ForensicLogs } from '../modules/audit/forensic-logs.ts';
import { SessionPreferences } from '../modules/audit/session-preferences.ts';
import { EvidenceTrail } from '../modules/audit/trail.ts';
import { AccountDefaults } from '../modules/isolated-network/account-defaults.ts';
import { IsolatedNetwork } from '../modules/isolated-network/isolated-network.ts';
import type { InterfaceService } from '../modules/isolated-network/policies/endpoints.ts';
import { CollectorDashboard } from '../modules/observability/collector-dashboard.ts';
import { bucketArn, bucketName, EVIDENCE_BUCKETS, keyAliasArn, type HumanRole } from '../modules/vocabulary/index.ts';
import { publish } from './publish.ts';
import type { RegionProps } from './region.ts';

export interface ForensicsRegionProps extends RegionProps {
  readonly cidr: string;
  readonly zones: readonly string[];
  readonly extraServices: readonly InterfaceService[];
  readonly access: Readonly<Record<HumanRole | 'break-glass', RoleAccess>>;
  readonly approvalBrokerArn?: string;
  readonly logPrefix: string;
  readonly emails: readonly string[];
  /** Whether this stack also makes what an account has once: one Region of the account does. */
  readonly accountWide: boolean;
}

/** In a forensic account, one a Region: the isolated network, the roles, the logs, the alerts and the account's defaults. */
export class ForensicsRegionStack extends TerraformStack {
  constructor(scope: Construct, id: string, props: ForensicsRegionProps) {
    super(scope, id);
    const { place, archive } = props;
    const evidenceBucketArns = EVIDENCE_BUCKETS.map((purpose) => bucketArn(place, purpose));
    const archiveBucket = bucketName(archive, 'audit-logs');
    const logs = new ForensicLogs(this, 'Logs', {
      place,
      logPrefix: props.logPrefix,
      retentionDays: props.logDays,
      keyAdministratorArns: props.keyAdministratorArns,
    });
    new AccountDefaults(this, 'AccountDefaults', { accountWide: props.accountWide });
    const network = new IsolatedNetwork(this, 'Network', {
      place,
      perimeter: props.perimeter,
      cidr: props.cidr,
      zones: props.zones,
      bucketArns: [...evidenceBucketArns, bucketArn(archive, 'audit-logs')],
      extraServices: props.extraServices,
      logsKeyArn: logs.keyArn,
      logRetentionDays: props.logDays,
    });
    const roles = new ForensicRoles(this, 'Roles', {
      context: {
        ...place,
        logPrefix: props.logPrefix,
        memberAccounts: props.memberAccounts,
        organizationId: props.perimeter.organizationId,
        logArchiveAccount: archive.account,
      },
      access: props.access,
      ...(props.approvalBrokerArn === undefined ? {} : { approvalBrokerArn: props.approvalBrokerArn }),
    });
    new SessionPreferences(this, 'Sessions', {
      logGroupName: logs.sessionLogGroupName,
      bucketName: archiveBucket,
      keyPrefix: `sessions/${place.account}`,
      kmsKeyArn: logs.keyArn,
    });
    const alerts = new Alerts(this, 'Alerts', { place, patterns: alertPatterns(place), kmsKeyId: logs.keyArn, emails: props.emails });
    new EvidenceTrail(this, 'Trail', { place, bucketName: archiveBucket, kmsKeyArn: keyAliasArn(archive, 'audit'), evidenceBucketArns });
    new ConfigRecorder(this, 'Config', { place, bucketName: archiveBucket, makeServiceLinkedRole: props.accountWide });
    new CollectorDashboard(this, 'Dashboard', { place, logGroupNames: logs.logGroupNames, alertTopicArn: alerts.topicArn });
    publish(this, place, {
      s3EndpointId: network.s3EndpointId,
      vpcId: network.vpcId,
      collectorSubnetIds: network.subnetIds.collector.join(','),
      collectorSecurityGroupId: network.collectorSecurityGroupId,
      collectorPolicyArn: roles.collectorPolicyArn,
      pipelineBoundaryArn: roles.pipelineBoundaryArn,
      alertTopicArn: alerts.topicArn,
    });
  }
}
