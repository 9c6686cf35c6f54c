import { TerraformStack } from 'cdktf';
import type { Construct } from 'constructs';
import { LogArchive, type LogArchiveProps } from '../modules/audit/log-archive.ts';
import { output } from './publish.ts';

/** In the log-archive account, one a Region: where trails, configuration records and session transcripts go. */
export class LogArchiveStack extends TerraformStack {
  constructor(scope: Construct, id: string, props: LogArchiveProps) {
    super(scope, id);
    const archive = new LogArchive(this, 'LogArchive', props);
    output(this, 'bucket', archive.bucketName);
    output(this, 'keyArn', archive.keyArn);
  }
}
