/** Events as EventBridge delivers them, with the fields that AWS documents; ids are made up. */
const MEMBER = '444455556666';
const REGION = 'eu-central-1';
const INSTANCE = 'i-0123456789abcdef0';
export const FINDING = '16afba5c5c43e07c9e3e5e2e544e95df';
export const FINDING_ARN = `arn:aws:guardduty:${REGION}:${MEMBER}:detector/ccafba5c5c43e07c9e3e5e2e544e95ff/finding/${FINDING}`;

const envelope = (source: string, detailType: string, detail: object) => ({
  version: '0', id: 'cd2d702e-ab31-411b-9344-793ce56b1bc7', 'detail-type': detailType, source, account: MEMBER, time: '2026-01-02T03:04:05Z', region: REGION, resources: [] as string[], detail,
});

const instance = {
  instanceId: INSTANCE, instanceType: 'm6i.large', launchTime: '2026-01-01T00:00:00Z', platform: null, productCodes: [], availabilityZone: `${REGION}a`, imageId: 'ami-0123456789abcdef0',
  iamInstanceProfile: { arn: `arn:aws:iam::${MEMBER}:instance-profile/web`, id: 'AIPAEXAMPLE' }, tags: [{ key: 'Name', value: '\u202e$(reboot)' }],
  networkInterfaces: [{ networkInterfaceId: 'eni-0123456789abcdef0', privateIpAddress: '10.0.0.1', securityGroups: [{ groupId: 'sg-0123456789abcdef0', groupName: 'web' }] }],
};

export const guardDuty = (edit: { detail?: object; service?: object; resource?: object } = {}) =>
  envelope('aws.guardduty', 'GuardDuty Finding', {
    schemaVersion: '2.0', accountId: MEMBER, region: REGION, partition: 'aws', id: FINDING, arn: FINDING_ARN, type: 'Backdoor:EC2/C&CActivity.B',
    resource: { resourceType: 'Instance', instanceDetails: instance, ...edit.resource },
    service: {
      serviceName: 'guardduty', detectorId: 'ccafba5c5c43e07c9e3e5e2e544e95ff', resourceRole: 'ACTOR', count: 3, archived: false,
      action: { actionType: 'NETWORK_CONNECTION', networkConnectionAction: { connectionDirection: 'OUTBOUND', remoteIpDetails: { ipAddressV4: '198.51.100.0' } } },
      additionalInfo: { value: '{}', type: 'default' },
      ...edit.service,
    },
    severity: 8, createdAt: '2026-01-02T03:00:00.000Z', updatedAt: '2026-01-02T03:04:00.000Z',
    title: `EC2 instance ${INSTANCE} is communicating with a C&C server.`, description: 'It is.',
    ...edit.detail,
  });

export const dnsFinding = () =>
  guardDuty({ detail: { type: 'CryptoCurrency:EC2/BitcoinTool.B!DNS' }, service: { resourceRole: 'TARGET', action: { actionType: 'DNS_REQUEST', dnsRequestAction: { domain: 'pool.example' } } } });
export const runtimeFinding = () => guardDuty({ detail: { type: 'Execution:Runtime/NewBinaryExecuted' }, service: { resourceRole: 'TARGET', action: undefined, runtimeDetails: {} } });
export const bruteForced = () => guardDuty({ detail: { type: 'UnauthorizedAccess:EC2/SSHBruteForce' }, service: { resourceRole: 'TARGET' } });

export const stolenCredentials = () =>
  guardDuty({
    detail: { type: 'UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS' },
    resource: { resourceType: 'AccessKey', instanceDetails: undefined, accessKeyDetails: { accessKeyId: 'ASIAEXAMPLE', principalId: `AROAEXAMPLEID:${INSTANCE}`, userType: 'AssumedRole', userName: 'web' } },
    service: { resourceRole: 'TARGET', action: { actionType: 'AWS_API_CALL', awsApiCallAction: { api: 'ListBuckets' } } },
  });

export const attackSequence = () =>
  guardDuty({
    detail: { type: 'AttackSequence:EC2/CompromisedInstanceGroup', severity: 9 },
    resource: { resourceType: 'AttackSequence', instanceDetails: undefined },
    service: {
      action: undefined,
      detection: {
        sequence: {
          uid: FINDING, description: 'Several hosts', signals: [],
          resources: [
            { uid: `arn:aws:ec2:${REGION}:${MEMBER}:instance/i-0aaaaaaaaaaaaaaaa`, resourceType: 'EC2_INSTANCE', accountId: MEMBER, region: REGION, service: 'ec2' },
            { uid: 'i-0bbbbbbbbbbbbbbbb', resourceType: 'EC2_INSTANCE', accountId: MEMBER, region: REGION, service: 'ec2' },
            { uid: `arn:aws:ec2:${REGION}:${MEMBER}:instance/i-0aaaaaaaaaaaaaaaa`, resourceType: 'EC2_INSTANCE', accountId: MEMBER, region: REGION, service: 'ec2' },
            { uid: `arn:aws:iam::${MEMBER}:instance-profile/web`, resourceType: 'IAM_INSTANCE_PROFILE', accountId: MEMBER, region: REGION, service: 'iam' },
          ],
        },
      },
    },
  });

export const asffFinding = (edit: object = {}) => ({
  SchemaVersion: '2018-10-08', Id: FINDING_ARN, ProductArn: `arn:aws:securityhub:${REGION}::product/aws/guardduty`, ProductName: 'GuardDuty', CompanyName: 'Amazon', Region: REGION,
  GeneratorId: 'arn:aws:guardduty:detector', AwsAccountId: MEMBER, Types: ['TTPs/Command and Control/Backdoor:EC2-C&CActivity.B'], Title: 'C&C',
  Severity: { Product: 8, Label: 'HIGH', Normalized: 70, Original: '8' }, Description: 'It is.',
  Resources: [{ Type: 'AwsEc2Instance', Id: `arn:aws:ec2:${REGION}:${MEMBER}:instance/${INSTANCE}`, Partition: 'aws', Region: REGION, Details: { AwsEc2Instance: { Type: 'm6i.large' } } }],
  Workflow: { Status: 'NEW' }, WorkflowState: 'NEW', RecordState: 'ACTIVE', ...edit,
});
export const asffImported = (edit: object = {}) => envelope('aws.securityhub', 'Security Hub Findings - Imported', { findings: [asffFinding(edit)] });
export const actionArn = (id: string): string => `arn:aws:securityhub:${REGION}:111122223333:action/custom/${id}`;
export const asffAction = (...edits: object[]) => ({
  ...envelope('aws.securityhub', 'Security Hub Findings - Custom Action', { actionName: 'Acquire', actionDescription: 'Acquire', findings: (edits.length === 0 ? [{}] : edits).map(asffFinding) }),
  resources: [actionArn('acmeAcquire')],
});

export const ocsfImported = (edit: object = {}) =>
  envelope('aws.securityhub', 'Findings Imported V2', {
    findings: [
      {
        activity_id: 1, activity_name: 'Create', category_name: 'Findings', class_name: 'Detection Finding', class_uid: 2004, cloud: { account: { uid: MEMBER }, provider: 'AWS', region: REGION },
        finding_info: { uid: FINDING_ARN, title: 'C&C', types: ['Backdoor:EC2/C&CActivity.B'] },
        metadata: { uid: 'a'.repeat(64), product: { name: 'GuardDuty', uid: `arn:aws:securityhub:${REGION}::productv2/aws/guardduty`, vendor_name: 'Amazon' }, version: '1.6.0' },
        resources: [{ type: 'AWS::EC2::Instance', uid: `arn:aws:ec2:${REGION}:${MEMBER}:instance/${INSTANCE}`, region: REGION, owner: { account: { uid: MEMBER } } }],
        severity: 'High', severity_id: 4, status: 'New', status_id: 1, ...edit,
      },
    ],
  });

export const tagged = (edit: { key?: string; value?: string; detail?: object } = {}) =>
  envelope('aws.ec2', 'AWS API Call via CloudTrail', {
    eventVersion: '1.10', eventName: 'CreateTags', eventSource: 'ec2.amazonaws.com', awsRegion: REGION, eventID: '01234567-89ab-4cde-8f01-23456789abcd', recipientAccountId: MEMBER,
    userIdentity: { type: 'AssumedRole', arn: `arn:aws:sts::${MEMBER}:assumed-role/operator/ann`, accountId: MEMBER },
    requestParameters: { resourcesSet: { items: [{ resourceId: INSTANCE }, { resourceId: 'vol-0123456789abcdef0' }] }, tagSet: { items: [{ key: 'Name', value: 'web' }, { key: edit.key ?? 'cleanroom:acquire', value: edit.value ?? 'looks odd' }] } },
    responseElements: { _return: true }, ...edit.detail,
  });
