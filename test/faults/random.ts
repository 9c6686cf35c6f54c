import { createCipheriv, createHash } from 'node:crypto';

/** Numbers that a seed decides: 0 inclusive to 1 exclusive. */
export type Random = () => number;

/** A stream of numbers from a seed and a name, so that each row has its own whatever the others do. */
export function randomOf(seed: string, name: string): Random {
  const key = createHash('sha256').update(`${seed}/${name}`).digest();
  const stream = createCipheriv('aes-256-ctr', key, Buffer.alloc(16));
  return () => stream.update(Buffer.alloc(6)).readUIntBE(0, 6) / 2 ** 48;
}

/** Incompressible bytes from a stream of numbers. */
export function randomBytesOf(random: Random, length: number): Buffer {
  const key = createHash('sha256').update(String(random())).digest();
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length));
}
