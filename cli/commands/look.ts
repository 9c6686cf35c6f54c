import { type AcquisitionRecord, EXIT, isEnded, type CaseRecord, type ExitStatus } from '../../modules/vocabulary/index.ts';
import type { Context } from '../context.ts';
import { CliError } from '../errors.ts';
import { caseLine, caseLines } from '../print.ts';
import { caseIds, instanceOf, readAcquisition, readCase, readCustody, type Custody } from '../read-records.ts';

const AT_ONCE = 8;

/** Lists the cases of the bucket, the latest first. */
export async function listCases(context: Context, { open, limit }: { readonly open?: true; readonly limit: string }): Promise<ExitStatus> {
  const most = Number(limit);
  if (!Number.isInteger(most) || most < 1) throw new CliError(`--limit: "${limit}" is no number of cases; 1 or more is allowed`, EXIT.usage);
  const ids = await Array.fromAsync(caseIds(context));
  const records: CaseRecord[] = [];
  const unreadable: { readonly caseId: string; readonly problem: string }[] = [];
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const some = ids.slice(at, at + AT_ONCE);
    const read = await Promise.allSettled(some.map((caseId) => readCase(context, caseId)));
    for (const [index, one] of read.entries()) {
      if (one.status === 'fulfilled') records.push(one.value);
      else if (!(one.reason instanceof CliError)) throw one.reason;
      else if (one.reason.exit !== EXIT.usage) unreadable.push({ caseId: some[index]!, problem: one.reason.message }); // else a prefix without a record, which is no case
    }
  }
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
