import { createHash } from 'node:crypto';
import { createSHA256 } from 'hash-wasm';
import { StageError } from './errors.ts';

type Hasher = { update(bytes: Uint8Array): unknown; digest(): string };

/** An implementation of SHA-256. */
export type HashEngine = { readonly name: string; create(): Promise<Hasher> };

const nodeCrypto: HashEngine = {
  name: 'node:crypto',
  create: async () => {
    const hash = createHash('sha256');
    return { update: (bytes) => hash.update(bytes), digest: () => hash.digest('hex') };
  },
};

const hashWasm: HashEngine = {
  name: 'hash-wasm',
  create: async () => {
    const hash = await createSHA256();
    return { update: (bytes) => hash.update(bytes), digest: () => hash.digest('hex') };
  },
};

/** The two engines, written independently of each other. */
export const HASH_ENGINES: readonly HashEngine[] = [nodeCrypto, hashWasm];

/** Known answers of FIPS 180-4 and NIST's examples: message, times it is repeated, SHA-256. */
const KNOWN_ANSWERS: readonly (readonly [message: string, times: number, sha256: string])[] = [
  ['', 1, 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  ['abc', 1, 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  ['abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq', 1, '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1'],
  ['a', 1_000_000, 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0'],
];

/** Lengths around SHA-256's block and the engines' buffers, where a slip in carrying a rest over would show. */
const CHUNKS = [1, 55, 56, 63, 64, 65, 127, 4095, 4097, 16_383, 65_537];

async function sha256(engine: HashEngine, chunks: Iterable<Uint8Array>): Promise<string> {
  const hasher = await engine.create();
  for (const chunk of chunks) hasher.update(chunk);
  return hasher.digest();
}

function* oddChunks(bytes: Uint8Array): Generator<Uint8Array> {
  let index = 0;
  for (let at = 0; at < bytes.length; index += 1) {
    const length = CHUNKS[index % CHUNKS.length] ?? 1;
    yield bytes.subarray(at, at + length);
    at += length;
  }
}

const failed = (message: string): StageError =>
  new StageError('acquire', 'HASH_SELF_TEST', message, {
    retryable: false,
    advice: 'trust no digest of this host: replace the Node.js installation and the package hash-wasm, and test the memory',
  });

/**
 * Lets every engine hash messages whose SHA-256 is known, then compares the engines on random bytes, in odd pieces and whole.
 * Takes some 20 ms. @throws StageError code HASH_SELF_TEST that names engine and message
 */
export async function hashSelfTest(engines: readonly HashEngine[] = HASH_ENGINES): Promise<void> {
  for (const engine of engines) {
    for (const [message, times, expected] of KNOWN_ANSWERS) {
      const got = await sha256(engine, [Buffer.from(message.repeat(times))]);
      if (got !== expected) {
        throw failed(`${engine.name} gives ${got} as the SHA-256 of ${times} times "${message}", the known answer is ${expected}`);
      }
    }
  }
  const random = crypto.getRandomValues(new Uint8Array(65_536));
  const seen = new Map<string, string>();
  for (const engine of engines) {
    seen.set(`${engine.name}, whole`, await sha256(engine, [random]));
    seen.set(`${engine.name}, in pieces`, await sha256(engine, oddChunks(random)));
  }
  if (new Set(seen.values()).size > 1) {
    const list = [...seen].map(([what, digest]) => `${digest} (${what})`).join(', ');
    throw failed(`the hash engines disagree about the same ${random.length} random bytes: ${list}`);
  }
}
