import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { runCommand } from './run-command.ts';

const MiB = 1024 ** 2;
const never = new AbortController().signal;

/** A Node program that touches `mebibytes` of memory, holds it a while, and burns CPU for `cpuMs`. */
const hungry = (mebibytes: number, cpuMs = 0): string =>
  `"${process.execPath}" -e 'const held = Buffer.alloc(${mebibytes} * 2 ** 20, 1);
    const used = ({ user, system }) => (user + system) / 1000;
    while (used(process.cpuUsage()) < ${cpuMs}); setTimeout(() => held.length, 400)'`;

describe('measuring a command', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cleanroom-run-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('adds up the memory of all its processes at one time', async () => {
    const { peakRssBytes, peakPssBytes } = await runCommand(`${hungry(150, 1500)} & ${hungry(150, 1500)}; wait`, folder, process.env, never);
    expect(peakRssBytes).to.be.within(300 * MiB, 550 * MiB);
    expect(peakPssBytes).to.be.within(300 * MiB, peakRssBytes);
  });

  it('counts the CPU time of children and of their children', async () => {
    const { cpuSeconds, wallSeconds } = await runCommand(`(bash -c "$HUNGRY; true") | cat`, folder, { ...process.env, HUNGRY: hungry(1, 600) }, never);
    expect(cpuSeconds).to.be.within(0.6, 1.5);
    expect(wallSeconds).to.be.greaterThan(0.6 + 0.3);
  });

  it('never takes a failed command for a fast one, wherever in the pipe it failed', async () => {
    const failure = await runCommand('bash -c "echo no medium >&2; exit 3" | cat', folder, process.env, never).then(() => '', String);
    expect(failure).to.match(/exit 3: .*\nno medium$/);
  });

  it('refuses a figure from which a process has escaped', async () => {
    const env = { ...process.env, HUNGRY: hungry(1, 10_000) };
    const failure = await runCommand('setsid bash -c "$HUNGRY" & sleep 3', folder, env, never).then(() => '', String);
    expect(failure).to.contain('the shell counted only');
  });

  it('ends every process when it is interrupted', async () => {
    const interrupt = new AbortController();
    const started = performance.now();
    const run = runCommand('setsid sleep 61 & sleep 61', folder, process.env, interrupt.signal);
    setTimeout(() => interrupt.abort(new Error('stopped')), 300);
    expect(await run.then(() => '', String)).to.equal('Error: stopped');
    expect(performance.now() - started).to.be.lessThan(10_000);
  });
});
