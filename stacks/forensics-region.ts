import { TerraformStack } from 'cdktf';
import type { Construct } from 'constructs';
import type { AccessContext } from '../modules/access/policies/context.ts';
import { ForensicRoles, type RoleAccess } from '../modules/access/forensic-roles.ts';
import { AcquisitionWorkflow } from '../modules/acquisition-workflow/acquisition-workflow.ts';
import { acquisitionDefinition } from '../modules/acquisition-workflow/definition.ts';
import { handlerEnvironment } from '../modules/acquisition-workflow/handlers/settings.ts';
import type { HandlerCode } from '../modules/acquisition-workflow/workflow-functions.ts';
import { alertPatterns } from '../modules/audit/alert-patterns.ts';
import { Alerts } from '../modules/audit/alerts.ts';
import { ConfigRecorder } from '../modules/audit/config-recorder.ts';
import { ForwardedEvents } from '../modules/audit/forwarded-events.ts';
import { ForensicLogs } from '../modules/audit/forensic-logs.ts';
import { SessionPreferences } from '../modules/audit/session-preferences.ts';
import { EvidenceTrail } from '../modules/audit/trail.ts';
import { AccountDefaults } from '../modules/isolated-network/account-defaults.ts';
import { IsolatedNetwork } from '../modules/isolated-network/isolated-network.ts';
import type { InterfaceService } from '../modules/isolated-network/policies/endpoints.ts';
import { CollectorDashboard } from '../modules/observability/collector-dashboard.ts';
import type { Retention } from '../modules/evidence/closed-bucket.ts';
import { bucketArn, bucketName, EVIDENCE_BUCKETS, keyAliasArn, type AcquisitionOptions, type HumanRole, type TriggerSettings } from '../modules/vocabulary/index.ts';
import { publishMembers, type MonitoredAccount } from './members.ts';
import { publish } from './publish.ts';
import type { RegionProps } from './region.ts';
import { useProvider, type ProviderFor } from './use-provider.ts';

/** How acquisitions run. */
export interface WorkflowSettings {
  /** What a case does unless a person says otherwise. */
  readonly options: AcquisitionOptions;
  readonly triggers: TriggerSettings;
  /** Accounts that the functions may enter. */
  readonly members: readonly MonitoredAccount[];
  /** Archive of the functions. */
  readonly code: HandlerCode;
  /** How long evidence snapshots are locked. */
  readonly snapshotLock: Retention;
  readonly tracing: boolean;
  readonly sweepHours: number;
}

export interface ForensicsRegionProps extends RegionProps {
  readonly cidr: string;
  readonly zones: readonly string[];
  readonly extraServices: readonly InterfaceService[];
  readonly access: Readonly<Record<HumanRole | 'break-glass', RoleAccess>>;
  readonly approvalBrokerArn?: string;
  readonly logPrefix: string;
  readonly emails: readonly string[];
  readonly workflow: WorkflowSettings;
  /** Whether machine images are built here: the network then leads to Image Builder and to the artifacts. */
  readonly buildsImages: boolean;
  /** Whether this stack also makes what an account has once: one Region of the account does. */
  readonly accountWide: boolean;
  /** Regions beside the account's own in which AWS reports its log-ins and changes in IAM; of use where this is account-wide. */
  readonly reportingRegions: readonly string[];
  readonly providerFor: ProviderFor;
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
      bucketArns: [...evidenceBucketArns, bucketArn(archive, 'audit-logs'), ...(props.buildsImages ? [bucketArn(place, 'artifacts')] : [])],
      extraServices: props.buildsImages ? [...new Set([...props.extraServices, 'imagebuilder' as const])] : props.extraServices,
      logsKeyArn: logs.keyArn,
      logRetentionDays: props.logDays,
    });
    const context: AccessContext = {
      ...place,
      logPrefix: props.logPrefix,
      memberAccounts: props.memberAccounts,
      organizationId: props.perimeter.organizationId,
      logArchiveAccount: archive.account,
    };
    const roles = new ForensicRoles(this, 'Roles', {
      context,
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
    new EvidenceTrail(this, 'Trail', { place, bucketName: archiveBucket, kmsKeyArn: keyAliasArn(archive, 'audit'), evidenceBucketArns, multiRegion: props.accountWide });
    for (const region of props.accountWide ? props.reportingRegions : []) {
      useProvider(new ForwardedEvents(this, `Forward-${region}`, { home: place, region }), props.providerFor(this, region));
    }
    new ConfigRecorder(this, 'Config', { place, bucketName: archiveBucket, makeServiceLinkedRole: props.accountWide });
    new CollectorDashboard(this, 'Dashboard', { place, logGroupNames: logs.logGroupNames, alertTopicArn: alerts.topicArn });
    const { options, triggers, code, snapshotLock, tracing, sweepHours } = props.workflow;
    const workflow = new AcquisitionWorkflow(this, 'Workflow', {
      context,
      perimeter: props.perimeter,
      definition: acquisitionDefinition({
        ...place,
        logPrefix: props.logPrefix,
        snapshotLockDays: snapshotLock.days,
        snapshotLockMode: snapshotLock.mode === 'COMPLIANCE' ? 'compliance' : 'governance',
      }),
      workflowRoleArn: roles.roleArns.workflow,
      code,
      environment: handlerEnvironment({
        place,
        logPrefix: props.logPrefix,
        bucket: bucketName(place, 'active'),
        topicArn: alerts.topicArn,
        options,
        triggers,
      }),
      logsKeyArn: logs.keyArn,
      logRetentionDays: props.logDays,
      alertTopicArn: alerts.topicArn,
      tracing,
      sweepHours,
    });
    // Step Functions checks at once whether the role may write the log.
    workflow.node.addDependency(roles);
    publishMembers(this, place, props.workflow.members);
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
