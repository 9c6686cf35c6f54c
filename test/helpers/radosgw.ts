import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './ports.ts';
import { type ServerProcess, startProcess } from './server-process.ts';
import { tempDir } from './temp-dir.ts';

/** An S3 user's keys. */
export type S3User = { readonly accessKeyId: string; readonly secretAccessKey: string };

/**
 * Ceph's S3 gateway over the smallest cluster there is: one monitor, one storage daemon that keeps everything in memory.
 * It checks SigV4, keeps Object Lock and obeys bucket policies; it knows no additional checksums (Ceph 16).
 */
export type Radosgw = S3User & {
  /** `http://127.0.0.1:<port>`; path style. */
  readonly endpoint: string;
  /** Makes another user, `arn:aws:iam:::user/<uid>` in policies; the first one's name is `owner`. */
  addUser(uid: string): Promise<S3User>;
  stop(): Promise<void>;
};

const run = promisify(execFile);

const config = (directory: string, fsid: string, monitor: string): string => `
[global]
fsid = ${fsid}
mon host = ${monitor}
mon initial members = a
keyring = ${directory}/keyring
mon data = ${directory}/mon
osd data = ${directory}/osd
run dir = ${directory}/run
admin socket = ${directory}/run/$name.asok
log to stderr = true
log file =
mon cluster log file =
mon allow pool size one = true
mon data avail crit = 1
mon data avail warn = 2
paxos propose interval = 0.05
osd objectstore = memstore
memstore device bytes = 4294967296
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
rgw thread pool size = 32
rgw dns name = 127.0.0.1
`;

const start = async (): Promise<Radosgw> => {
  const { path: directory, remove } = await tempDir();
  const conf = join(directory, 'ceph.conf');
  const keyring = join(directory, 'keyring');
  const servers: ServerProcess[] = [];
  const serve = (command: string, ...args: string[]): ServerProcess => {
    const server = startProcess(command, ['-c', conf, '-f', ...args]);
    servers.unshift(server);
    return server;
  };
  const stop = async (): Promise<void> => {
    // nothing in memory is worth an orderly end
    for (const server of servers) await server.stop(200);
    await remove();
  };
  const addUser = async (uid: string): Promise<S3User> => {
    const user = { accessKeyId: randomBytes(10).toString('hex').toUpperCase(), secretAccessKey: randomBytes(20).toString('hex') };
    await run('radosgw-admin', ['-c', conf, 'user', 'create', '--uid', uid, '--display-name', uid, '--access-key', user.accessKeyId, '--secret-key', user.secretAccessKey], { timeout: 120_000 });
    return user;
  };

  try {
    for (const name of ['mon', 'osd', 'run']) await mkdir(join(directory, name));
    const fsid = randomUUID();
    const monitor = `[v2:127.0.0.1:${await freePort()}]`;
    await writeFile(conf, config(directory, fsid, monitor));
    await writeFile(keyring, '');
    for (const [name, ...caps] of [['mon.', 'mon'], ['client.admin', 'mon', 'osd', 'mgr'], ['osd.0', 'mon', 'osd', 'mgr']] as const) {
      await run('ceph-authtool', [keyring, '--gen-key', '-n', name, ...caps.flatMap((cap) => ['--cap', cap, 'allow *'])]);
    }
    const monmap = join(directory, 'monmap');
    await run('monmaptool', ['--create', '--addv', 'a', monitor, '--fsid', fsid, monmap]);
    await run('ceph-mon', ['-c', conf, '-i', 'a', '--mkfs', '--monmap', monmap, '--keyring', keyring]);
    const mon = serve('ceph-mon', '-i', 'a');

    const osdId = randomUUID();
    await mon.until('in quorum', () => succeeds('ceph', ['-c', conf, '--connect-timeout', '5', 'osd', 'new', osdId]), 120_000);
    await run('ceph-osd', ['-c', conf, '-i', '0', '--mkfs', '--osd-uuid', osdId]);
    const osd = serve('ceph-osd', '-i', '0');
    await osd.until('up', async () => (/\b1 up\b/.test((await run('ceph', ['-c', conf, 'osd', 'stat'], { timeout: 60_000 })).stdout) ? true : undefined), 120_000);

    const owner = await addUser('owner');
    const port = await freePort();
    const endpoint = `http://127.0.0.1:${port}`;
    const gateway = serve('radosgw', '-n', 'client.admin', `--rgw-frontends=beast endpoint=127.0.0.1:${port}`);
    await gateway.until('answering', () => fetch(endpoint).then(() => true, () => undefined), 120_000);
    return { endpoint, ...owner, addUser, stop };
  } catch (error) {
    await stop();
    throw error;
  }
};

const succeeds = (command: string, args: readonly string[]): Promise<true | undefined> =>
  run(command, args, { timeout: 60_000 }).then(() => true, () => undefined);

/** Starts the gateway and waits until it answers: some seconds; gives up after minutes. */
export const startRadosgw = (): Promise<Radosgw> => start().catch(() => start()); // somebody may have taken a port; once more
