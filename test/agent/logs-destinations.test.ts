import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { runCli } from '../helpers/cli.ts';
import { startMoto, type Moto } from '../helpers/moto.ts';
import { tempDir } from '../helpers/temp-dir.ts';
import { startFront, type Front } from './logs-support.ts';

/** A log service that remembers what it was sent. */
type Heard = Front & { readonly events: string[] };

describe('events that wait for their log service', () => {
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let moto: Moto;
  const fronts: Front[] = [];
  before(async () => {
    dir = await tempDir();
    moto = await startMoto();
  });
  after(async () => {
    for (const front of fronts) await front.stop();
    await moto.stop();
    await dir.remove();
  });

  const service = async (): Promise<Heard> => {
    const events: string[] = [];
    const front = await startFront(moto.endpoint);
    fronts.push(front);
    front.fault = (operation, body) => {
      if (operation === 'PutLogEvents') events.push(body);
      return 'forward';
    };
    return Object.assign(front, { events });
  };
  /** Images a file as this exhibit, and sends the events there; with `--await-logs` until the last one was taken. */
  const collect = async (exhibit: string, front: Front, { prefix = '/own/', region = 'eu-central-1' } = {}, ...more: string[]): Promise<void> => {
    const args = ['--case', 'logs', '--volume', exhibit, '--to', join(dir.path, 'evidence'), '--scratch-dir', join(dir.path, 'scratch'), '--json'];
    const { code, stderr } = await runCli(['collect', join(dir.path, 'disk'), ...args, '--logs', 'cloudwatch', '--log-group-prefix', prefix, ...more], {
      env: { AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: front.endpoint, AWS_REGION: region },
    });
    expect(code, stderr).to.equal(0);
  };
  const names = (front: Heard, exhibit: string): boolean => front.events.some((body) => body.includes(exhibit));

  it('go to no other endpoint, Region or log groups, and to their own once it is back', async () => {
    await writeFile(join(dir.path, 'disk'), 'evidence');
    await chmod(join(dir.path, 'disk'), 0o444);
    const [own, other] = [await service(), await service()];
    await own.down();
    await collect('vol-waits', own);
    await own.up();

    await collect('vol-endpoint', other, {}, '--await-logs');
    await collect('vol-region', own, { region: 'eu-west-1' }, '--await-logs');
    await collect('vol-groups', own, { prefix: '/other/' }, '--await-logs');
    expect([names(other, 'vol-endpoint'), names(own, 'vol-region'), names(own, 'vol-groups')]).to.deep.equal([true, true, true]);
    expect([names(other, 'vol-waits'), names(own, 'vol-waits')]).to.deep.equal([false, false]);

    await collect('vol-back', own, {}, '--await-logs');
    expect([names(own, 'vol-waits'), names(own, 'vol-back')]).to.deep.equal([true, true]);
  });
});
