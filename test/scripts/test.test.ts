import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { expect } from 'chai';
import { BESIDE } from '../../scripts/beside.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const root = resolve(import.meta.dirname, '../..');
const PASSING = "it('holds', () => {});\n";

/** How long mocha may take to end after its last test; one test shortens it, where mocha never ends. */
let lingerMs = '120000';

/** Runs the project's test script in a project of these files; what it ends with, and all it said; coloured, as where CI forces it, with the colours taken out. */
const runIn = async (files: Record<string, string>, ...args: string[]): Promise<{ last: string; status: number | null; output: string }> => {
  const { path, remove } = await tempDir();
  try {
    for (const name of ['scripts/test.ts', 'scripts/beside.ts', 'scripts/mocha-summary.ts', 'tsconfig.json', '.oxlintrc.json', '.mocharc.json']) cpSync(join(root, name), join(path, name));
    symlinkSync(join(root, 'node_modules'), join(path, 'node_modules'));
    for (const [name, text] of Object.entries({ 'package.json': '{ "type": "module" }', '.ci/run': '#!/bin/sh\ntrue\n', ...files })) {
      mkdirSync(join(path, name, '..'), { recursive: true });
      writeFileSync(join(path, name), text);
    }
    const env = { ...process.env, CLEANROOM_TEST_LINGER_MS: lingerMs, CLEANROOM_TEST_COUNTS: '', FORCE_COLOR: '1' };
    const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/test.ts', ...args], { cwd: path, encoding: 'utf8', env });
    return { last: stdout.trimEnd().split('\n').at(-1) ?? '', status, output: stripVTControlCharacters(stdout + stderr) };
  } finally {
    await remove();
  }
};

describe('npm test', () => {
  it('ends with the counts and status 0 when all holds', async () => {
    expect(await runIn({ 'test/a.test.ts': PASSING, 'test/deep/b.test.ts': PASSING })).to.include({ last: '2 passed, 0 failed', status: 0 });
  });

  it('runs the tests that touch no disk beside the others, each once, and tells of these first', async () => {
    const saying = (text: string): string => `it('${text}', () => {});\n`;
    const { last, status, output } = await runIn({
      'test/infra/first.test.ts': saying('an estate'),
      'test/workflow/handlers/second.test.ts': saying('a handler'),
      'test/workflow/third.test.ts': saying('a whole case'),
      'test/agent/fourth.test.ts': "it('a disk', (done) => {\n  setTimeout(done, 2000);\n});\n",
    });
    expect({ last, status }).to.deep.equal({ last: '4 passed, 0 failed', status: 0 });
    const order = ['a disk', 'a whole case', 'an estate', 'a handler'].map((title) => output.split(`✔ ${title}`));
    expect(order.map(({ length }) => length), output).to.deep.equal([2, 2, 2, 2]);
    expect(order.map(([before]) => before!.length)).to.deep.equal(order.map(([before]) => before!.length).toSorted((a, b) => a - b));
  });

  it('counts what fails beside, names all that failed at the end, and waits for nothing that was left running', async () => {
    const failing = (title: string, first = ''): string => `${first}it('${title}', () => {\n  throw new Error('broken');\n});\n`;
    const leaving = "import { spawn } from 'node:child_process';\nspawn('sleep', ['30'], { stdio: 'inherit', detached: true }).unref();\n";
    const { last, status, output } = await runIn({ 'test/agent/a.test.ts': failing('one'), 'test/infra/b.test.ts': failing('two', leaving) });
    expect({ last, status }).to.deep.equal({ last: '0 passed, 2 failed', status: 1 });
    expect(output).to.match(/failed: one\nfailed: two\n/);
  });

  it('runs no test beside the others that attaches a disk or starts a collector on one', () => {
    const importsOf = (file: string): string[] =>
      [...readFileSync(file, 'utf8').matchAll(/(?:from|import)\s*\(?'(\.[^']+\.ts)'/g)].map(([, path]) => join(file, '..', path!)).filter((path) => existsSync(path));
    const reached = new Set(globSync(BESIDE, { cwd: root }).map((file) => join(root, file)));
    expect(reached.size).to.be.at.least(50);
    for (const file of reached) for (const imported of importsOf(file)) reached.add(imported);
    const disks = [...reached].map((file) => relative(root, file)).filter((file) => /^test\/(helpers\/(bad-disk|disks)|faults\/lab|workflow\/world\/collector-host)/.test(file));
    expect(disks).to.deep.equal([]);
  });

  it('fails when a test fails, and counts it', async () => {
    const failing = "it('breaks', () => {\n  throw new Error('broken');\n});\n";
    expect(await runIn({ 'test/a.test.ts': PASSING + failing })).to.include({ last: '1 passed, 1 failed', status: 1 });
  });

  it('counts a skipped test, a test without a body and a test that skips itself as failed', async () => {
    const skipped = "it.skip('later', () => {});\nit('some day');\nit('not here', function () {\n  this.skip();\n});\n";
    expect(await runIn({ 'test/a.test.ts': PASSING + skipped })).to.include({ last: '1 passed, 3 failed', status: 1 });
  });

  it('fails when one test alone is picked in the source', async () => {
    expect((await runIn({ 'test/a.test.ts': `${PASSING}it.only('me', () => {});\n` })).status).to.equal(1);
  });

  it('fails on wrong types, lint and shell, says which, and still runs the tests', async () => {
    const { last, status, output } = await runIn({
      'test/a.test.ts': PASSING,
      'agent/types.ts': "export const size: number = 'large';\n",
      'agent/lint.ts': 'const left = 1;\nexport {};\n',
      'scripts/shell.sh': '#!/bin/sh\ncd $1\n',
    });
    expect({ last, status }).to.deep.equal({ last: '1 passed, 3 failed', status: 1 });
    expect(output).to.match(/agent\/types\.ts/).and.to.match(/no-unused-vars/).and.to.match(/SC2086/);
  });

  it('fails when a test file does not load', async () => {
    expect(await runIn({ 'test/a.test.ts': "throw new Error('unloadable');\n" })).to.include({ last: '0 passed, 1 failed', status: 1 });
  });

  it('fails when a test leaves a server behind that keeps it from ending', async () => {
    const lingering = `import { createServer } from 'node:net';\nit('listens', (done) => {\n  createServer().listen(0, () => done());\n});\n`;
    lingerMs = '500';
    const { last, status, output } = await runIn({ 'test/a.test.ts': lingering }).finally(() => (lingerMs = '120000'));
    expect({ last, status }).to.deep.equal({ last: '1 passed, 1 failed', status: 1 });
    expect(output).to.match(/left a server, process or timer open/);
  });

  it('hands its arguments to mocha: a name, a file, and both', async () => {
    const files = { 'test/a.test.ts': "it('first', () => {});\nit('second', () => {});\n", 'test/b.test.ts': "it('first', () => {});\n" };
    expect((await runIn(files, '--grep', 'first')).last).to.equal('2 passed, 0 failed');
    expect((await runIn(files, 'test/a.test.ts')).last).to.equal('2 passed, 0 failed');
    expect((await runIn(files, '--grep', 'first', 'test/a.test.ts')).last).to.equal('1 passed, 0 failed');
    expect(await runIn(files, '--grep', 'none')).to.include({ last: '0 passed, 1 failed', status: 1 });
  });
});
