import { EXIT, type ExitStatus } from '../../modules/vocabulary/index.ts';
import { openStore } from '../main.ts';
import { exitForVerify, printVerifyReport } from '../stages/verify-report.ts';
import { verifyEvidence } from '../stages/verify.ts';
import { NO_PROGRESS, ProgressBar } from '../terminal.ts';
import type { CommandInput } from './session.ts';

/** `collector verify`: reads what is stored, recomputes everything, and names what differs. Changes nothing. */
export async function verifyCommand({ config: configured, signal }: CommandInput, location: string): Promise<ExitStatus> {
  const config = { ...configured, to: location };
  const store = await openStore(config, true);
  const bar = !config.json && process.stderr.isTTY === true && config.progress ? new ProgressBar('verify') : NO_PROGRESS;
  try {
    const filter = { ...(config.caseId === undefined ? {} : { caseId: config.caseId }), ...(config.volumeId === undefined ? {} : { exhibitId: config.volumeId }) };
    const report = await verifyEvidence(store, { ...filter, onProgress: ({ exhibitId, bytes, total }) => bar.update(exhibitId, { total, read: bytes, stored: bytes }) }, signal);
    bar.stop();
    if (config.json) process.stdout.write(`${JSON.stringify(report)}\n`);
    else printVerifyReport(report, (line) => void process.stdout.write(`${line}\n`));
    return report.exhibits.length === 0 ? EXIT.usage : exitForVerify(report);
  } finally {
    bar.stop();
    await store.close();
  }
}
