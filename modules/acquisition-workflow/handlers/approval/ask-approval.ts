import { PublishCommand, type SNSClient } from '@aws-sdk/client-sns';
import { z } from 'zod';
import { AcquisitionInput, CostAndTime } from '../../../vocabulary/index.ts';
import type { AskApprovalInput, AskApprovalOutput, RecordInput, RecordOutput } from '../contract.ts';

export type AskApprovalDependencies = {
  readonly record: (event: RecordInput) => Promise<RecordOutput>;
  readonly sns: SNSClient;
  readonly topicArn: string;
  readonly now: () => Date;
};

const Input = z.strictObject({ input: AcquisitionInput, token: z.string().min(1).max(2048), expiresAt: z.iso.datetime(), estimate: CostAndTime });

/**
 * Puts the question to people: the token goes into the record, where the command finds it, and a notification says what is
 * asked. The token itself is in no message. Nothing is done to the suspect until somebody approves.
 */
export const askApproval = ({ record, sns, topicArn, now }: AskApprovalDependencies) => async (event: AskApprovalInput): Promise<AskApprovalOutput> => {
  const { input, token, expiresAt, estimate } = Input.parse(event);
  const expires = new Date(expiresAt).toISOString();
  await record({ input, change: { kind: 'approval-asked', at: now().toISOString(), token, expiresAt: expires } });
  await sns.send(new PublishCommand({ TopicArn: topicArn, Subject: subjectOf(input), Message: questionOf(input, expires, estimate) }));
  return { asked: true };
};

/** SNS takes 100 characters of ASCII. */
const subjectOf = ({ caseId, instanceId }: AcquisitionInput): string => `Approve? Case ${caseId}, ${instanceId}`.slice(0, 100);

/** Everything in it is printable ASCII already: the input's schema takes nothing else. */
function questionOf({ caseId, instanceId, account, region, requester, reason, trigger, options }: AcquisitionInput, expires: string, { seconds, usd }: CostAndTime): string {
  return [
    `Case ${caseId} asks to acquire ${instanceId} of account ${account} in ${region}.`,
    `Requested by: ${requester}`,
    `Reason: ${reason}`,
    ...(trigger.title ? [`Finding (its own words): ${trigger.title.escaped}`] : []),
    `Containment: ${options.containment === 'isolate' ? 'the instance will be isolated after its snapshots' : 'none'}`,
    `Estimate: ${Math.ceil(seconds / 60)} minutes, ${usd.toFixed(2)} USD`,
    '',
    `To approve: cleanroom case approve ${caseId} --instance ${instanceId} --reason "..."`,
    `To refuse:  cleanroom case approve ${caseId} --instance ${instanceId} --refuse --reason "..."`,
    `Without a decision until ${expires} it ends as CANCELLED.`,
  ].join('\n');
}
