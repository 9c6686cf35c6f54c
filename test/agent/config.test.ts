import { writeFile } from 'node:fs/promises';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { InstanceMetadata } from '../../agent/adapters/instance-metadata.ts';
import { ConfigError, flagsOf, loadConfig, logsToCloudWatch, parseSize, printConfig, printSize, SETTINGS, type LoadConfigInput } from '../../agent/config.ts';
import { nearest } from '../../agent/config/nearest.ts';
import { shown } from '../../agent/config/problems.ts';
import { tempDir } from '../helpers/temp-dir.ts';
import { publishTags, startMetadataServer, type MetadataServer } from './metadata-support.ts';

const MiB = 1024 ** 2;

async function problemsOf(input: Partial<LoadConfigInput>, expected = { code: 'CONFIG', retryable: false }): Promise<string[]> {
  try {
    await loadConfig({ flags: {}, env: {}, metadata: null, ...input });
  } catch (error) {
    expect(error).to.be.instanceOf(ConfigError);
    expect(error).to.include({ stage: 'configure', ...expected });
    return (error as ConfigError).message.split('\n').slice(1).map((line) => line.trim());
  }
  throw new Error('the configuration was accepted');
}

describe('the configuration', () => {
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let filePath: string;
  let imds: MetadataServer;
  let metadata: InstanceMetadata;
  before(async () => {
    dir = await tempDir();
    filePath = join(dir.path, 'collector.json');
    imds = await startMetadataServer();
    metadata = new InstanceMetadata({ endpoint: imds.endpoint });
  });
  after(async () => {
    await imds.stop();
    await dir.remove();
  });
  beforeEach(() => imds.answers.clear());

  const file = async (content: unknown): Promise<string> => {
    await writeFile(filePath, typeof content === 'string' ? content : JSON.stringify(content));
    return filePath;
  };

  it('needs nothing: the defaults are an embedded directory and the documented numbers', async () => {
    const { config, origins } = await loadConfig({ flags: {}, env: {}, metadata: null });
    expect(config).to.include({
      to: './evidence', forcePathStyle: false, partChecksum: 'sha256', ringSize: 64 * MiB, concurrency: 12, secondHash: false,
      reread: 'auto', parallel: 1, once: false, includeInstanceStore: false, allowWritableSource: false, logs: 'auto', logGroupPrefix: '',
      heartbeatSeconds: 60, stallSeconds: 900, partTries: 8, resume: 'auto', json: false, progress: true, accountable: `${userInfo().username}@${hostname()}`,
    });
    expect(config).not.to.have.any.keys('caseId', 'volumeId', 'partSize', 'kmsKeyId');
    expect(config.scratchDir).to.match(/^\//);
    expect(new Set(Object.values(origins).map(({ kind }) => kind))).to.deep.equal(new Set(['default']));
  });

  it('puts flags over environment over file over instance tags over defaults, and knows where each came from', async () => {
    publishTags(imds, { 'cleanroom:case': 'tag', 'cleanroom:part-tries': '2', 'cleanroom:to': 's3://tag-bucket', 'cleanroom:parallel': '2', Name: 'x' });
    await file({ caseId: 'file', partTries: 3, to: 's3://file-bucket' });
    const { config, origins } = await loadConfig({
      flags: { case: 'flag' }, env: { CLEANROOM_CASE: 'environment', CLEANROOM_PART_TRIES: '4', HOME: '/' }, filePath, metadata,
    });
    expect(config).to.include({ caseId: 'flag', partTries: 4, to: 's3://file-bucket', parallel: 2, concurrency: 12 });
    expect(origins.caseId).to.deep.equal({ kind: 'flag', source: 'flag --case' });
    expect(origins.partTries).to.deep.equal({ kind: 'environment', source: 'environment CLEANROOM_PART_TRIES' });
    expect(origins.to).to.deep.equal({ kind: 'file', source: `file ${filePath} at to` });
    expect(origins.parallel).to.deep.equal({ kind: 'instance tag', source: 'instance tag cleanroom:parallel' });
    expect(origins.concurrency).to.deep.equal({ kind: 'default', source: 'default' });
  });

  it('takes sizes as people write them, in every source', async () => {
    publishTags(imds, { 'cleanroom:max-object-size': '1 TiB' });
    await file({ ringSize: '32MiB' });
    const { config } = await loadConfig({ flags: { partSize: '16MiB' }, env: {}, filePath, metadata });
    expect(config).to.include({ partSize: 16 * MiB, ringSize: 32 * MiB, maxObjectSize: 1024 ** 4 });
    await file({ partSize: 5 * MiB });
    expect((await loadConfig({ flags: {}, env: {}, filePath, metadata: null })).config.partSize).to.equal(5 * MiB);
  });

  it('takes switches as flags, as words and as JSON', async () => {
    publishTags(imds, { 'cleanroom:once': 'off' });
    await file({ json: true });
    const { config } = await loadConfig({ flags: { secondHash: true, progress: false }, env: { CLEANROOM_INCLUDE_INSTANCE_STORE: 'yes' }, filePath, metadata });
    expect(config).to.include({ secondHash: true, progress: false, includeInstanceStore: true, json: true, once: false });
  });

  it('does not take the command line\'s own default of --no-progress for a word of the user\'s', async () => {
    const { config } = await loadConfig({ flags: { progress: true }, env: { CLEANROOM_PROGRESS: 'false' }, metadata: null });
    expect(config.progress).to.equal(false);
  });

  it('reports everything at once, each with source, what was got and what is allowed', async () => {
    publishTags(imds, { 'cleanroom:case': '../etc', 'cleanroom:parallel': '99' });
    await file({ partSize: '1MiB', heartbeatSeconds: 'soon', reread: 'sometimes', json: 'true', region: null });
    const problems = await problemsOf({
      flags: { partSize: '16 bananas', to: 'https://example.org/x' }, env: { CLEANROOM_CONCURRENCY: '1e3', CLEANROOM_ONCE: 'maybe' }, filePath, metadata,
    });
    expect(problems).to.deep.equal([
      'flag --part-size: is no size; write bytes such as 16777216, or a number and one of B, KiB, MiB, GiB, TiB, kB, MB, GB, TB such as 16MiB; allowed is 5MiB to 5GiB, for example 16MiB, got "16 bananas"',
      'flag --to: must be a directory (./s3:x where its name begins as a URL does), or s3://bucket[/prefix]; a bucket is 3 to 63 of a-z 0-9 . -, a prefix A-Z a-z 0-9 . _ - /, got "https://example.org/x"',
      'environment CLEANROOM_CONCURRENCY: must be a whole number from 1 to 64, got "1e3"',
      'environment CLEANROOM_ONCE: must be true or false, got "maybe"',
      `file ${filePath} at partSize: must be 5MiB to 5GiB, for example 16MiB, got 1048576`,
      `file ${filePath} at heartbeatSeconds: must be a whole number from 5 to 3600, got "soon"`,
      `file ${filePath} at reread: must be "auto", "always", "never", got "sometimes"`,
      `file ${filePath} at json: must be true or false, got "true"`,
      `file ${filePath} at region: must be a Region such as eu-central-1, got null`,
      'instance tag cleanroom:case: must be 1 to 64 of A-Z a-z 0-9 . _ -, got "../etc"',
      'instance tag cleanroom:parallel: must be a whole number from 1 to 8, got 99',
    ]);
  });

  it('refuses unknown names and says what was most likely meant', async () => {
    publishTags(imds, { 'cleanroom:caes': 'x', 'cleanroom:\u202e\u001b[2Jz': 'x' });
    await file(`{ "partsize": 1, "__proto__": 1, "constructor": 2, "zzzzzzzz": 3 }`);
    const problems = await problemsOf({ env: { CLEANROOM_PART_SIZES: '1', CLEANROOM_CONFIG: filePath }, metadata });
    expect(problems[0]).to.equal('environment CLEANROOM_PART_SIZES: is no setting; did you mean CLEANROOM_PART_SIZE?');
    expect(problems[1]).to.equal(`file ${filePath} at partsize: is no setting; did you mean partSize?`);
    expect(problems[2]).to.match(/at __proto__: is no setting; /);
    expect(problems[3]).to.match(/at constructor: is no setting; /);
    expect(problems[4]).to.match(/at zzzzzzzz: is no setting; known are caseId, volumeId, to, /);
    expect(problems[5]).to.equal('instance tag cleanroom:caes: is no setting; did you mean cleanroom:case?');
    expect(problems[6]).to.match(/^instance tag cleanroom:\\xe2\\x80\\xae\\x1b\[2Jz: is no setting/);
    expect(problems).to.have.length(7);
  });

  it('makes hostile values inert and cuts them', async () => {
    const [problem = ''] = await problemsOf({ flags: { case: `\u001b]0;x\u0007\u202e\n${'A'.repeat(500)}` } });
    expect(problem).to.match(/^flag --case: .*got "\\x1b\]0;x\\x07\\xe2\\x80\\xae\\x0aA+… \(508 characters\)"$/);
    expect(problem.length).to.be.below(250);
  });

  it('never shows a secret', async () => {
    const [problem = ''] = await problemsOf({ flags: { endpoint: 'https://AKIAIOSFODNN7EXAMPLE:hunter2@s3.example.org/', to: 's3://bucket' } });
    expect(problem).to.equal('flag --endpoint: must be an http or https URL without user, password, query or fragment, got "https://[redacted]@s3.example.org/"');
    const key = await problemsOf({ env: { CLEANROOM_KMS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE secret' } });
    expect(key[0]).to.include('got "[redacted] secret"');
    const url = await problemsOf({ env: { CLEANROOM_KMS_KEY_ID: 'https://user:hunter2@kms.example.org' } });
    expect(url[0]).to.include('got "https://[redacted]@kms.example.org"');
    await file('{ "secretAccessKey": "hunter2", "to": hunter2 }');
    const broken = await problemsOf({ filePath });
    expect(broken).to.have.length(1);
    expect(broken[0]).to.match(/^file .*collector\.json: is not JSON/).and.not.include('hunter2');
    await file({ secretAccessKey: 'hunter2' });
    expect((await problemsOf({ filePath })).join()).not.to.include('hunter2');
  });

  for (const [what, name, text, seen] of [
    ['a password with a slash', 'endpoint', 'https://user:hunt/er2@s3.example.org/x', 'https://[redacted]@s3.example.org/x'],
    ['a password with an @', 'endpoint', 'https://user:hunt@er2@s3.example.org', 'https://[redacted]@s3.example.org'],
    ['a password with a ?', 'endpoint', 'https://user:hunt?er2@s3.example.org', 'https://[redacted]'],
    ['an access key and its secret', 'to', 's3://AKIAIOSFODNN7EXAMPLE:hunt/er2+/hunter2@bucket/prefix', 's3://[redacted]@bucket/prefix'],
    ['an access key and its secret without a scheme', 'to', 'AKIAIOSFODNN7EXAMPLE:hunter2@bucket', '[redacted]:[redacted]@bucket'],
    ['a URL with one slash', 'endpoint', ' https:/user:hunt/er2@host', ' https:/[redacted]@host'],
    ['a query', 'endpoint', 'https://h/?X-Amz-Security-Token=hunter2', 'https://h/?[redacted]'],
    ['a query with an @', 'endpoint', 'https://h/?X-Amz-Security-Token=hunt@er2', 'https://[redacted]'],
    ['a fragment', 'to', 's3://bucket/#hunter2', 's3://bucket/#[redacted]'],
    ['user, password and query', 'endpoint', 'https://user:hunter2@h/?hunter2', 'https://[redacted]@h/?[redacted]'],
    ['a password of 5000 characters', 'endpoint', `https://user:${'hunter2/'.repeat(625)}@h`, 'https://[redacted]@h'],
    ['no secret', 'to', '/srv/evidence@lab/a?b', '/srv/evidence@lab/a?b'],
    ['no secret, with a port', 'endpoint', 'http://127.0.0.1:9000/x', 'http://127.0.0.1:9000/x'],
  ] as const) {
    it(`shows of where evidence goes, with ${what}, no more than that`, () => {
      expect(shown(name, text)).to.equal(`"${seen}"`);
    });
  }

  it('shows nothing of what stands under a name that says it is a secret', () => {
    for (const name of ['secret-access-key', 'sessionToken', 'password', 'AWS_ACCESS_KEY_ID', 'authorization', 'key']) expect(shown(name, 'hunter2'), name).to.equal('"[redacted]"');
    for (const name of ['kms-key-id', 'case', 'monkey']) expect(shown(name, 'hunter2'), name).to.equal('"hunter2"');
  });

  it('refuses a file that is missing when it was named, is no object, no file, or too large; but needs none', async () => {
    expect((await problemsOf({ filePath: join(dir.path, 'none.json') }))[0]).to.match(/none\.json: cannot be read: ENOENT/);
    expect((await problemsOf({ env: { CLEANROOM_CONFIG: join(dir.path, 'none.json') } }))[0]).to.match(/ENOENT/);
    expect((await problemsOf({ filePath: await file([1]) }))[0]).to.match(/must be a JSON object/);
    expect((await problemsOf({ filePath: dir.path }))[0]).to.match(/not a regular file/);
    expect((await problemsOf({ filePath: await file(' '.repeat(1024 ** 2 + 1)) }))[0]).to.match(/at most 1048576/);
  });

  it('says of a setting that a command needs all the places where it could stand', async () => {
    expect(await problemsOf({ required: ['caseId'] })).to.deep.equal([
      'flag --case: is needed here (or CLEANROOM_CASE, or caseId in the file, or the tag cleanroom:case): 1 to 64 of A-Z a-z 0-9 . _ -',
    ]);
    expect(await problemsOf({ required: ['caseId'], env: { CLEANROOM_CASE: '..' } })).to.have.length(1);
  });

  it('takes an empty variable for a mistake, not for a default', async () => {
    expect((await problemsOf({ env: { CLEANROOM_KMS_KEY_ID: '' } }))[0]).to.match(/^environment CLEANROOM_KMS_KEY_ID: must be .* got ""$/);
  });

  it('refuses what does not go together', async () => {
    expect((await problemsOf({ flags: { endpoint: 'http://127.0.0.1:9000' } }))[0]).to.match(/^flag --endpoint: means nothing for a directory \(to\), only for s3/);
    expect((await problemsOf({ command: 'run', flags: { volume: 'vol-1' } }))[0]).to.match(/^flag --volume: names one disk, .* give --once/);
    for (const [command, once] of [['run', true], ['collect', false]] as const) {
      expect((await loadConfig({ command, flags: { volume: 'vol-1', once }, env: {}, metadata: null })).config.volumeId).to.equal('vol-1');
    }
    expect((await loadConfig({ command: 'run', flags: {}, env: { CLEANROOM_VOLUME: 'vol-1' }, metadata: null })).config.once).to.equal(false);
    expect((await problemsOf({ flags: { partChecksum: 'md5' }, location: './evidence' }))[0]).to.match(/^flag --part-checksum: means nothing for a directory \(argument <location>\)/);
    expect((await loadConfig({ flags: { partChecksum: 'sha256' }, env: { CLEANROOM_ENDPOINT: 'http://ceph.lab' }, metadata: null })).config).to.include({ partChecksum: 'sha256' });
    expect((await problemsOf({ flags: { partSize: '16MiB', maxObjectSize: '8MiB' } }))[0]).to.match(/a part \(16777216 bytes\) is larger than the largest object \(8388608 bytes, flag --max-object-size\)/);
  });

  for (const to of ['s3://bucket', 's3://bucket/', 's3://my.bucket-1/a/b.c/d_e', '/srv/evidence', './x', './s3:/bucket', 'dir/a:b', 'relative dir']) {
    it(`takes ${to} as a destination`, async () => {
      expect((await loadConfig({ flags: { to }, env: {}, metadata: null })).config.to).to.equal(to);
    });
  }
  for (const to of ['s3://', 's3:/bucket/x', 's3:bucket', 'S3://bucket', 'host:/srv', 's3://b', 's3://UPPER_', 's3://bucket/..', 's3://bucket/a/../b', 's3://bucket/a//b', 's3://bucket/ü', 's3://u:p@bucket', 'gs://bucket', 'a\nb', '']) {
    it(`refuses ${JSON.stringify(to)} as a destination`, async () => {
      expect((await problemsOf({ flags: { to } }))[0]).to.match(/^flag --to: must be a directory \(\.\/s3:x .*\), or s3:\/\/bucket\[\/prefix\]; a bucket is 3 to 63 of a-z 0-9 \. -/);
    });
  }

  it('calls the place that a command takes as its argument by that name, and lets nothing else name it', async () => {
    expect((await problemsOf({ flags: {}, location: 's3://' }))[0]).to.match(/^argument <location>: must be a directory .*, got "s3:\/\/"$/);
    const { config, origins } = await loadConfig({ flags: {}, location: 's3://named', env: { CLEANROOM_TO: 's3://other' }, metadata: null });
    expect([config.to, origins.to?.source]).to.deep.equal(['s3://named', 'argument <location>']);
    for (const command of ['verify', 'uploads'] as const) expect(flagsOf(command).map(({ name }) => name)).to.include('endpoint').and.not.include('to');
  });

  it('asks the metadata service that CLEANROOM_IMDS_ENDPOINT names, and refuses one that is no service', async () => {
    publishTags(imds, { 'cleanroom:case': 'FROM-TAG' });
    imds.answers.set('meta-data/iam/info', JSON.stringify({ InstanceProfileArn: 'arn:aws:iam::123456789012:instance-profile/Collector' }));
    const { config } = await loadConfig({ flags: {}, env: { CLEANROOM_IMDS_ENDPOINT: imds.endpoint } });
    expect(config).to.include({ caseId: 'FROM-TAG', accountable: 'arn:aws:iam::123456789012:instance-profile/Collector' });
    const env = { CLEANROOM_IMDS_ENDPOINT: 'http://u:p@127.0.0.1/' };
    try {
      await loadConfig({ flags: {}, env });
      expect.fail('accepted');
    } catch (error) {
      expect((error as Error).message).to.include('environment CLEANROOM_IMDS_ENDPOINT').and.not.include('u:p');
    }
  });

  it('takes the Region from --region, AWS_REGION, AWS_DEFAULT_REGION and, where no profile may name one, the instance, in this order', async () => {
    const identity = { accountId: '123456789012', region: 'eu-south-2', instanceId: 'i-0123456789abcdef0' };
    imds.answers.set('dynamic/instance-identity/document', JSON.stringify(identity));
    const regionWith = async (flags: Record<string, unknown>, env: Record<string, string>): Promise<unknown> => {
      const { config, origins } = await loadConfig({ flags: { to: 's3://bucket', ...flags }, env, metadata });
      return [config.region, origins.region?.source];
    };
    expect(await regionWith({}, {})).to.deep.equal(['eu-south-2', 'default']);
    expect(await regionWith({ region: 'eu-west-1' }, { AWS_REGION: 'eu-west-3' })).to.deep.equal(['eu-west-1', 'flag --region']);
    expect(await regionWith({}, { AWS_REGION: 'eu-west-3', AWS_DEFAULT_REGION: 'eu-west-2' })).to.deep.equal(['eu-west-3', 'environment AWS_REGION']);
    expect(await regionWith({}, { AWS_DEFAULT_REGION: 'eu-west-2', AWS_PROFILE: 'lab' })).to.deep.equal(['eu-west-2', 'environment AWS_DEFAULT_REGION']);
    expect(await regionWith({}, { AWS_PROFILE: 'lab' })).to.deep.equal([undefined, undefined]); // the SDK's business
    expect(await regionWith({ endpoint: 'https://ceph.lab' }, {})).to.deep.equal([undefined, undefined]);
  });

  it('says so when the tags cannot be read, which is the fault of no configuration', async () => {
    imds.fault = (request) => (request.startsWith('GET') ? 500 : undefined);
    const problems = await problemsOf({ metadata }, { code: 'INSTANCE_METADATA', retryable: true });
    imds.fault = () => undefined;
    expect(problems).to.have.length(1);
    expect(problems[0]).to.match(/^instance tags: cannot be read: the instance metadata service at /);
  });

  it('sends events to CloudWatch when asked, or by itself when evidence goes to AWS', () => {
    expect(logsToCloudWatch({ logs: 'auto', to: 's3://bucket' })).to.equal(true);
    expect(logsToCloudWatch({ logs: 'auto', to: 's3://bucket', endpoint: 'http://ceph' })).to.equal(false);
    expect(logsToCloudWatch({ logs: 'auto', to: './evidence' })).to.equal(false);
    expect(logsToCloudWatch({ logs: 'cloudwatch', to: './evidence' })).to.equal(true);
    expect(logsToCloudWatch({ logs: 'none', to: 's3://bucket' })).to.equal(false);
  });
});

describe('printing the configuration', () => {
  it('shows each value and where it comes from', async () => {
    const { config, origins } = await loadConfig({ flags: { case: 'C1', partSize: '16MiB' }, env: { CLEANROOM_PARALLEL: '2' }, metadata: null });
    const lines = printConfig(config, origins, { json: false }).split('\n');
    const row = (name: string): string[] => lines.find((line) => line.startsWith(`${name} `))?.split(/ {2,}/) ?? [];
    expect(row('case')).to.deep.equal(['case', 'C1', 'flag --case']);
    expect(row('part-size')).to.deep.equal(['part-size', '16MiB', 'flag --part-size']);
    expect(row('parallel')).to.deep.equal(['parallel', '2', 'environment CLEANROOM_PARALLEL']);
    expect(row('ring-size')).to.deep.equal(['ring-size', '64MiB', 'default']);
    expect(row('kms-key-id')).to.deep.equal(['kms-key-id', '-', 'not set']);
    const json = JSON.parse(printConfig(config, origins, { json: true })) as Record<string, unknown>;
    expect(json['partSize']).to.deep.equal({ value: 16 * MiB, from: 'flag --part-size' });
    expect(json['kmsKeyId']).to.deep.equal({ value: null, from: 'not set' });
    expect(Object.keys(json)).to.deep.equal(SETTINGS.map(({ key }) => key));
  });

  it('redacts a user and password in a URL, should one ever get that far', async () => {
    const { config, origins } = await loadConfig({ flags: {}, env: {}, metadata: null });
    const text = printConfig({ ...config, endpoint: 'https://user:hunter2@host' }, origins, { json: true });
    expect(text).to.include('https://[redacted]@host').and.not.include('hunter2');
  });
});

describe('the settings', () => {
  it('have names, variables and tags that are unique and follow from one another', () => {
    for (const { name, variable, tag, flag, description } of SETTINGS) {
      expect(name).to.match(/^[a-z]+(-[a-z]+)*$/);
      expect(variable).to.equal(`CLEANROOM_${name.replaceAll('-', '_').toUpperCase()}`);
      expect(tag).to.equal(`cleanroom:${name}`);
      expect(flag).to.match(/^--[a-z-]+( <[^<>]+>)?$/);
      expect(description.length).to.be.above(10);
    }
    expect(new Set(SETTINGS.map(({ name }) => name)).size).to.equal(SETTINGS.length);
  });

  it('are flags of the commands that they mean something to', () => {
    expect(flagsOf('devices').map(({ name }) => name)).to.deep.equal(['include-instance-store', 'json']);
    expect(flagsOf('collect').map(({ name }) => name)).to.include.members(['case', 'volume', 'to', 'allow-writable-source']);
    expect(flagsOf('run').map(({ name }) => name)).to.include.members(['once', 'volume']).and.not.include('allow-writable-source');
    expect(flagsOf('run').find(({ name }) => name === 'progress')?.flag).to.equal('--no-progress');
  });
});

describe('sizes', () => {
  for (const [text, bytes] of [['0', 0], ['5242880', 5242880], ['16MiB', 16 * MiB], ['16 mib', 16 * MiB], ['1.5GiB', 1.5 * 1024 ** 3], ['2kB', 2000], ['48TiB', 48 * 1024 ** 4], ['1B', 1]] as const) {
    it(`reads ${text}`, () => expect(parseSize(text)).to.equal(bytes));
  }
  for (const text of ['', 'MiB', '-1', '1e3', '1.5', '0x10', '16 M', '16MiBs', '9007199254740993', '99999999TiB', '1,5MiB', '1 constructor', 'NaN']) {
    it(`refuses ${JSON.stringify(text)}`, () => expect(parseSize(text)).to.equal(undefined));
  }
  it('are printed in the largest unit that fits', () => {
    expect([0, 1500, 1024, 16 * MiB, 1024 ** 4].map(printSize)).to.deep.equal(['0', '1500', '1KiB', '16MiB', '1TiB']);
  });
});

describe('the nearest name', () => {
  it('is the one with the fewest edits, and none when nothing is near', () => {
    expect(nearest('conurrency', ['caseId', 'concurrency'])).to.equal('concurrency');
    expect(nearest('PARTSIZE', ['partSize', 'parallel'])).to.equal('partSize');
    expect(nearest('quux', ['concurrency'])).to.equal(undefined);
    expect(nearest('x'.repeat(1000), ['x'])).to.equal(undefined);
  });
});
