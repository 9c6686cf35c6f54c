import { createServer, type AddressInfo } from 'node:net';

/**
 * A TCP port on loopback that nobody listened on a moment ago. For servers that cannot choose one themselves and say which;
 * between the answer and their start somebody else may take it, so such a start is tried again.
 */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
