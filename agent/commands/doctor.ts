import { EXIT, type ExitStatus } from '../../modules/vocabulary/index.ts';
import { logsToCloudWatch } from '../config.ts';
import { doctor, isFit, printFindings } from '../doctor.ts';
import { logsClientFor, s3ClientFor, s3Location } from '../main.ts';
import type { CommandInput } from './session.ts';

/** `collector doctor`: whether this host and this destination are fit, each finding with what to do. Changes nothing. */
export async function doctorCommand({ config }: CommandInput): Promise<ExitStatus> {
  const s3 = s3Location(config.to) && (await s3ClientFor(config));
  const logs = logsToCloudWatch(config) ? await logsClientFor(config) : undefined;
  try {
    const findings = await doctor(config, { ...(s3 ? { s3 } : {}), ...(logs ? { logs } : {}) });
    process.stdout.write(printFindings(findings, { json: config.json }));
    return isFit(findings) ? EXIT.complete : EXIT.environment;
  } finally {
    s3?.destroy();
    logs?.destroy();
  }
}
