import { connect, createServer, type Socket } from 'node:net';

export type Forwarder = { readonly connections: () => number; close(): Promise<void> };

/** Listens at an address and hands every connection on to a port on loopback. */
export async function forward(host: string, port: number, to: number): Promise<Forwarder> {
  let count = 0;
  const open = new Set<Socket>();
  const server = createServer((incoming) => {
    count += 1;
    const onward = connect(to, '127.0.0.1');
    for (const [from, into] of [[incoming, onward], [onward, incoming]] as const) {
      open.add(from);
      from.on('error', () => into.destroy()).on('close', () => open.delete(from)).pipe(into);
    }
  });
  await new Promise<void>((resolve, reject) => void server.once('error', reject).listen(port, host, resolve));
  return {
    connections: () => count,
    close: async () => {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
}
