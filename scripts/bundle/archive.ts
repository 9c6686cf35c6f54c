/** Archives that are the same bytes whoever makes them, and when. */
import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { createHash } from 'node:crypto';
import { execa } from 'execa';

/**
 * Packs a folder as tar.gz: sorted, owned by nobody in particular, every file of one age, modes without group and others'
 * write. The compression is that of the running Node, which scripts/with-node.sh pins.
 * @param seconds modification time of every file, since the epoch
 */
export async function pack(parent: string, folder: string, file: string, seconds: number): Promise<void> {
  const options = ['--create', '--format=ustar', '--sort=name', `--mtime=@${seconds}`, '--owner=root:0', '--group=root:0', '--numeric-owner', '--mode=u+rwX,go+rX,go-w,a-st'];
  const tar = execa('tar', [...options, '--file=-', folder], { cwd: parent, buffer: false, env: { LC_ALL: 'C' } });
  await Promise.all([pipeline(tar.stdout, createGzip(), createWriteStream(file)), tar]);
}

export async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
