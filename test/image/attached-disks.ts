/**
 * Two disks are attached while the machine runs, both are imaged to an S3 server on a network where nothing else answers, the
 * service's sandbox is attacked from inside, and the machine powers itself off.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MiB } from '../../modules/vocabulary/index.ts';
import { sha256Of } from '../../scripts/bundle/archive.ts';
import { makeExt4, makeRaw } from '../../scripts/lab/disks.ts';
import { bootFiles, makeDisk, makeGuest } from './guest-root.ts';
import { PATIENCE_MS, startMachine, until, type Machine } from './machine.ts';
import type { Platform } from './platform.ts';
import { ENVIRONMENT, FORBIDDEN, GUEST, HOST, SETTINGS, TAP, TO_BUCKET, type Site } from './site.ts';
import { check, keep, say, stopwatch, tally } from './tally.ts';

const CASE = 'image-1';

export type Parts = {
  readonly platform: Platform;
  /** Debian's root file system. */
  readonly base: string;
  /** The collector's archive. */
  readonly archive: string;
  /** Folder for disks and sockets, removed by the caller. */
  readonly folder: string;
};

type Attack = { readonly what: string; readonly answer: string };

const attacksIn = (console: string): Attack[] =>
  [...console.matchAll(/ATTACK[\t ]+([^\t\r\n]+?)[\t ]+(\S+)\r?\n/g)].map((match) => ({ what: match[1]!.trim(), answer: match[2]! }));

/**
 * What counts as refused: everything but success, and but an answer that says that the attempt itself was wrong. What is hidden
 * from the service is not there for it.
 */
const isRefused = ({ what, answer }: Attack): boolean =>
  answer !== 'SUCCEEDED' && !['EFAULT', 'EINVAL', 'ENOSYS', 'ESRCH', 'ETIMEDOUT'].includes(answer) && (answer !== 'ENOENT' || /in \/tmp$|process 1|the collector's memory$/.test(what));

function checkAttacks(attacks: readonly Attack[]): void {
  check('every attack was made', attacks.at(-1)?.what === 'end' && attacks.length > 60, `${attacks.length}, the last one "${attacks.at(-1)?.what}"`);
  say('\n| attempt from inside the sandbox | answer |\n|---|---|');
  for (const attack of attacks.slice(0, -1)) {
    const isControl = attack.what.startsWith('control: ');
    say(`| ${attack.what} | ${attack.answer} |`);
    if (isControl ? attack.answer === 'SUCCEEDED' : isRefused(attack)) keep();
    else check(`${isControl ? '' : 'refused: '}${attack.what}`, false, attack.answer);
  }
}

export async function attachedDisks(site: Site, { platform, base, archive, folder }: Parts): Promise<void> {
  let machine: Machine | undefined;
  const note = stopwatch();
  try {
    const root = join(folder, 'root');
    await makeGuest({
      platform, base, root, archive, address: GUEST,
      settings: { ...SETTINGS, caseId: CASE, to: TO_BUCKET, heartbeatSeconds: 10, idleSeconds: 30, parallel: 2 },
      environment: ENVIRONMENT,
      attack: ['/dev/nvme0n1', '/dev/vda', `${HOST}:443`, FORBIDDEN],
    });
    const disk = join(folder, 'disk.img');
    await makeDisk(root, disk);
    await rm(root, { recursive: true });
    const labelled = await makeExt4(join(folder, 'labelled.img'), { label: 'SUSPECT' });
    const unlabelled = await makeRaw(join(folder, 'unlabelled.img'), 24 * MiB);
    const before = await Promise.all([labelled, unlabelled].map(sha256Of));

    note('the machine starts');
    machine = await startMachine({ platform, ...(await bootFiles(base)), disk: { file: disk, cache: 'unsafe' }, tap: TAP, monitor: join(folder, 'monitor'), timeoutMs: 2 * PATIENCE_MS });
    await until('the collector says that it is ready', machine, async () => (await site.records('readiness', CASE)).find(({ event }) => event === 'collector.started'));
    note('the collector is ready');
    await machine.attach(labelled, 'vol0123456789abcdef0');
    await machine.attach(unlabelled, 'vol0123456789abcdef1');
    note('a labelled and an unlabelled disk are attached');
    await until('both disks are imaged', machine, async () => ((await site.records('audit', CASE)).length === 2 ? true : undefined));
    note('both disks are imaged');
    const exit = await machine.ended;
    note('the machine is off\n');

    const console = machine.console();
    const last = (await site.records('readiness', CASE)).at(-1);
    const stored = await site.images();
    const after = await Promise.all([labelled, unlabelled].map(sha256Of));
    check('the machine powered itself off', exit === 0 && /reboot: Power down/.test(console), console.slice(-2000));
    check('the last thing it said was that it stopped, done', last?.event === 'collector.stopped' && last.reason === 'done', JSON.stringify(last));
    check('both images are COMPLETE, with their manifests', stored.length === 2 && stored.every(({ status }) => status === 'COMPLETE'), JSON.stringify(stored));
    check('what is stored is what the disks hold', stored.length === 2 && stored.every((image) => image.stored === image.sha256 && before.includes(image.sha256)), JSON.stringify({ stored, before }));
    check('the disks are unchanged', after.join() === before.join());
    check('the labelled disk was found by its label', console.includes('"labels":["SUSPECT"]'), console.slice(-4000));
    check('both disks were read-only before the collector looked', !console.includes('source.set-read-only'));
    check('nothing reached another host', site.outside.connections() === 0, `${site.outside.connections()} connections`);
    const agent = [...console.matchAll(/AGENT (.*)/g)].map((match) => match[1]!.trim());
    check('Session Manager\'s agent, which the image has, was masked and never started', agent.join() === 'is masked inactive', agent.join());
    checkAttacks(attacksIn(console));
    if (tally.failed > 0 || process.env['CLEANROOM_TEST_CONSOLE']) say(`\nthe console:\n${console}`);
  } finally {
    machine?.kill();
    await machine?.ended;
  }
}
