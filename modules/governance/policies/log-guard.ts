import { policyDocument, type PolicyDocument } from '../../policy.ts';
import { SESSION_PREFERENCES_DOCUMENT } from '../../vocabulary/index.ts';
import { unlessBreakGlass, type GuardrailContext } from './context.ts';

/** SCP: what records people is not switched off, shortened or redirected. */
export const denyLogTampering = (context: GuardrailContext): PolicyDocument =>
  policyDocument(
    {
      Sid: 'DenyLogTampering',
      Effect: 'Deny',
      Action: [
        'cloudtrail:DeleteTrail',
        'cloudtrail:PutEventSelectors',
        'cloudtrail:StopLogging',
        'cloudtrail:UpdateTrail',
        'cloudwatch:DeleteAlarms',
        'cloudwatch:DisableAlarmActions',
        // As rules below: what is written over an alarm, a filter of metrics or a subscription may be deaf.
        'cloudwatch:Put*Alarm',
        'cloudwatch:SetAlarmState',
        'config:DeleteConfigurationRecorder',
        'config:DeleteDeliveryChannel',
        'config:PutConfigurationRecorder',
        'config:PutDeliveryChannel',
        'config:PutRetentionConfiguration',
        'config:StopConfigurationRecorder',
        'ec2:DeleteFlowLogs',
        'events:DeleteRule',
        'events:DisableRule',
        // Both overwrite what is there: a rule can be made to match nothing, or to tell somebody else.
        'events:PutRule',
        'events:PutTargets',
        'events:RemoveTargets',
        'guardduty:DeleteDetector',
        'guardduty:Disassociate*',
        'guardduty:StopMonitoringMembers',
        'guardduty:UpdateDetector',
        'logs:AssociateKmsKey',
        'logs:DeleteLogGroup',
        'logs:DeleteLogStream',
        'logs:DeleteMetricFilter',
        'logs:DeleteRetentionPolicy',
        'logs:DisassociateKmsKey',
        // Both mask what is read.
        'logs:PutAccountPolicy',
        'logs:PutDataProtectionPolicy',
        'logs:PutMetricFilter',
        'logs:PutRetentionPolicy',
        'securityhub:DisableSecurityHub',
        'securityhub:Disassociate*',
        'sns:AddPermission',
        'sns:DeleteTopic',
        'sns:RemovePermission',
        'sns:SetSubscriptionAttributes',
        'sns:SetTopicAttributes',
        'sns:Unsubscribe',
      ],
      Resource: '*',
      Condition: unlessBreakGlass(context),
    },
    {
      Sid: 'DenySessionPreferenceChange',
      Effect: 'Deny',
      Action: ['ssm:CreateDocument', 'ssm:DeleteDocument', 'ssm:UpdateDocument*'],
      Resource: `arn:${context.partition}:ssm:*:*:document/${SESSION_PREFERENCES_DOCUMENT}`,
      Condition: unlessBreakGlass(context),
    },
  );
