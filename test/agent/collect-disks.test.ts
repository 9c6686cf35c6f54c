import { createHash } from 'node:crypto';
import { chmod, mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { execa } from 'execa';
import { inspectDc3dd } from '../../agent/adapters/dc3dd-tool.ts';
import { checkCustody, checkManifest, imageKey, MiB, recordKey, type Manifest } from '../../modules/vocabulary/index.ts';
import { makeExt4, makeGptDisk, makeRaw, makeSparse } from '../../scripts/lab/disks.ts';
import type { LoopOptions } from '../../scripts/lab/loop.ts';
import { runCli, type CliResult } from '../helpers/cli.ts';
import { useDisks } from '../helpers/disks.ts';
import { sha256Hex } from '../helpers/evidence.ts';

const CASE = 'lab-1';
const VOLUME = 'exhibit-1';

const sha256OfFile = async (path: string): Promise<string> => {
  const hash = createHash('sha256');
  const file = await open(path, 'r');
  for await (const chunk of file.createReadStream()) hash.update(chunk as Buffer);
  return hash.digest('hex');
};

describe('collector collect', function () {
  const disks = useDisks();
  let to: string;
  let round = 0;
  beforeEach(async () => {
    to = disks.file(`evidence-${round++}`);
    await mkdir(to);
  });
  afterEach(() => rm(to, { recursive: true, force: true }));

  const collect = (source: string, ...more: string[]): Promise<CliResult> =>
    runCli(['collect', source, '--case', CASE, '--volume', VOLUME, '--to', to, '--scratch-dir', disks.file('scratch'), '--json', ...more]);
  const stored = (key: string): string => join(to, key);
  const manifestNow = async (): Promise<Manifest> => {
    const { manifest, problems } = checkManifest(await readFile(stored(recordKey(CASE, VOLUME, 'manifest.json')), 'utf8'), sha256Hex);
    expect(problems).to.deep.equal([]);
    return manifest!;
  };
  const isReadOnly = async (device: string): Promise<boolean> => (await execa('blockdev', ['--getro', device])).stdout === '1';

  /** Images an attached disk and checks all that must hold for any disk. */
  const imageDisk = async (file: string, options: LoopOptions = {}, named = (device: string) => device): Promise<Manifest> => {
    const before = await sha256OfFile(file);
    const loop = await disks.attach(file, options);
    const { code, stderr, lines } = await collect(named(loop.path));
    expect(code, stderr).to.equal(0);
    expect(await isReadOnly(loop.path), 'the disk is read-only afterwards').to.equal(true);
    await execa('cmp', [file, stored(imageKey(CASE, VOLUME))]);
    expect(await sha256OfFile(file), 'the source is what it was').to.equal(before);
    const manifest = await manifestNow();
    expect(manifest.status).to.equal('COMPLETE');
    expect(manifest.integrity).to.include({ sha256: before, reread: 'identical' });
    expect(manifest.source).to.include({ kind: 'block-device', readOnlyBefore: options.readOnly ?? false, readOnlyAfter: true });
    expect(manifest.source.path.escaped).to.equal(loop.path);
    expect(lines().at(-1)).to.include({ event: 'acquisition.ended', status: 'COMPLETE', sha256: before });
    const { code: verified, stdout } = await runCli(['verify', to]);
    expect(verified, stdout).to.equal(0);
    return manifest;
  };

  it('images an ext4 disk, with its label raw and escaped', async () => {
    const { source, process } = await imageDisk(await makeExt4(disks.file('ext4'), { label: 'SUS PECT' }));
    expect(source).to.include({ size: 16 * MiB, logicalSectorSize: 512 });
    expect(source.labels).to.deep.equal([{ escaped: 'SUS PECT', base64: Buffer.from('SUS PECT').toString('base64') }]);
    expect(process).to.include({ sectorSize: 512, sectorsIn: 32_768, sectorsOut: 32_768, bytesStreamed: 16 * MiB, badSectors: 0, exitCode: 0, footer: 'completed' });
  });

  it('images an XFS disk', async () => {
    const file = await makeSparse(disks.file('xfs'), 32 * MiB);
    await execa('mkfs.xfs', ['-q', '--unsupported', '-L', 'xfs-disk', file]); // smaller than XFS likes its disks
    const { source } = await imageDisk(file, { readOnly: true });
    expect(source.labels.map(({ escaped }) => escaped)).to.deep.equal(['xfs-disk']);
  });

  it('images the whole GPT disk where a partition is named: table, gaps and the other partitions too', async () => {
    const file = await makeGptDisk(disks.file('gpt'), ['boot', '', 'data']);
    const { source } = await imageDisk(file, { partitions: true }, (device) => `${device}p2`);
    expect(source.size).to.equal(40 * MiB);
    expect(source.labels.map(({ escaped }) => escaped)).to.deep.equal(['boot', 'data']);
  });

  it('images a disk without any structure', async () => {
    const { source } = await imageDisk(await makeRaw(disks.file('raw'), 8 * MiB));
    expect(source.labels).to.deep.equal([]);
  });

  it('images a 4Kn disk by its own sectors', async () => {
    const { source, process } = await imageDisk(await makeRaw(disks.file('4kn'), 8 * MiB), { sectorSize: 4096 });
    expect(source.logicalSectorSize).to.equal(4096);
    expect(process).to.include({ sectorSize: 4096, sectorsIn: 2048, sectorsOut: 2048 });
  });

  it('images a disk of one sector, and one of an odd number of them', async () => {
    const tiny = await imageDisk(await makeRaw(disks.file('tiny'), 512));
    expect(tiny.process).to.include({ sectorsIn: 1, bytesStreamed: 512 });
    await rm(to, { recursive: true });
    const odd = await imageDisk(await makeRaw(disks.file('odd'), 1955 * 512));
    expect(odd.process.sectorsIn).to.equal(1955);
  });

  for (const size of [0, 1, 1_000_003]) {
    it(`images a file of ${size} bytes`, async () => {
      const file = await makeRaw(disks.file(`file ${size}`), size);
      await chmod(file, 0o444);
      const { code, stderr } = await collect(file);
      expect(code, stderr).to.equal(0);
      await execa('cmp', [file, stored(imageKey(CASE, VOLUME))]);
      const { source, process } = await manifestNow();
      expect(source).to.include({ kind: 'image-file', size });
      expect(process.sectorsIn).to.equal(Math.floor(size / 512));
      expect((await runCli(['verify', to])).code).to.equal(0);
    });
  }

  it('records which tools did it, on which host, for whom', async () => {
    const file = await makeRaw(disks.file('facts'), 1000);
    await chmod(file, 0o444);
    expect((await collect(file, '--accountable', 'Investigator 7', '--second-hash')).code).to.equal(0);
    const { tool, accountable, caseId, exhibitId, integrity, process: run } = await manifestNow();
    const dc3dd = await inspectDc3dd();
    expect(tool.dc3dd).to.include({ path: dc3dd.path, binarySha256: await sha256OfFile(dc3dd.path), packageVersion: dc3dd.packageVersion });
    expect(tool.dc3dd.argv).to.include.members(['if=/proc/self/fd/3', 'hash=sha256']);
    expect(tool.dc3dd.argv.some((word) => word.startsWith('ssz=') || word.startsWith('rec='))).to.equal(false);
    expect(tool.collector.node).to.equal(process.version);
    expect([accountable, caseId, exhibitId]).to.deep.equal(['Investigator 7', CASE, VOLUME]);
    expect(integrity.secondSha256).to.equal(integrity.sha256);
    expect(run.openedAt <= run.startedAt && run.startedAt <= run.endedAt).to.equal(true);
  });

  it('writes a custody log whose chain tells what was done, by whom, in order', async () => {
    const file = await makeRaw(disks.file('custody'), 1000);
    await chmod(file, 0o444);
    await collect(file, '--accountable', 'Investigator 7');
    const { events, problems } = checkCustody(await readFile(stored(recordKey(CASE, VOLUME, 'custody.jsonl')), 'utf8'), sha256Hex);
    expect(problems).to.deep.equal([]);
    expect(events.map(({ action }) => action)).to.deep.equal(['open', 'acquire', 'store', 'verify', 'conclude']);
    expect(new Set(events.map(({ actor }) => actor))).to.deep.equal(new Set(['Investigator 7']));
  });

  it('gives an image that changed afterwards away: verify names the first part and byte range', async () => {
    const file = await makeRaw(disks.file('tampered'), 12 * MiB);
    await chmod(file, 0o444);
    await collect(file, '--part-size', '5MiB');
    const image = stored(imageKey(CASE, VOLUME));
    await chmod(image, 0o600);
    const handle = await open(image, 'r+');
    await handle.write(Buffer.from('!'), 0, 1, 7 * MiB);
    await handle.close();
    const { code, stdout } = await runCli(['verify', to]);
    expect(code).to.equal(1);
    expect(stdout).to.match(/part 2/).and.to.contain(String(5 * MiB));
  });

  it('leaves a mounted disk alone, says why, and touches nothing', async () => {
    const file = await makeExt4(disks.file('mounted'));
    const loop = await disks.attach(file);
    const unmount = await disks.mount(loop.path);
    const { code, stderr, lines } = await collect(loop.path);
    expect(code).to.equal(4);
    expect(stderr).to.contain(`${loop.path} is left alone, because`);
    expect(lines().at(-1)).to.include({ event: 'error', code: 'NOT_ELIGIBLE' });
    expect(await isReadOnly(loop.path)).to.equal(false);
    await unmount();
  });

  it('refuses an image file that it could write to, unless told to go on', async () => {
    const file = await makeRaw(disks.file('writable'), 1000);
    const { code, stderr } = await collect(file);
    expect(code).to.equal(4);
    expect(stderr).to.contain('--allow-writable-source');
    expect((await collect(file, '--allow-writable-source')).code).to.equal(0);
  });

  it('refuses an empty disk, which cannot be told from one that was just detached', async () => {
    const loop = await disks.attach(await makeSparse(disks.file('empty'), 0));
    expect((await collect(loop.path)).code).to.equal(4);
  });

  it('does nothing a second time for the same exhibit', async () => {
    const file = await makeRaw(disks.file('twice'), 1000);
    await chmod(file, 0o444);
    await collect(file);
    const before = await readFile(stored(recordKey(CASE, VOLUME, 'manifest.json')), 'utf8');
    const { code, stderr } = await collect(file);
    expect(code).to.equal(2);
    expect(stderr).to.contain('already in');
    expect(await readFile(stored(recordKey(CASE, VOLUME, 'manifest.json')), 'utf8')).to.equal(before);
  });

  it('keeps a hostile label inert in its output, its records and its keys', async () => {
    const label = '\x1b[2J/../\n"\u202e';
    const file = await makeExt4(disks.file('hostile'));
    const handle = await open(file, 'r+'); // the label's 16 bytes in the superblock: mkfs would refuse some of them
    await handle.write(Buffer.concat([Buffer.from(label), Buffer.alloc(16)]).subarray(0, 16), 0, 16, 1024 + 120);
    await handle.close();
    const loop = await disks.attach(file, { readOnly: true });
    const result = await runCli(['collect', loop.path, '--case', CASE, '--to', to, '--scratch-dir', disks.file('scratch'), '--json']);
    expect(result.code, result.stderr).to.equal(0);
    const { stdout: names } = await execa('find', [to, '-type', 'f', '-printf', '%P\n']);
    expect(names).to.match(/^[A-Za-z0-9._/\n-]+$/);
    const shown = await runCli(['devices']);
    const records = await Promise.all(names.split('\n').filter((name) => !name.endsWith('.dd')).map((name) => readFile(join(to, name), 'utf8')));
    for (const text of [result.stdout, result.stderr, shown.stdout, ...records]) expect(text).to.match(/^[\x20-\x7e\n\t]*$/);
  });

  it('takes a file by whatever name an analyst gave it', async () => {
    const file = disks.file('$(touch pwned); "x" \u202e\n.img');
    await writeFile(file, 'evidence', { mode: 0o444 });
    const { code, stdout, stderr } = await collect(file);
    expect(code, stderr).to.equal(0);
    expect(stdout + stderr).to.match(/^[\x20-\x7e\n]*$/);
    expect((await manifestNow()).source.path.base64).to.equal(Buffer.from(file).toString('base64'));
  });
});
