import { handlerRoleArn, memberRoleArn, roleArn, stateMachineArn, type Place } from '../../../modules/vocabulary/index.ts';
import { OWN, SECURITY_ACCOUNT, STRANGER } from './cast.ts';
import type { Group } from './group.ts';
import type { Principal } from './world.ts';

/** Who may put on which role, and what has to be shown for it. */
export function trustMatrixOf(place: Place, members: readonly string[]): readonly Group[] {
  const somebody: Principal = { arn: `arn:aws:iam::${SECURITY_ACCOUNT}:role/alice` };
  const onCall: Principal = { arn: `arn:aws:iam::${SECURITY_ACCOUNT}:role/security-on-call` };
  const broker: Principal = { arn: `arn:aws:iam::${SECURITY_ACCOUNT}:role/approvals/broker` };
  const workflow: Principal = { arn: roleArn(place, 'workflow') };
  const mfa = { 'aws:MultiFactorAuthPresent': 'true' };
  const forCase = { 'aws:RequestTag/CaseId': OWN, 'aws:TagKeys': ['CaseId'] };
  const approved = { ...forCase, 'aws:RequestTag/Requester': 'alice', 'aws:RequestTag/Approver': 'bob', 'aws:TagKeys': ['CaseId', 'Requester', 'Approver'] };
  const memberRole = memberRoleArn(place, members[0] ?? '');
  return [
    {
      promise: 'people put on a role with a second factor, and for one case',
      who: somebody,
      rows: [
        ['allow', 'sts:AssumeRole', roleArn(place, 'responder'), mfa],
        ['allow', 'sts:AssumeRole', roleArn(place, 'investigator'), { ...mfa, ...forCase }],
        ['allow', 'sts:TagSession', roleArn(place, 'investigator'), { ...mfa, ...forCase }],
        ['allow', 'sts:AssumeRole', roleArn(place, 'analyst'), { ...mfa, ...forCase }],
        ['deny', 'sts:AssumeRole', roleArn(place, 'responder')],
        ['deny', 'sts:AssumeRole', roleArn(place, 'responder'), { 'aws:MultiFactorAuthPresent': 'false' }],
        ['deny', 'sts:AssumeRole', roleArn(place, 'investigator'), forCase],
        ['deny', 'sts:AssumeRole', roleArn(place, 'investigator'), mfa],
        ['deny', 'sts:AssumeRole', roleArn(place, 'investigator'), { ...mfa, 'aws:RequestTag/CaseId': '', 'aws:TagKeys': ['CaseId'] }],
        ['deny', 'sts:AssumeRole', roleArn(place, 'data-custodian'), { ...mfa, ...forCase }],
        ['deny', 'sts:AssumeRole', roleArn(place, 'data-custodian'), { ...mfa, ...approved }],
        ['deny', 'sts:AssumeRole', roleArn(place, 'break-glass'), mfa],
        ['deny', 'sts:AssumeRole', roleArn(place, 'workflow'), mfa],
        ['deny', 'sts:AssumeRole', roleArn(place, 'collector'), mfa],
      ],
    },
    {
      promise: 'nobody becomes data custodian without a second person',
      who: broker,
      rows: [
        ['allow', 'sts:AssumeRole', roleArn(place, 'data-custodian'), approved],
        ['allow', 'sts:TagSession', roleArn(place, 'data-custodian'), approved],
        ['deny', 'sts:AssumeRole', roleArn(place, 'data-custodian'), { ...approved, 'aws:RequestTag/Approver': 'alice' }],
        ['deny', 'sts:AssumeRole', roleArn(place, 'data-custodian'), { ...approved, 'aws:RequestTag/Approver': 'Alice' }],
        ['deny', 'sts:AssumeRole', roleArn(place, 'data-custodian'), { ...approved, 'aws:RequestTag/Approver': undefined }],
        ['deny', 'sts:AssumeRole', roleArn(place, 'data-custodian'), { ...approved, 'aws:RequestTag/Requester': undefined }],
        ['deny', 'sts:AssumeRole', roleArn(place, 'data-custodian')],
        ['deny', 'sts:AssumeRole', roleArn(place, 'break-glass'), { ...mfa, ...approved }],
      ],
    },
    {
      promise: 'break-glass is for those on call, with a second factor',
      who: onCall,
      rows: [
        ['allow', 'sts:AssumeRole', roleArn(place, 'break-glass'), mfa],
        ['deny', 'sts:AssumeRole', roleArn(place, 'break-glass')],
        ['deny', 'sts:AssumeRole', roleArn(place, 'data-custodian'), { ...mfa, ...approved }],
      ],
    },
    {
      promise: 'the acquisition role is for the state machine, which shows its own ARN and nothing else',
      who: workflow,
      rows: [
        ['allow', 'sts:AssumeRole', memberRole, { 'sts:ExternalId': stateMachineArn(place) }],
        ['allow', 'sts:AssumeRole', memberRole, { 'sts:ExternalId': `${stateMachineArn(place)}/Volumes` }],
        ['deny', 'sts:AssumeRole', memberRole],
        ['deny', 'sts:AssumeRole', memberRole, { 'sts:ExternalId': `${stateMachineArn(place)}-other` }],
        ['deny', 'sts:AssumeRole', memberRole, { 'sts:ExternalId': stateMachineArn({ ...place, account: STRANGER }) }],
        ['deny', 'sts:AssumeRole', memberRole, { 'sts:ExternalId': 'example-external-id-shop', ...forCase }],
      ],
    },
    {
      promise: 'the acquisition role is for the functions that enter accounts, with the external id and a case',
      who: { arn: handlerRoleArn(place, 'preflight') },
      rows: [
        ['allow', 'sts:AssumeRole', memberRole, { 'sts:ExternalId': 'example-external-id-shop', ...forCase }],
        ['allow', 'sts:TagSession', memberRole, forCase],
        ['deny', 'sts:AssumeRole', memberRole, forCase],
        ['deny', 'sts:AssumeRole', memberRole, { 'sts:ExternalId': 'example-external-id-data', ...forCase }],
        ['deny', 'sts:AssumeRole', memberRole, { 'sts:ExternalId': 'example-external-id-shop' }],
        ['deny', 'sts:AssumeRole', memberRole, { 'sts:ExternalId': stateMachineArn(place) }],
      ],
    },
    {
      promise: 'the acquisition role is for no other function',
      who: { arn: handlerRoleArn(place, 'record') },
      rows: [['deny', 'sts:AssumeRole', memberRole, { 'sts:ExternalId': 'example-external-id-shop', ...forCase }]],
    },
  ];
}
