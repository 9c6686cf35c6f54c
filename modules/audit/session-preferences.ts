import { SsmDocument } from '@cdktf/provider-aws/lib/ssm-document/index.js';
import { Construct } from 'constructs';
import { SESSION_PREFERENCES_DOCUMENT } from '../vocabulary/index.ts';

export interface SessionPreferencesProps {
  /** Log group that sessions are streamed to as they happen. */
  readonly logGroupName: string;
  /** Bucket that keeps a session's transcript once it has ended. */
  readonly bucketName: string;
  /** Prefix of the transcripts, without a slash at its end. */
  readonly keyPrefix: string;
  /** Key that the session itself is encrypted with, on top of TLS. */
  readonly kmsKeyArn: string;
  /** @default 20 */
  readonly idleTimeoutMinutes?: number;
  /** @default 480 */
  readonly maxMinutes?: number;
}

/** Session Manager's preferences of an account and Region: every session is streamed, stored, encrypted and ends. */
export class SessionPreferences extends Construct {
  constructor(scope: Construct, id: string, props: SessionPreferencesProps) {
    super(scope, id);
    new SsmDocument(this, 'Resource', {
      name: SESSION_PREFERENCES_DOCUMENT,
      documentType: 'Session',
      documentFormat: 'JSON',
      content: JSON.stringify({
        schemaVersion: '1.0',
        description: 'Sessions are logged. Managed as code: changes made by hand are reverted and alerted.',
        sessionType: 'Standard_Stream',
        inputs: {
          s3BucketName: props.bucketName,
          s3KeyPrefix: props.keyPrefix,
          s3EncryptionEnabled: true,
          cloudWatchLogGroupName: props.logGroupName,
          cloudWatchEncryptionEnabled: true,
          cloudWatchStreamingEnabled: true,
          kmsKeyId: props.kmsKeyArn,
          runAsEnabled: false,
          runAsDefaultUser: '',
          idleSessionTimeout: String(props.idleTimeoutMinutes ?? 20),
          maxSessionDuration: String(props.maxMinutes ?? 480),
          shellProfile: { linux: '', windows: '' },
        },
      }),
    });
  }
}
