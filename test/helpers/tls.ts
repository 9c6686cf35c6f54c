import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { tempDir } from './temp-dir.ts';

/** A server's key and its own, self-signed certificate for `localhost` and `127.0.0.1`, in PEM. */
export type TlsIdentity = {
  readonly key: string;
  readonly cert: string;
  /** The certificate as a file, for NODE_EXTRA_CA_CERTS, AWS_CA_BUNDLE and the like. */
  readonly caFile: string;
  remove(): Promise<void>;
};

/** Makes a new identity, valid for a day. */
export const tlsIdentity = async (): Promise<TlsIdentity> => {
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notAfterDate: new Date(Date.now() + 86_400_000),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', digitalSignature: true, keyCertSign: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      { name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }, { type: 7, ip: '127.0.0.1' }] },
    ],
  });
  const { path, remove } = await tempDir();
  const caFile = join(path, 'ca.pem');
  await writeFile(caFile, cert);
  return { key, cert, caFile, remove };
};
