import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { storeError } from '../../agent/adapters/stores/s3-errors.ts';
import { runCli, startCli, type CliResult } from '../helpers/cli.ts';
import { freePort } from '../helpers/ports.ts';
import { tlsIdentity } from '../helpers/tls.ts';

const NOWHERE = { AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' };
const CHECK = 'Check --endpoint, the Region and the network (`collector doctor`), then start the same command again.';

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

describe('a bucket that cannot be asked', () => {
  const verify = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CliResult> =>
    runCli(['verify', 's3://evidence-lab', ...args], { env: { ...NOWHERE, ...env } });

  it('for want of a Region is a wrong configuration, and says what to give', async () => {
    const { code, stderr } = await verify([]);
    expect([code, stderr]).to.deep.equal([2, 'collector: there is no Region in which to look for s3://evidence-lab: Region is missing. Nothing was stored or changed. Give --region, or set AWS_REGION.\n']);
  });

  it('for want of a Region gets the same advice from the doctor', async () => {
    const { code, lines } = await runCli(['doctor', '--to', 's3://evidence-lab', '--logs', 'none', '--json'], { env: NOWHERE });
    expect(code).to.equal(4);
    expect(lines().find(({ check }) => check === 'bucket')).to.include({ level: 'fail', advice: 'give --region, or set AWS_REGION' });
  });

  it('is looked for in AWS_DEFAULT_REGION too', async () => {
    const { code, stderr } = await verify([], { AWS_DEFAULT_REGION: 'eu-central-1', AWS_ENDPOINT_URL: `http://127.0.0.1:${await freePort()}` });
    expect(code, stderr).to.equal(4);
    expect(stderr).to.contain('ECONNREFUSED');
  });

  it('says what to check where its name is unknown, and may be asked again', () => {
    const error = storeError('listing', Object.assign(new Error('getaddrinfo ENOTFOUND s3.lab'), { code: 'ENOTFOUND' }));
    expect(error).to.include({ code: 'STORE_FAILED', retryable: true, advice: CHECK, message: 'listing failed: getaddrinfo ENOTFOUND s3.lab (ENOTFOUND)' });
  });

  for (const command of ['verify', 'uploads']) {
    it(`is waited for until ${command} is told to end, which speaks of nothing that is taken over`, async () => {
      const silent = createServer(() => {}); // it takes the request and never answers
      const asked = once(silent, 'request');
      try {
        const cli = startCli([command, 's3://evidence-lab', '--endpoint', `http://127.0.0.1:${await listen(silent)}`], { env: NOWHERE });
        await asked;
        cli.signal('SIGTERM');
        expect(await cli.ended, cli.stderr()).to.deep.equal({ code: 5, signal: null });
        expect(cli.stderr()).to.match(/^collector: interrupted by SIGTERM\. .* Start the same command again\.\n$/).and.not.contain('taken over');
      } finally {
        silent.closeAllConnections();
        silent.close();
      }
    });
  }

  it('says what to check where nothing listens, another protocol is spoken, or the certificate is not trusted', async () => {
    const identity = await tlsIdentity();
    const plain = createServer((_, response) => response.end());
    const tls = createTlsServer(identity, (_, response) => response.end());
    try {
      const [http, https, free] = [await listen(plain), await listen(tls), await freePort()];
      const cases: readonly [endpoint: string, ...words: string[]][] = [
        [`http://127.0.0.1:${free}`, `connect ECONNREFUSED 127.0.0.1:${free}`, CHECK],
        [`https://127.0.0.1:${http}`, 'what answers there speaks no TLS: is it http instead of https? (EPROTO)', CHECK],
        [`https://127.0.0.1:${https}`, 'NODE_EXTRA_CA_CERTS'],
      ];
      const answers = await Promise.all(cases.map(([endpoint]) => verify(['--endpoint', endpoint])));
      for (const [index, [endpoint, ...words]] of cases.entries()) {
        expect(answers[index]?.code, endpoint).to.equal(4);
        for (const text of words) expect(answers[index]?.stderr, endpoint).to.contain(text);
      }
    } finally {
      plain.close();
      tls.close();
      await identity.remove();
    }
  });
});
