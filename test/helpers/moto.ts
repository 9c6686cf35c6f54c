import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { startProcess } from './server-process.ts';

/** AWS as moto 5 plays it (S3, CloudWatch Logs, STS and more), in memory, on loopback. Takes any credentials. */
export type Moto = {
  /** `http://127.0.0.1:<port>`, for every service. */
  readonly endpoint: string;
  stop(): Promise<void>;
};

const CANDIDATES = [resolve(import.meta.dirname, '../../.tools/moto/bin/python3'), 'python3', '/usr/bin/python3'];
const HAS_MOTO_SERVER = 'import importlib.util as u, sys; sys.exit(not all(u.find_spec(m) for m in ("moto", "flask", "flask_cors")))';

/** The python3 that has moto, and boto3 with it. */
export const findPython = async (): Promise<string> => {
  for (const python of CANDIDATES) {
    try {
      await promisify(execFile)(python, ['-c', HAS_MOTO_SERVER]);
      return python;
    } catch {
      // the next one may have it
    }
  }
  throw new Error(`none of ${CANDIDATES.join(', ')} has moto's server; \`npm test\` installs it, or: pip install 'moto[server]==5.2.1'`);
};

/** How long the start may take: about 3 s on an idle machine. */
const START_MS = 180_000;

/** Starts moto on a free port and waits until it answers. */
export const startMoto = async (): Promise<Moto> => {
  // no __pycache__ in a checkout or a system folder; port 0 lets the kernel choose, and the server says what it was given
  const env = { ...process.env, PYTHONUNBUFFERED: '1', PYTHONDONTWRITEBYTECODE: '1' };
  const server = startProcess(await findPython(), ['-m', 'moto.server', '--host', '127.0.0.1', '--port', '0'], env);
  try {
    const endpoint = await server.until('listening', () => /http:\/\/127\.0\.0\.1:[1-9]\d*/.exec(server.output())?.[0], START_MS);
    await server.until('answering', async () => ((await answers(`${endpoint}/moto-api/data.json`)) ? true : undefined), START_MS);
    return { endpoint, stop: () => server.stop() };
  } catch (error) {
    await server.stop();
    throw error;
  }
};

const answers = async (url: string): Promise<boolean> => {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
};
