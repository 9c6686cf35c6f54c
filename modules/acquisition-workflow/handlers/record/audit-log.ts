import { type CloudWatchLogsClient, CreateLogStreamCommand, PutLogEventsCommand, ResourceAlreadyExistsException } from '@aws-sdk/client-cloudwatch-logs';
import type { RecordDependencies } from './record.ts';

/** Writes summaries to the audit log group, a stream a case. @throws what CloudWatch answers: a close that is not in the log is tried again */
export const auditLog = (client: CloudWatchLogsClient, logGroupName: string): RecordDependencies['audit'] => async ({ caseId }, lines) => {
  const logStreamName = `case-${caseId}`;
  try {
    await client.send(new CreateLogStreamCommand({ logGroupName, logStreamName }));
  } catch (error) {
    if (!(error instanceof ResourceAlreadyExistsException)) throw error;
  }
  const timestamp = Date.now();
  await client.send(new PutLogEventsCommand({ logGroupName, logStreamName, logEvents: lines.map((line) => ({ timestamp, message: JSON.stringify(line) })) }));
};
