import { type AcquisitionRecord, EXIT, isEnded, type ExitStatus } from '../../modules/vocabulary/index.ts';
import type { Context } from '../context.ts';
import { CliError } from '../errors.ts';
import { caseLine, caseLines } from '../print.ts';
import { instanceOf, readAcquisition, readCase, readCases, readCustody, type Custody } from '../read-records.ts';

/** Lists the cases of the bucket, the latest first. */
export async function listCases(context: Context, { open, limit }: { readonly open?: true; readonly limit: string }): Promise<ExitStatus> {
  const most = Number(limit);
  if (!Number.isInteger(most) || most < 1) throw new CliError(`--limit: "${limit}" is no number of cases; 1 or more is allowed`, EXIT.usage);
  const { records, unreadable } = await readCases(context);
  const shown = records
    .filter(({ instances }) => !open || Object.values(instances).some(({ status }) => !isEnded(status)))
    .toSorted((a, b) => b.openedAt.localeCompare(a.openedAt))
    .slice(0, most);
  for (const record of shown) {
    context.tell({ event: 'case', ...record });
    context.say(caseLine(record));
  }
  // A case that cannot be read may be open: to leave it out would say that it is not.
  for (const { caseId, problem } of unreadable) {
    context.tell({ event: 'case.unreadable', caseId, problem });
    context.say(`${caseId}  cannot be read: ${problem}`);
  }
  if (shown.length === 0 && unreadable.length === 0) context.say(open ? 'No case is open.' : 'There are no cases.');
  return unreadable.length > 0 ? EXIT.failed : EXIT.complete;
}

/** Shows everything that is recorded of a case. Tokens of open questions are not shown. */
export async function showCase(context: Context, caseId: string, { instance }: { readonly instance?: string }): Promise<ExitStatus> {
  const record = await readCase(context, caseId);
  const wanted = instance === undefined ? Object.keys(record.instances) : [instanceOf(record, instance)];
  const acquisitions = new Map<string, AcquisitionRecord>();
  const custody = new Map<string, Custody>();
  for (const instanceId of wanted) {
    const acquisition = await readAcquisition(context, caseId, instanceId);
    if (acquisition) acquisitions.set(instanceId, { ...acquisition, approvals: acquisition.approvals.map(({ token: _, ...approval }) => approval) });
    const log = await readCustody(context, caseId, instanceId);
    if (log) custody.set(instanceId, log);
  }
  const shown = { ...record, instances: Object.fromEntries(Object.entries(record.instances).filter(([id]) => wanted.includes(id))) };
  context.tell({ event: 'case', ...shown, acquisitions: Object.fromEntries(acquisitions), custody: Object.fromEntries(custody) });
  for (const line of caseLines(shown, acquisitions, custody)) context.say(line);
  return EXIT.complete;
}
