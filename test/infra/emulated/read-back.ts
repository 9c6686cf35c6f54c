import { expect } from 'chai';
import { alertPatterns } from '../../../modules/audit/alert-patterns.ts';
import { defaultBusArn, forwardingRuleName } from '../../../modules/audit/policies/index.ts';
import { bucketName, EVIDENCE_BUCKETS, FORENSIC_ROLES, forwarderRoleName, functionLogGroup, HANDLERS, HUMAN_ROLES, infrastructureLogGroup, keyAlias, logGroupName, memberRoleName, parameterName, roleName, sealParameterName, SESSION_PREFERENCES_DOCUMENT, stateMachineLogGroup, type Place } from '../../../modules/vocabulary/index.ts';
import type { Loose } from '../helpers/loose.ts';
import { askAws } from './ask-aws.ts';
import { MEMBER, REGION, type EmulatedEstate } from './emulated-estate.ts';

type Call = readonly [method: string, params?: Readonly<Record<string, unknown>>];

export interface Applied {
  readonly emulated: EmulatedEstate;
  readonly forensic: Place;
  readonly archive: Place;
}

/** A statement of a policy, which AWS gives back as text or as an object. */
const statement = (policy: Loose, sid: string): Loose =>
  (typeof policy === 'string' ? JSON.parse(policy) : policy).Statement.find(({ Sid }: Loose) => Sid === sid);

/** What AWS says of an estate that was applied to it, asked in each account. */
export function promiseReadBack(applied: () => Applied): void {
  const ask = (account: string | undefined, service: string, ...calls: readonly Call[]): Promise<readonly Loose[]> =>
    askAws(applied().emulated.moto, calls.map(([method, params = {}]) => ({ ...(account === undefined ? {} : { account }), region: REGION, service, method, params })));
  const inForensic = (service: string, ...calls: readonly Call[]) => ask(applied().forensic.account, service, ...calls);

  it('keeps evidence in buckets that are locked, versioned, encrypted, private and bound to the network', async () => {
    const { emulated, forensic } = applied();
    const { evidenceKeyArn } = await emulated.outputs('evidence-eu-west-1');
    const locks = { incoming: { Mode: 'GOVERNANCE', Days: 30 }, active: { Mode: 'COMPLIANCE', Days: 365 }, 'legal-hold': { Mode: 'COMPLIANCE', Days: 2555 } };
    const methods = ['get_object_lock_configuration', 'get_bucket_versioning', 'get_bucket_encryption', 'get_public_access_block', 'get_bucket_lifecycle_configuration', 'get_bucket_policy'];
    const calls = EVIDENCE_BUCKETS.flatMap((purpose) => methods.map((method): Call => [method, { Bucket: bucketName(forensic, purpose) }]));
    const answers = await inForensic('s3', ...calls);
    for (const [index, purpose] of EVIDENCE_BUCKETS.entries()) {
      const [lock, versioning, encryption, access, lifecycle, { Policy }] = answers.slice(index * methods.length) as [Loose, Loose, Loose, Loose, Loose, Loose];
      expect(lock.ObjectLockConfiguration.Rule.DefaultRetention, purpose).to.include(locks[purpose]);
      expect(versioning.Status, purpose).to.equal('Enabled');
      expect(encryption.ServerSideEncryptionConfiguration.Rules[0].ApplyServerSideEncryptionByDefault, purpose).to.deep.equal({ SSEAlgorithm: 'aws:kms', KMSMasterKeyID: evidenceKeyArn });
      expect(Object.values(access.PublicAccessBlockConfiguration), purpose).to.deep.equal([true, true, true, true]);
      expect(lifecycle.Rules.map(({ ID }: Loose) => ID), purpose).to.deep.equal(['drop-abandoned-uploads']);
      expect(statement(Policy, 'DenyOutsideTheNetwork').Condition.StringNotEquals['aws:SourceVpce'], purpose).to.match(/^vpce-[0-9a-f]+$/);
    }
  });

  it('has keys that rotate, that are administered without being used, and that nobody deletes', async () => {
    const { forensic, archive } = applied();
    for (const [place, purposes] of [[forensic, ['evidence', 'transit', 'logs']], [archive, ['audit']]] as const) {
      const keys = (await ask(place.account, 'kms', ...purposes.map((purpose): Call => ['describe_key', { KeyId: keyAlias(place, purpose) }]))).map(({ KeyMetadata }) => KeyMetadata);
      const read = await ask(place.account, 'kms', ...keys.flatMap(({ Arn }): Call[] => [['get_key_rotation_status', { KeyId: Arn }], ['get_key_policy', { KeyId: Arn, PolicyName: 'default' }]]));
      for (const [index, purpose] of purposes.entries()) {
        const [KeyMetadata, rotation, { Policy }] = [keys[index], ...read.slice(index * 2)] as [Loose, Loose, Loose];
        expect([KeyMetadata.AWSAccountId, KeyMetadata.KeyState, rotation.KeyRotationEnabled], purpose).to.deep.equal([place.account, 'Enabled', true]);
        expect(statement(Policy, 'DenyLoss'), purpose).to.deep.include({ Effect: 'Deny', Principal: '*' });
        expect(statement(Policy, 'Administer').Condition.ArnLike['aws:PrincipalArn'], purpose).to.deep.equal([`arn:aws:iam::${place.account}:role/OrganizationAccountAccessRole`]);
        expect(JSON.stringify(statement(Policy, 'Administer').Action), purpose).to.not.match(/Decrypt|Encrypt|GenerateDataKey/);
      }
    }
  });

  it('keeps the log archive out of the forensic account, locked', async () => {
    const { archive } = applied();
    const Bucket = bucketName(archive, 'audit-logs');
    const [lock, { Policy }] = (await ask(archive.account, 's3', ['get_object_lock_configuration', { Bucket }], ['get_bucket_policy', { Bucket }])) as [Loose, Loose];
    expect(lock.ObjectLockConfiguration.Rule.DefaultRetention).to.include({ Mode: 'COMPLIANCE', Days: 731 });
    expect(statement(Policy, 'DenyDeletion').Action).to.include.members(['s3:BypassGovernanceRetention', 's3:DeleteObjectVersion']);
  });

  it('has people\'s roles inside a boundary, for a second factor or a second person', async () => {
    const { forensic } = applied();
    const names = FORENSIC_ROLES.map((role) => roleName(forensic, role));
    const roles = new Map((await inForensic('iam', ...names.map((RoleName): Call => ['get_role', { RoleName }]))).map(({ Role }) => [String(Role.RoleName), Role]));
    const boundaryOf = (name: string) => /-(people|pipeline)-boundary-eu-west-1$/.exec(String(roles.get(name).PermissionsBoundary?.PermissionsBoundaryArn))?.[1];
    expect(Object.fromEntries(FORENSIC_ROLES.map((role) => [role, boundaryOf(roleName(forensic, role))]))).to.deep.equal({
      responder: 'people', investigator: 'people', 'data-custodian': 'people', analyst: 'people', 'break-glass': undefined,
      collector: 'pipeline', workflow: 'pipeline', workstation: 'pipeline',
    });
    for (const role of [...HUMAN_ROLES, 'break-glass'] as const) {
      const { Principal, Condition } = statement(roles.get(roleName(forensic, role)).AssumeRolePolicyDocument, 'Assume');
      if (role === 'data-custodian') expect([Principal.AWS].flat()).to.deep.equal(['arn:aws:iam::100000000002:role/approvals/broker']);
      else expect(Condition.Bool, role).to.deep.equal({ 'aws:MultiFactorAuthPresent': 'true' });
    }
  });

  it('has a network without a gateway, whose endpoints each answer the organization alone', async () => {
    const { emulated } = applied();
    const { vpcId, s3EndpointId } = await emulated.outputs('forensics-eu-west-1');
    const inVpc = { Filters: [{ Name: 'vpc-id', Values: [vpcId] }] };
    const [internet, nat, endpoints, tables, subnets, groups, flow] = (await inForensic(
      'ec2',
      ['describe_internet_gateways', { Filters: [{ Name: 'attachment.vpc-id', Values: [vpcId] }] }],
      ['describe_nat_gateways', inVpc],
      ['describe_vpc_endpoints', inVpc],
      ['describe_route_tables', inVpc],
      ['describe_subnets', inVpc],
      ['describe_security_groups', inVpc],
      ['describe_flow_logs', { Filters: [{ Name: 'resource-id', Values: [vpcId] }] }],
    )) as [Loose, Loose, Loose, Loose, Loose, Loose, Loose];
    expect([internet.InternetGateways, nat.NatGateways]).to.deep.equal([[], []]);
    expect(endpoints.VpcEndpoints.map(({ ServiceName }: Loose) => ServiceName.split('.').at(-1)).toSorted()).to.deep.equal(['ebs', 'imagebuilder', 'kms', 'logs', 's3', 'ssm', 'ssmmessages', 'sts']);
    for (const { PolicyDocument, ServiceName } of endpoints.VpcEndpoints) expect(PolicyDocument, ServiceName).to.contain(`"aws:PrincipalOrgID":"${emulated.input.organization?.mode === 'none' ? '' : emulated.input.organization?.id}"`);
    expect(endpoints.VpcEndpoints.map(({ VpcEndpointId }: Loose) => VpcEndpointId)).to.include(s3EndpointId);
    const routes = tables.RouteTables.flatMap(({ Routes }: Loose) => Routes).filter(({ GatewayId }: Loose) => GatewayId !== 'local');
    expect(routes.map(({ GatewayId, DestinationPrefixListId }: Loose) => [GatewayId, typeof DestinationPrefixListId])).to.deep.equal([[s3EndpointId, 'string']]);
    expect(subnets.Subnets.map(({ MapPublicIpOnLaunch }: Loose) => MapPublicIpOnLaunch)).to.deep.equal(Array.from({ length: 9 }, () => false));
    const anywhere = groups.SecurityGroups.flatMap(({ IpPermissions, IpPermissionsEgress }: Loose) => [...IpPermissions, ...IpPermissionsEgress]).filter((permission: unknown) => JSON.stringify(permission).includes('/0"'));
    expect(anywhere).to.deep.equal([]);
    expect(flow.FlowLogs.map(({ TrafficType }: Loose) => TrafficType)).to.deep.equal(['ALL']);
  });

  it('leaves what later stacks read, and preferences that stream and store every session', async () => {
    const { emulated, forensic } = applied();
    const published = { ...(await emulated.outputs('forensics-eu-west-1')), ...(await emulated.outputs('evidence-eu-west-1')) };
    const names = ['vpcId', 's3EndpointId', 'collectorSubnetIds', 'collectorSecurityGroupId', 'pipelineBoundaryArn', 'alertTopicArn', 'evidenceKeyArn', 'transitKeyArn', 'activeBucket'] as const;
    const read = await inForensic('ssm', ...names.map((name): Call => ['get_parameter', { Name: parameterName(forensic, name) }]), ['get_document', { Name: SESSION_PREFERENCES_DOCUMENT }]);
    expect(read.slice(0, -1).map(({ Parameter }) => Parameter.Value)).to.deep.equal(names.map((name) => published[name]));
    expect(JSON.parse(read.at(-1).Content).inputs).to.include({ s3BucketName: bucketName(applied().archive, 'audit-logs'), cloudWatchStreamingEnabled: true, s3EncryptionEnabled: true });
  });

  it('keeps every log group for two years under the account\'s own key', async () => {
    const { forensic } = applied();
    const [{ logGroups }] = (await inForensic('logs', ['describe_log_groups'])) as [Loose];
    const [{ KeyMetadata }] = (await inForensic('kms', ['describe_key', { KeyId: keyAlias(forensic, 'logs') }])) as [Loose];
    const workflow = [...HANDLERS.map((handler) => functionLogGroup(forensic, handler)), stateMachineLogGroup(forensic)];
    const expected = [...workflow, ...(['readiness', 'capture', 'audit'] as const).map((group) => logGroupName(group)), ...(['flow', 'dns', 'sessions'] as const).map((source) => infrastructureLogGroup(forensic, source))];
    expect(logGroups.map(({ logGroupName: name, retentionInDays, kmsKeyId }: Loose) => `${name} ${retentionInDays} ${kmsKeyId}`).toSorted()).to.deep.equal(expected.map((name) => `${name} 731 ${KeyMetadata.Arn}`).toSorted());
  });

  it('tells people: the rule of every alert has the topic as its target, one in the global Region the bus that those rules are on, and the recorder is on', async () => {
    const { emulated, forensic } = applied();
    const { alertTopicArn } = await emulated.outputs('forensics-eu-west-1');
    const [{ Rules }] = (await inForensic('events', ['list_rules', { NamePrefix: 'cleanroom-' }])) as [Loose];
    const alerts = Object.keys(alertPatterns(forensic)).map((name) => `cleanroom-${name}`);
    expect(Rules.map(({ Name, State }: Loose) => `${Name} ${State}`)).to.include.members(alerts.map((name) => `${name} ENABLED`));
    const targets = await inForensic('events', ...alerts.map((Rule): Call => ['list_targets_by_rule', { Rule }]));
    expect(targets.map((target) => target.Targets.map(({ Arn }: Loose) => Arn))).to.deep.equal(alerts.map(() => [alertTopicArn]));
    const [{ Targets }] = (await askAws(emulated.moto, [{ account: forensic.account, region: 'us-east-1', service: 'events', method: 'list_targets_by_rule', params: { Rule: forwardingRuleName(forensic) } }])) as [Loose];
    expect(Targets.map(({ Arn, RoleArn }: Loose) => [Arn, RoleArn])).to.deep.equal([[defaultBusArn(forensic), `arn:aws:iam::${forensic.account}:role/cleanroom/${forwarderRoleName(forensic, 'us-east-1')}`]]);
    const [[{ Subscriptions }], [recorder]] = (await Promise.all([
      inForensic('sns', ['list_subscriptions_by_topic', { TopicArn: alertTopicArn }]),
      inForensic('config', ['describe_configuration_recorder_status']),
    ])) as [[Loose], [Loose]];
    expect(Subscriptions.map(({ Protocol, Endpoint }: Loose) => `${Protocol} ${Endpoint}`)).to.deep.equal(['email security@example.com']);
    expect(recorder.ConfigurationRecordersStatus.map(({ recording }: Loose) => recording)).to.deep.equal([true]);
  });

  it('lets the workflow alone into a monitored account, with the external id, and grants it that account\'s key', async () => {
    const { emulated } = applied();
    const RoleName = memberRoleName({ prefix: 'cleanroom' });
    const member = emulated.input.monitoredAccounts?.find(({ id }) => id === MEMBER);
    const [{ Role }, { PolicyNames }] = (await ask(MEMBER, 'iam', ['get_role', { RoleName }], ['list_role_policies', { RoleName }])) as [Loose, Loose];
    const trusted = Role.AssumeRolePolicyDocument;
    expect(statement(trusted, 'Functions').Condition.StringEquals['sts:ExternalId']).to.equal(member?.externalId);
    expect(statement(trusted, 'StateMachine').Condition.StringLike['sts:ExternalId']).to.include('arn:aws:states:*:${aws:PrincipalAccount}:stateMachine:cleanroom-acquisition');
    for (const { Principal } of trusted.Statement) expect([Principal.AWS].flat()).to.have.members(emulated.input.accounts.forensic.map(({ id }) => id));
    const [{ PolicyDocument }] = (await ask(MEMBER, 'iam', ['get_role_policy', { RoleName, PolicyName: PolicyNames[0] }])) as [Loose];
    expect(statement(PolicyDocument, 'NeverDestroy').Effect).to.equal('Deny');
    const [{ Grants }] = (await ask(MEMBER, 'kms', ['list_grants', { KeyId: member?.sourceKeyArns?.[0] }])) as [Loose];
    expect(Grants.map(({ GranteePrincipal }: Loose) => GranteePrincipal)).to.deep.equal([Role.Arn]);
  });

  it('hangs the guardrails on the forensic unit, and records that the estate is sealed', async () => {
    const { emulated } = applied();
    const TargetId = (await emulated.outputs('organization')).forensicUnitId;
    const filters = ['SERVICE_CONTROL_POLICY', 'RESOURCE_CONTROL_POLICY', 'TAG_POLICY'];
    const attached = await ask(undefined, 'organizations', ...filters.map((Filter): Call => ['list_policies_for_target', { TargetId, Filter }]));
    expect(attached.map(({ Policies }) => Policies.map(({ Name }: Loose) => Name).toSorted())).to.deep.equal([['FullAWSAccess', 'cleanroom-seal-1', 'cleanroom-seal-2', 'cleanroom-seal-3'], ['RCPFullAWSAccess', 'cleanroom-perimeter'], ['cleanroom-case-tags']]);
    const [{ Parameter }] = (await askAws(emulated.moto, [{ region: 'us-east-1', service: 'ssm', method: 'get_parameter', params: { Name: sealParameterName({ prefix: 'cleanroom' }) } }])) as [Loose];
    expect(JSON.parse(Parameter.Value)).to.deep.equal({ sealed: true, reason: '' });
  });
}
