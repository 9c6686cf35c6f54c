import { readFile, writeFile } from 'node:fs/promises';
import { expect } from 'chai';
import { directoryStore } from '../../agent/adapters/stores/directory-store.ts';
import { humanAge } from '../../agent/commands/uploads.ts';
import { imageKey, MiB, partsOf, planLayout } from '../../modules/vocabulary/index.ts';
import { runCollector } from '../faults/collector.ts';
import { partSourceOf } from '../helpers/slabs.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const KEY = imageKey('case-1', 'vol-1');
const live = new AbortController().signal;

describe('collector uploads', () => {
  let dir: Awaited<ReturnType<typeof tempDir>>;
  beforeEach(async () => {
    dir = await tempDir();
  });
  afterEach(() => dir.remove());

  /** Leaves an upload with its first part of two. */
  async function begin(anew = false, key = KEY): Promise<void> {
    const image = Buffer.alloc(8 * MiB);
    const layout = planLayout(image.length, { partSize: 5 * MiB });
    const upload = await (await directoryStore(dir.path)).openImage(key, { layout, objectIndex: 0, metadata: {}, anew }, live);
    await upload.putPart(partSourceOf(image, [...partsOf(layout)][0]!), live);
    await upload.release();
  }
  const uploads = (...args: string[]) => runCollector({ args: ['uploads', dir.path, ...args] });

  it('tells age, size, parts and what to do of each, as JSON lines', async () => {
    await begin();
    const { stdout, exitCode } = await uploads('--json');
    const { key, storedBytes, storedParts, ageSeconds, todo } = JSON.parse(stdout) as Record<string, unknown>;
    expect({ key, storedBytes, storedParts, exitCode }).to.deep.equal({ key: KEY, storedBytes: 5 * MiB, storedParts: 1, exitCode: 0 });
    expect(ageSeconds).to.be.within(0, 60);
    expect(todo).to.include(`--case case-1 --volume vol-1 --to ${dir.path}`);
  });

  it('tells a person the same', async () => {
    await begin();
    const { stdout } = await uploads();
    expect(stdout).to.match(/^case-1\/disk_evidence\/vol-1\.image\.dd$/m).and.match(/^ {2}stored {4}5\.0 MiB in 1 part$/m).and.include('1 unfinished in ');
  });

  it('tells what was set aside from what can be taken over', async () => {
    await begin();
    await begin(true);
    const lines = (await uploads('--json')).stdout.trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.map(({ key }) => key)).to.deep.equal([KEY, KEY]);
    expect(lines.map(({ setAside = false }) => setAside)).to.have.members([true, false]);
    expect(lines.find(({ setAside }) => setAside)?.['todo']).to.include('keep it until that image is stored and verified');
  });

  it('leaves what it lists as it is', async () => {
    await begin();
    await uploads();
    expect((await uploads('--json')).stdout).to.include('"storedParts":1');
  });

  it('lists a journal that cannot be read among the others, with what to do, and fails', async () => {
    const keys = ['vol-0', 'vol-1', 'vol-2'].map((volume) => imageKey('case-1', volume));
    for (const key of keys) await begin(false, key);
    const damaged = `${dir.path}/${keys[1]}.partial.parts.jsonl`;
    await writeFile(damaged, 'nonsense\n');
    const json = await uploads('--json');
    const rows = json.stdout.trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(rows.map(({ key, storedParts }) => [key, storedParts])).to.deep.equal([[keys[0], 1], [keys[1], undefined], [keys[2], 1]]);
    const { unreadable, todo } = rows[1]!;
    expect({ unreadable, todo, exitCode: json.exitCode }).to.deep.equal({
      unreadable: `${damaged} is not a journal of stored parts`, todo: 'Begin anew with --resume never: what is there stays beside it.', exitCode: 1,
    });
    const text = await uploads();
    expect(text.stdout).to.match(/^ {2}unknown {3}.* is not a journal of stored parts$/m).and.include('1 that cannot be read').and.include('2 unfinished');
    expect(text.exitCode).to.equal(1);
  });

  it('prints what stands in a journal as printable ASCII, whatever it is', async () => {
    await begin();
    const journal = `${dir.path}/${KEY}.partial.parts.jsonl`;
    const [header = '', ...lines] = (await readFile(journal, 'utf8')).split('\n');
    const hostile = '\u009b2J\u202e\u001b]0;x\u0007';
    await writeFile(journal, [JSON.stringify({ ...JSON.parse(header) as object, uploadId: hostile }), ...lines].join('\n'));
    const [json, text] = [await uploads('--json'), await uploads()];
    for (const { stdout } of [json, text]) expect(stdout).to.match(/^[\x20-\x7e\n]+$/);
    expect(JSON.parse(json.stdout)).to.include({ uploadId: hostile });
  });

  it('says that there is none', async () => {
    expect((await uploads()).stdout).to.equal(`no unfinished upload in ${dir.path}\n`);
    expect((await uploads('--json')).stdout).to.equal('');
  });

  it('lists those of one case when asked', async () => {
    await begin();
    expect((await uploads('--case', 'case-2', '--json')).stdout).to.equal('');
  });

  it('refuses a place that is no store', async () => {
    const { exitCode, stderr } = await runCollector({ args: ['uploads', `${dir.path}/nowhere`] });
    expect({ exitCode, named: stderr.includes('is neither a directory nor s3://') }).to.deep.equal({ exitCode: 2, named: true });
  });

  it('prints ages in the largest unit that fits', () => {
    expect([-5, 59, 60, 3600 * 5, 86_400 * 3].map(humanAge)).to.deep.equal(['0 s', '59 s', '1 min', '5 h', '3 d']);
  });
});
