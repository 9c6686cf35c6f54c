import { chmod } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expect } from 'chai';
import { execa } from 'execa';
import * as fc from 'fast-check';
import { loadConfig, type CollectorConfig } from '../../agent/config.ts';
import { shellQuoted, shownCommand } from '../../agent/shown-command.ts';
import { makeRaw } from '../../scripts/lab/disks.ts';
import { runCli } from '../helpers/cli.ts';
import { startMoto } from '../helpers/moto.ts';
import { newBucket, s3ClientOf, useCredentials } from '../helpers/s3-store.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const configOf = async (flags: Record<string, unknown>, env = {}): Promise<CollectorConfig> => (await loadConfig({ flags, env, metadata: null })).config;

describe('a word for a shell', () => {
  it('comes back from bash as it was, and is one line of printable ASCII, whatever it holds', async () => {
    const nasty = ['', 'a b', "it's", '$(id)', '`id`', '*', '~', '#x', 'a\\x41', '\x1b[2J\u202e', 'a\nb', '\u00e9f', '/plain/path-1.x', '-n', '!!', '"'];
    const words = [...nasty, ...fc.sample(fc.string({ unit: 'binary' }), { numRuns: 200, seed: 1 }).map((word) => word.replaceAll('\0', ''))];
    const quoted = words.map(shellQuoted);
    for (const each of quoted) expect(each).to.match(/^[\x20-\x7e]+$/);
    const { stdout } = await execa('bash', ['-c', `printf '%s\\0' ${quoted.join(' ')}`], { env: { LC_ALL: 'C.UTF-8' }, stripFinalNewline: false });
    expect(stdout.split('\0').slice(0, -1)).to.deep.equal(words.map((word) => Buffer.from(word).toString()));
  });
});

describe('a command that is shown to be copied', () => {
  it('names the store as the configuration does, wherever that comes from, with the flags that the command takes', async () => {
    const env = { CLEANROOM_ENDPOINT: 'http://127.0.0.1:9000', CLEANROOM_PART_CHECKSUM: 'md5' };
    const config = await configOf({ to: 's3://lab/pre', region: 'eu-central-1', forcePathStyle: true }, env);
    const store = '--endpoint http://127.0.0.1:9000 --region eu-central-1 --force-path-style';
    expect(shownCommand('verify', 's3://lab/pre', config)).to.equal(`collector verify s3://lab/pre ${store}`);
    expect(shownCommand('collect', '<disk> --to s3://lab/pre', config)).to.equal(`collector collect <disk> --to s3://lab/pre ${store} --part-checksum md5`);
  });

  it('is short where nothing but the location matters', async () => {
    expect(shownCommand('verify', 's3://lab', await configOf({ to: 's3://lab' }))).to.equal('collector verify s3://lab');
    expect(shownCommand('verify', '/e', await configOf({ to: '/e', region: 'eu-central-1' }))).to.equal('collector verify /e');
  });

  it('verifies what was stored when it is given to a shell as it stands', async () => {
    useCredentials();
    const [dir, moto] = await Promise.all([tempDir(), startMoto()]);
    try {
      const image = await makeRaw(join(dir.path, 'disk.img'), 1000);
      await chmod(image, 0o444);
      const client = s3ClientOf(moto);
      const places = [[join(dir.path, "we ird/$(id)/it's")], [`s3://${await newBucket(client)}/pre`, '--endpoint', moto.endpoint, '--force-path-style', '--part-checksum', 'md5']];
      client.destroy();
      for (const [to = '', ...flags] of places) {
        const { stdout, stderr } = await runCli(['collect', image, '--case', 'c-1', '--volume', 'vol-1', '--scratch-dir', join(dir.path, 'scratch'), '--to', to, ...flags]);
        const command = /^ {2}check it {2}(collector verify .*)$/m.exec(stdout)?.[1] ?? `exit # ${stderr}`;
        const script = `collector() { '${process.execPath}' '${resolve(import.meta.dirname, '../../agent/cli.ts')}' "$@"; }\n${command}`;
        const verified = await execa('bash', ['-c', script], { env: { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' }, reject: false });
        expect(verified.stdout, `${command}\n${verified.stderr}`).to.contain('1 verified, 0 not');
      }
    } finally {
      await Promise.all([dir.remove(), moto.stop()]);
    }
  });
});
