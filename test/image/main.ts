/**
 * `npm run test:image`: the bundle, installed by its script into a Debian, booted under systemd in QEMU. Two disks are attached
 * while it runs, both are imaged to an S3 server on a network where nothing else answers, the service's sandbox is attacked
 * from inside, and the machine powers itself off. Prints what it saw, and ends with the line `N passed, N failed`.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command, PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3';
import { execa } from 'execa';
import { checkManifest, logGroupName, MiB, parseReadiness, type ReadinessRecord } from '../../modules/vocabulary/index.ts';
import { makeExt4, makeRaw } from '../../scripts/lab/disks.ts';
import { sha256Of } from '../../scripts/bundle/archive.ts';
import { startMoto } from '../helpers/moto.ts';
import { startS3Front } from '../helpers/s3-front.ts';
import { forward } from './forward.ts';
import { baseRoot, bootFiles, makeDisk, makeGuest } from './guest-root.ts';
import { startMachine, type Machine } from './machine.ts';

const checkout = resolve(import.meta.dirname, '../..');
const CASE = 'image-1';
const HOST = '10.77.0.1';
/** The log service has an address of its own: the firewall lets only one port out. */
const LOGS_HOST = '10.77.0.3';
const GUEST = '10.77.0.2/24';
const PREFIX = '/image/';
/** Software emulation is ten times slower than a machine, and a loaded machine is slower still. */
const PATIENCE_MS = 20 * 60_000;
const INSIDE = 'CLEANROOM_TEST_INSIDE';

const say = (text: string): void => console.log(text);
let passed = 0;
let failed = 0;
function check(title: string, holds: boolean, found = ''): void {
  if (holds) passed += 1;
  else failed += 1;
  say(`${holds ? 'ok  ' : 'FAIL'} ${title}${holds || found === '' ? '' : `: ${found}`}`);
}

async function until<T>(what: string, machine: Machine, look: () => Promise<T | undefined> | T | undefined): Promise<T> {
  let over = false;
  void machine.ended.then(() => (over = true));
  for (const end = Date.now() + PATIENCE_MS; ; await sleep(500)) {
    const isOver = over;
    const found = await look();
    if (found !== undefined) return found;
    if (isOver || Date.now() > end) throw new Error(`${isOver ? 'the machine ended' : 'waited too long'} before this: ${what}\n${machine.console().slice(-8000)}`);
  }
}

/** A network name space of our own: loopback, and a TAP interface behind which the machine is alone with us. */
async function makeNetwork(): Promise<void> {
  await execa('ip', ['link', 'set', 'lo', 'up']);
  await execa('ip', ['tuntap', 'add', 'dev', 'tap0', 'mode', 'tap']);
  for (const address of [HOST, LOGS_HOST]) await execa('ip', ['addr', 'add', `${address}/24`, 'dev', 'tap0']);
  await execa('ip', ['link', 'set', 'tap0', 'up']);
}

type Attack = { readonly what: string; readonly answer: string };

const attacksIn = (console: string): Attack[] =>
  [...console.matchAll(/ATTACK[\t ]+([^\t\r\n]+?)[\t ]+(\S+)\r?\n/g)].map((match) => ({ what: match[1]!.trim(), answer: match[2]! }));

/**
 * What counts as refused: everything but success, and but an answer that says that the attempt itself was wrong. What is hidden
 * from the service is not there for it.
 */
const isRefused = ({ what, answer }: Attack): boolean =>
  answer !== 'SUCCEEDED' && !['EFAULT', 'EINVAL', 'ENOSYS', 'ESRCH', 'ETIMEDOUT'].includes(answer) && (answer !== 'ENOENT' || /in \/tmp$|process 1|the collector's memory$/.test(what));

async function images(s3: S3Client): Promise<{ sha256: string; status: string; bytes: number; stored: string }[]> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: 'evidence' }));
  const found = [];
  for (const { Key } of Contents) {
    if (Key === undefined || !Key.endsWith('.manifest.json')) continue;
    const get = async (key: string) => (await s3.send(new GetObjectCommand({ Bucket: 'evidence', Key: key }))).Body!.transformToByteArray();
    const { manifest, problems } = checkManifest(Buffer.from(await get(Key)).toString(), (text) => createHash('sha256').update(text).digest('hex'));
    if (!manifest || problems.length > 0) throw new Error(`${Key}: ${problems.join('; ')}`);
    const stored = createHash('sha256').update(await get(Key.replace('.manifest.json', '.image.dd'))).digest('hex');
    found.push({ sha256: manifest.integrity.sha256, status: manifest.status, bytes: manifest.source.size, stored });
  }
  return found;
}

async function inside(base: string, archive: string): Promise<void> {
  await makeNetwork();
  const moto = await startMoto();
  const front = await startS3Front({ upstream: moto.endpoint, requireChecksum: true });
  const folder = await mkdtemp(join(tmpdir(), 'cleanroom-image-'));
  let machine: Machine | undefined;
  const started = performance.now();
  const at = (): string => `${Math.round((performance.now() - started) / 1000)} s`;
  try {
    const portOf = (endpoint: string): number => Number(new URL(endpoint).port);
    const outside = await forward(HOST, 8080, portOf(moto.endpoint));
    const doors = [outside, await forward(HOST, 443, portOf(front.endpoint)), await forward(LOGS_HOST, 443, portOf(moto.endpoint))];
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
    const s3 = new S3Client({ endpoint: front.endpoint, region: 'eu-central-1', forcePathStyle: true, credentials });
    const logs = new CloudWatchLogsClient({ endpoint: moto.endpoint, region: 'eu-central-1', credentials });
    await s3.send(new CreateBucketCommand({ Bucket: 'evidence', CreateBucketConfiguration: { LocationConstraint: 'eu-central-1' } }));
    await s3.send(new PutBucketVersioningCommand({ Bucket: 'evidence', VersioningConfiguration: { Status: 'Enabled' } }));

    const root = join(folder, 'root');
    await execa('mkdir', [root]);
    await makeGuest({
      base, root, archive, address: GUEST,
      settings: {
        caseId: CASE, to: 's3://evidence', endpoint: `http://${HOST}:443`, forcePathStyle: true, region: 'eu-central-1',
        logs: 'cloudwatch', logGroupPrefix: PREFIX, heartbeatSeconds: 10, idleSeconds: 30, parallel: 2,
      },
      environment: { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: `http://${LOGS_HOST}:443` },
      attack: ['/dev/nvme0n1', '/dev/vda', `${HOST}:443`, `${HOST}:8080`],
    });
    const disk = join(folder, 'disk.img');
    await makeDisk(root, disk);
    await rm(root, { recursive: true });
    const labelled = await makeExt4(join(folder, 'labelled.img'), { label: 'SUSPECT' });
    const unlabelled = await makeRaw(join(folder, 'unlabelled.img'), 24 * MiB);
    const before = await Promise.all([labelled, unlabelled].map(sha256Of));

    say(`${at()}  the machine starts`);
    machine = await startMachine({ ...(await bootFiles(base)), disk, tap: 'tap0', monitor: join(folder, 'monitor'), timeoutMs: 2 * PATIENCE_MS });
    const records = async (group: 'readiness' | 'audit'): Promise<ReadinessRecord[]> => {
      const answer = await logs.send(new FilterLogEventsCommand({ logGroupName: logGroupName(group, PREFIX), logStreamNamePrefix: `${CASE}/` })).catch(() => undefined);
      return (answer?.events ?? []).flatMap(({ message }) => parseReadiness(message ?? '') ?? []);
    };
    await until('the collector says that it is ready', machine, async () => (await records('readiness')).find(({ event }) => event === 'collector.started'));
    say(`${at()}  the collector is ready`);
    await machine.attach(labelled, 'vol0123456789abcdef0');
    await machine.attach(unlabelled, 'vol0123456789abcdef1');
    say(`${at()}  a labelled and an unlabelled disk are attached`);
    await until('both disks are imaged', machine, async () => ((await records('audit')).length === 2 ? true : undefined));
    say(`${at()}  both disks are imaged`);
    const exit = await machine.ended;
    say(`${at()}  the machine is off\n`);

    const console = machine.console();
    const all = await records('readiness');
    const stored = await images(s3);
    const after = await Promise.all([labelled, unlabelled].map(sha256Of));
    check('the machine powered itself off', exit === 0 && /reboot: Power down/.test(console), console.slice(-2000));
    check('the last thing it said was that it stopped, done', all.at(-1)?.event === 'collector.stopped' && JSON.stringify(all.at(-1)).includes('"reason":"done"'), JSON.stringify(all.at(-1)));
    check('both images are COMPLETE, with their manifests', stored.length === 2 && stored.every(({ status }) => status === 'COMPLETE'), JSON.stringify(stored));
    check('what is stored is what the disks hold', stored.length === 2 && stored.every((image) => image.stored === image.sha256 && before.includes(image.sha256)), JSON.stringify({ stored, before }));
    check('the disks are unchanged', after.join() === before.join());
    check('the labelled disk was found by its label', console.includes('"labels":["SUSPECT"]'), console.slice(-4000));
    check('both disks were read-only before the collector looked', !console.includes('source.set-read-only'));
    check('nothing reached another host', outside.connections() === 0, `${outside.connections()} connections`);
    const attacks = attacksIn(console);
    check('every attack was made', attacks.at(-1)?.what === 'end' && attacks.length > 60, `${attacks.length}, the last one "${attacks.at(-1)?.what}"`);
    say('\n| attempt from inside the sandbox | answer |\n|---|---|');
    for (const attack of attacks.slice(0, -1)) {
      const isControl = attack.what.startsWith('control: ');
      say(`| ${attack.what} | ${attack.answer} |`);
      if (isControl ? attack.answer === 'SUCCEEDED' : isRefused(attack)) passed += 1;
      else check(`${isControl ? '' : 'refused: '}${attack.what}`, false, attack.answer);
    }
    await Promise.all(doors.map((door) => door.close()));
    if (failed > 0 || process.env['CLEANROOM_TEST_CONSOLE']) say(`\nthe console:\n${console}`);
  } finally {
    machine?.kill();
    await machine?.ended;
    await front.stop();
    await moto.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

if (process.env[INSIDE] === undefined) {
  const base = await baseRoot(join(checkout, '.tools/image'));
  const { stdout: archive } = await execa(process.execPath, ['scripts/build-collector.ts', '--arch', 'x64'], { cwd: checkout, stderr: 2 });
  // The name space, and everything in it, ends with the last process in it.
  const { status } = spawnSync('unshare', ['--net', process.execPath, import.meta.filename, base, archive.trim()], { stdio: 'inherit', env: { ...process.env, [INSIDE]: '1' } });
  process.exitCode = status ?? 1;
} else {
  await inside(process.argv[2]!, process.argv[3]!);
  say(`\n${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}
