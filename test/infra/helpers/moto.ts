import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port'))));
    });
  });

/** Account of whoever comes to moto without having assumed a role. */
export const MOTO_ACCOUNT = '123456789012';

/** An emulated AWS, with as many accounts as are assumed into. */
export class Moto {
  readonly url: string;
  readonly #process: ChildProcess;

  private constructor(url: string, process: ChildProcess) {
    this.url = url;
    this.#process = process;
  }

  /** Starts a server on a free port; Python's `moto` has to be there. */
  static async start(): Promise<Moto> {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const server = spawn('python3', ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
    process.once('exit', () => server.kill());
    for (let tries = 0; tries < 200; tries++) {
      if (await fetch(`${url}/moto-api/data.json`).then(({ ok }) => ok, () => false)) return new Moto(url, server);
      await sleep(100);
    }
    server.kill();
    throw new Error('moto did not answer within 20 seconds');
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || !this.#process.kill()) return;
    await once(this.#process, 'exit');
  }
}
