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
    const { cpuSeconds, wallSeconds } = await runCommand(`(bash -c "$HUNGRY; true") | cat`, folder, { ...process.env, HUNGRY: hungry(1, 2000) }, never);
    expect(cpuSeconds).to.be.within(2, 3.8);
    expect(wallSeconds).to.be.greaterThan(2 + 0.3);
  });

  it('never takes a failed command for a fast one, wherever in the pipe it failed', async () => {
    const failure = await runCommand('bash -c "echo no medium >&2; exit 3" | cat', folder, process.env, never).then(() => '', String);
    expect(failure).to.match(/exit 3: .*\nno medium$/);
  });

  it('refuses a figure from which a process has escaped', async () => {
    const burning = 'setsid bash -c "while :; do :; done" &'; // and is left when it has used a second and a half
    const failure = await runCommand(`${burning} until [ "$(cut -d' ' -f14 /proc/$!/stat)" -ge 150 ]; do sleep 0.1; done`, folder, process.env, never).then(() => '', String);
    expect(failure).to.contain('the shell counted only');
  });

  it('ends every process when it is interrupted', async () => {
    const interrupt = new AbortController();
    const run = runCommand('setsid sleep 600 & sleep 600', folder, process.env, interrupt.signal);
    setTimeout(() => interrupt.abort(new Error('stopped')), 300);
    expect(await run.then(() => '', String)).to.equal('Error: stopped');
  });
});
