#!/usr/bin/env node
/** The `cleanroom` command: what a responder does with cases. Declares the subcommands and turns every ending into an exit status. */
import { Command, CommanderError, Option } from 'commander';
import { EXIT, type ExitStatus } from '../modules/vocabulary/index.ts';
import { approveCase, cancelCase, releaseCase } from './commands/decide.ts';
import { listCases, showCase } from './commands/look.ts';
import { CHOICES, openCase, type OpenOptions } from './commands/open.ts';
import { watchCase } from './commands/watch.ts';
import { openContext, type Context, type GlobalOptions } from './context.ts';
import { asCliError } from './errors.ts';

const STATUSES = `
Exit status:
  0  done; of watch: every image is COMPLETE and verified
  1  FAILED, cancelled or refused; the message says what stays behind
  2  wrong arguments, or nothing of that name; nothing was changed
  3  of watch: PARTIAL, bad sectors that are all mapped
  4  AWS did not answer or did not allow it; nothing was changed
  5  interrupted; a case goes on without its watcher`;

const EXAMPLES = `
Examples:
  cleanroom case open --account 444455556666 --instance i-0123456789abcdef0 --reason "beaconing to a known host"
  cleanroom case watch 20260102T0304Z-cdef0
  cleanroom case approve 2026-014 --instance i-0123456789abcdef0 --reason "confirmed with the owner"
  cleanroom case release 2026-014

Credentials, Region and endpoints come from the environment, as for every AWS tool; use the responder role of the forensic
account. Cases are run in the Region that the suspect is in.`;

let status: ExitStatus = EXIT.complete;
const program = new Command('cleanroom').description('Forensic acquisition on AWS: open, follow and decide cases').exitOverride().showHelpAfterError('(see --help)');
program.addHelpText('after', `${EXAMPLES}\n${STATUSES}`);
const group = program.command('case').description('what a responder does with cases').addHelpText('after', `${EXAMPLES}\n${STATUSES}`);

/** Declares a subcommand with the options that all of them have. */
function command(name: string, description: string): Command {
  return group
    .command(name)
    .description(description)
    .addOption(new Option('--prefix <prefix>', 'prefix of the estate').env('CLEANROOM_PREFIX').default('cleanroom'))
    .option('--region <region>', 'forensic Region (default: AWS_REGION)')
    .option('--bucket <name>', "evidence bucket (default: the estate's)")
    .option('--json', 'one JSON object a line')
    .addHelpText('after', STATUSES);
}

const run = (work: (context: Context) => Promise<ExitStatus>) => async (options: GlobalOptions): Promise<void> => {
  status = await work(await openContext(options));
};

command('open', 'acquire the volumes of instances')
  .requiredOption('--account <id>', 'account that owns the instances')
  .requiredOption('--instance <id...>', 'instances to acquire')
  .requiredOption('--reason <text>', 'why; it becomes part of the record')
  .option('--case <id>', 'case to open or to add to (default: a new one)')
  .addOption(new Option('--approval <when>', "whether a second person has to approve; an estate's \"required\" stays").choices(CHOICES.approval))
  .option('--approval-minutes <n>', 'minutes in which somebody has to approve')
  .addOption(new Option('--containment <how>', 'what is done to the instance after its snapshots').choices(CHOICES.containment))
  .addOption(new Option('--volume-type <type>', 'type of the working volumes').choices(CHOICES.volumeType))
  .option('--deadline <minutes>', "minutes from the start of a volume's imaging to its manifest")
  .option('--volume <id...>', 'only these volumes (default: all)')
  .option('--again', 'start once more what FAILED or was CANCELLED')
  .action((options: GlobalOptions & OpenOptions) => run((context) => openCase(context, options))(options));

command('list', 'list cases, the latest first')
  .option('--open', 'only those that have not ended')
  .option('--limit <n>', 'at most so many', '50')
  .action((options: GlobalOptions & { open?: true; limit: string }) => run((context) => listCases(context, options))(options));

command('show <case>', 'show everything that is recorded of a case')
  .option('--instance <id>', 'only this instance')
  .action((caseId: string, options: GlobalOptions & { instance?: string }) => run((context) => showCase(context, caseId, options))(options));

command('watch <case>', 'follow a case until it has ended')
  .option('--instance <id>', 'only this instance')
  .option('--interval <seconds>', 'seconds between two looks', '5')
  .action((caseId: string, options: GlobalOptions & { instance?: string; interval: string }) => run((context) => watchCase(context, caseId, options))(options));

command('approve <case>', 'approve, or refuse, that a suspect is touched')
  .option('--instance <id>', 'which instance, where the case has several')
  .requiredOption('--reason <text>', 'why; it becomes part of the record')
  .option('--refuse', 'refuse instead')
  .action((caseId: string, options: GlobalOptions & { instance?: string; reason: string; refuse?: true }) => run((context) => approveCase(context, caseId, options))(options));

command('cancel <case>', 'stop an acquisition; what it made stays')
  .option('--instance <id>', 'which instance, where the case has several')
  .requiredOption('--reason <text>', 'why; it becomes part of the record')
  .action((caseId: string, options: GlobalOptions & { instance?: string; reason: string }) => run((context) => cancelCase(context, caseId, options))(options));

command('release <case>', 'undo what was done to a suspect: protection, isolation, standby')
  .option('--instance <id>', 'which instance, where the case has several')
  .option('--anyway', 'also while another case of the instance has not ended')
  .action((caseId: string, options: GlobalOptions & { instance?: string; anyway?: true }) => run((context) => releaseCase(context, caseId, options))(options));

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(EXIT.interrupted));
process.stdout.on('error', () => process.exit(status)); // whoever read has gone

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    status = error.exitCode === 0 ? EXIT.complete : EXIT.usage;
  } else {
    const { message, exit } = asCliError(error);
    if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify({ event: 'error', message, exit })}\n`);
    process.stderr.write(`cleanroom: ${message}\n`);
    if (process.env['CLEANROOM_DEBUG']) console.error(error);
    status = exit;
  }
}
process.exitCode = status;
