#!/usr/bin/env node
/** The `collector` command: declares the subcommands, loads the configuration, turns every ending into an exit status. */
// oxlint-disable-next-line import/no-unassigned-import -- it has to be first, and has nothing to give
import './small-heap.ts';
import { Command, CommanderError } from 'commander';
import { EXIT, type ExitStatus } from '../modules/vocabulary/index.ts';
import { ConfigError, flagsOf, loadConfig, printConfig, printSize, readConfig, type CollectorCommand, type ConfigKey } from './config.ts';
import { AGAIN, asShortage, endOf, messageOf, StageError, toldOf } from './errors.ts';
import { bootSlabThread } from './adapters/slab-thread.ts';
import type { CommandInput } from './commands/session.ts';
import { endByForce, endNow, endThough } from './ending.ts';
import { VERSION } from './version.ts';

const STATUSES = `
Exit status:
  0  COMPLETE, verified, or nothing wrong
  1  FAILED: no image may be believed; what was stored stays and can be resumed where the message says so
  2  wrong arguments or configuration; nothing was touched
  3  PARTIAL, of run and collect: bad sectors, all of them mapped in the manifest; verify ends with 0 where it is as recorded
  4  this host or the destination is not fit, or what is stored may not be read; nothing was completed
  5  interrupted; start the same command again to resume`;

/** Codes of failures that lie in what was asked for. */
const USAGE = new Set(['COLLECTED', 'EXISTS', 'LAYOUT', 'LAYOUT_DIFFERS', 'SOURCE_DIFFERS']);
/** Codes of failures that lie in the host or the destination. */
const ENVIRONMENT = new Set(['DC3DD_MISSING', 'HASH_SELF_TEST', 'BUSY', 'NO_DESCRIPTORS', 'NO_PROCESSES', 'PATH_UNSAFE', 'SCRATCH_UNFIT', 'INSTANCE_METADATA', 'NO_DISKSEQ']);

function exitOf(error: unknown): ExitStatus {
  if (!(error instanceof StageError)) return EXIT.failed;
  if (error.code === 'INTERRUPTED') return EXIT.interrupted;
  if (error.stage === 'open' || ENVIRONMENT.has(error.code) || error.code.startsWith('STORE_')) return EXIT.environment;
  if (error.stage === 'configure' || error.stage === 'identify' || USAGE.has(error.code)) return EXIT.usage;
  return EXIT.failed;
}

let isTold = false;

/** One line: what happened, what is safe, what to do. Only a wrong configuration takes more, a line for each problem. */
function report(error: unknown, json: boolean): void {
  if (isTold) return; // it is ending already, and waits only for the kernel
  isTold = true;
  const { code, stage, safe, advice } = toldOf(error);
  const problems = error instanceof ConfigError ? error.problems : undefined;
  const message = error instanceof ConfigError ? error.message : messageOf(error);
  if (json) process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), level: 'error', event: 'error', code, stage, message, safe, advice, problems })}\n`);
  process.stderr.write(`collector: ${message}${problems ? '\n' : '. '}${safe} ${advice}\n`);
  if (!(error instanceof StageError) && process.env['CLEANROOM_DEBUG']) console.error(error);
}

/** Longest time between a signal and the end. */
const END_AFTER_MS = 10_000;

/** SIGTERM, SIGINT and SIGHUP (a terminal that closes) end the work, which what stores makes resumable; the second SIGINT ends it now. */
function interruption(json: () => boolean, stores: boolean): AbortSignal {
  const controller = new AbortController();
  let interrupts = 0;
  const stop = (signal: NodeJS.Signals): void => {
    if (signal === 'SIGINT' && ++interrupts === 2) endByForce();
    const advice = stores ? 'Start the same command again: what was stored is taken over.' : AGAIN;
    const reason = new StageError('acquire', 'INTERRUPTED', `interrupted by ${signal}`, { retryable: true, advice });
    // What does not listen, or waits for a disk or a server that never answers, is not waited for.
    const end = (): void => {
      report(reason.leaving('What was stored stays as it is.'), json());
      process.exitCode ??= EXIT.interrupted; // what has ended as something else is only waited for
      endNow();
    };
    if (!controller.signal.aborted) setTimeout(end, END_AFTER_MS).unref();
    controller.abort(reason);
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  process.on('SIGHUP', stop);
  return controller.signal;
}

/** A subcommand as it is declared; its flags come from the schema. */
type Subcommand = {
  readonly name: CollectorCommand;
  /** The positional argument, as commander writes it. */
  readonly argument?: string;
  readonly summary: string;
  readonly examples: readonly string[];
  /** Settings that it cannot do without. */
  readonly required?: readonly ConfigKey[];
  /** Its module is loaded when it is called: the SDK alone takes longer to load than `devices` to answer. */
  readonly load: () => Promise<(input: CommandInput, argument: string) => Promise<ExitStatus>>;
};

/** For what images: other programs identify dc3dd, and the reading thread boots, while this one loads the rest of itself. */
const withTool = (load: Subcommand['load']): Subcommand['load'] => async () => {
  const { inspectDc3dd } = await import('./adapters/dc3dd-tool.ts');
  const tool = inspectDc3dd();
  tool.catch(() => {}); // told by whoever awaits it
  bootSlabThread();
  const command = await load();
  return (input, argument) => command({ ...input, tool }, argument);
};

const SUBCOMMANDS: readonly Subcommand[] = [
  {
    name: 'run',
    summary: 'watch, and image every eligible disk that is attached or appears',
    examples: [
      'collector run --case 2026-014 --to s3://evidence-active',
      'collector run --case lab --to /mnt/evidence --once',
      'collector run --case 2026-014 --to s3://evidence-active --parallel 4 --json',
    ],
    required: ['caseId'],
    load: withTool(async () => (await import('./commands/run.ts')).runCommand),
  },
  {
    name: 'collect',
    argument: '<source>',
    summary: 'image one disk or image file, now',
    examples: [
      'collector collect /dev/nvme1n1 --case 2026-014 --to s3://evidence-active',
      'collector collect disk.img --case lab --volume vol-0123456789abcdef0 --to ./evidence',
      'collector collect /dev/sdb --case lab --to s3://lab --endpoint https://minio.lab:9000 --part-checksum md5',
    ],
    required: ['caseId'],
    load: withTool(async () => (await import('./commands/collect.ts')).collectCommand),
  },
  {
    name: 'verify',
    argument: '<location>',
    summary: 'read what is stored, recompute everything, name what differs',
    examples: ['collector verify ./evidence', 'collector verify s3://evidence-active --case 2026-014 --json'],
    load: async () => (await import('./commands/verify.ts')).verifyCommand,
  },
  {
    name: 'uploads',
    argument: '<location>',
    summary: 'list unfinished uploads, with their age, size and what to do',
    examples: ['collector uploads ./evidence', 'collector uploads s3://evidence-active --case 2026-014 --json'],
    load: async () => (await import('./commands/uploads.ts')).uploadsCommand,
  },
  {
    name: 'devices',
    summary: 'list every block device, and whether it would be imaged',
    examples: ['collector devices', 'collector devices --json'],
    load: async () => (await import('./commands/devices.ts')).devicesCommand,
  },
  {
    name: 'doctor',
    summary: 'check this host and this destination before they are needed',
    examples: ['collector doctor --to s3://evidence-active', 'collector doctor --to ./evidence --json'],
    load: async () => (await import('./commands/doctor.ts')).doctorCommand,
  },
];

type OwnFlags = { readonly config?: string; readonly printConfig?: boolean };

function declare(program: Command, { name, argument, summary, examples, required = [], load }: Subcommand): void {
  const command = program.command(argument === undefined ? name : `${name} ${argument}`).description(summary);
  command.addHelpText('after', `\nExamples:\n${examples.map((line) => `  ${line}`).join('\n')}\n${STATUSES}`);
  for (const { key, flag, description, allowed, fallback, variable, kind } of flagsOf(name)) {
    const unset = fallback === undefined || typeof fallback === 'boolean' || fallback === '';
    const shown = required.includes(key) ? ' (needed)' : unset ? '' : ` (default: ${kind === 'size' ? printSize(Number(fallback)) : String(fallback)})`;
    const limits = kind === 'switch' || kind === 'choice' ? '' : `; ${allowed}`; // a choice is in the flag itself
    command.option(flag, `${description}${limits}${shown} [${variable}${fallback === true ? '=false' : ''}]`);
  }
  command.option('--config <file>', 'settings file (default: /etc/cleanroom/collector.json where it is there) [CLEANROOM_CONFIG]');
  command.option('--print-config', 'print every setting and where it comes from, and do nothing');
  command.action(async () => {
    const { config: filePath, printConfig: printOnly, ...rest } = command.opts<OwnFlags>();
    const flags = Object.fromEntries(Object.entries(rest).filter(([key]) => command.getOptionValueSource(key) === 'cli'));
    const location = argument === '<location>' ? command.args[0] : undefined;
    let json = flags['json'] === true; // until the other sources are read
    const signal = interruption(() => json, required.includes('caseId')); // the instance's metadata may take a while too
    try {
      const input = { command: name, flags, ...(location === undefined ? {} : { location }), env: process.env, ...(filePath === undefined ? {} : { filePath }) };
      if (printOnly) {
        const { config, origins, problems } = await readConfig(input);
        const isWrong = problems.length > 0;
        // Two documents are no JSON: a program gets the problems, a person the values beside them.
        if (!isWrong || !config.json) process.stdout.write(printConfig(config, origins, { json: config.json }));
        if (isWrong) throw new ConfigError(problems, { shows: true, json: config.json });
        return;
      }
      const { config, metadata } = await loadConfig({ ...input, required });
      json = config.json;
      const work = await load();
      signal.throwIfAborted();
      process.exitCode = await work({ config, metadata, signal }, command.args[0] ?? '');
    } catch (thrown) {
      // An acquisition that says itself that it was interrupted also says what it leaves.
      const told = thrown instanceof StageError && thrown.code === 'INTERRUPTED' ? thrown : endOf(thrown, signal);
      const error = asShortage(told); // loading the command's module may be what failed
      report(error, json || (error instanceof ConfigError && error.json));
      process.exitCode = exitOf(error);
    }
  });
}

function collector(): Command {
  const command = new Command('collector')
    .description('Images disks bit for bit, proves that what was stored is what was read, and says so only then.')
    .version(VERSION)
    .showHelpAfterError('(see --help)')
    .exitOverride()
    .addHelpText('after', `\nEach command has its own --help with examples.\n${STATUSES}`);
  for (const subcommand of SUBCOMMANDS) declare(command, subcommand);
  return command;
}

// A file that grows over a limit (ulimit -f) is an error of its write, as a full disk is; the signal would end the process without a word.
process.on('SIGXFSZ', () => {});
// A reader that went away (EPIPE), or a terminal (EIO), is no reason to stop an acquisition, or to stop it out of order.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
try {
  await collector().parseAsync();
  endThough();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? EXIT.complete : EXIT.usage;
}
