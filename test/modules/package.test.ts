import { expect } from 'chai';
import { execa } from 'execa';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { tempDir } from '../helpers/temp-dir.ts';

const root = resolve(import.meta.dirname, '../..');

/** What a platform team writes: TypeScript of its own, with the package in its node_modules. */
const APP = `import { App, TerraformStack } from 'cdktf';
import { AwsProvider } from '@cdktf/provider-aws/lib/provider/index.js';
import { IsolatedNetwork, vocabulary, type IsolatedNetworkProps } from '@cleanroom/aws-forensics/modules';

const place = { prefix: 'acme', partition: 'aws', account: '111122223333', region: 'eu-west-1' };
const props: IsolatedNetworkProps = {
  place,
  perimeter: { accounts: [place.account] },
  cidr: '10.80.0.0/20',
  zones: ['eu-west-1a', 'eu-west-1b'],
  bucketArns: [vocabulary.bucketArn(place, 'active')],
  logsKeyArn: 'arn:aws:kms:eu-west-1:111122223333:key/1',
};
const app = new App();
const stack = new TerraformStack(app, 'forensics');
new AwsProvider(stack, 'aws', { region: place.region });
const network: string = new IsolatedNetwork(stack, 'Network', props).vpcId;
if (network === '') throw new Error('no network');
app.synth();
`;

describe('the package for platform teams', () => {
  let path: string;
  let remove: () => Promise<void>;
  let packed: readonly string[];
  const app = () => join(path, 'app');

  before(async () => {
    ({ path, remove } = await tempDir());
    const checkout = join(path, 'checkout');
    for (const name of ['package.json', 'tsconfig.json', 'tsconfig.modules.json', 'modules', 'README.md', 'CHANGELOG.md']) cpSync(join(root, name), join(checkout, name), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(checkout, 'node_modules'));
    const { stdout } = await execa('npm', ['pack', '--json', '--loglevel', 'error', '--pack-destination', path], { cwd: checkout });
    const [{ filename, files }] = JSON.parse(stdout.slice(stdout.indexOf('['))) as [{ filename: string; files: { path: string }[] }];
    packed = files.map((file) => file.path);
    const modules = join(app(), 'node_modules');
    mkdirSync(join(modules, '@cleanroom/aws-forensics'), { recursive: true });
    await execa('tar', ['-xzf', join(path, filename), '-C', join(modules, '@cleanroom/aws-forensics'), '--strip-components=1']);
    for (const name of ['cdktf', 'constructs', 'zod', '@cdktf', '@types']) symlinkSync(join(root, 'node_modules', name), join(modules, name));
    writeFileSync(join(app(), 'package.json'), '{ "private": true, "type": "module" }');
    writeFileSync(join(app(), 'main.ts'), APP);
  });
  after(() => remove());

  it('is JavaScript with types, and the READMEs; no sources of the collector, no tests', () => {
    expect(packed).to.include.members(['dist/modules/index.js', 'dist/modules/index.d.ts', 'modules/evidence/README.md', 'package.json']);
    expect(packed.filter((file) => !/^(dist\/modules\/.*\.(js|d\.ts)|modules\/(.*\/)?README\.md|README\.md|CHANGELOG\.md|package\.json)$/.test(file))).to.deep.equal([]);
  });

  it('has types for an app that is stricter about imports than this project', async () => {
    writeFileSync(join(app(), 'tsconfig.json'), JSON.stringify({ compilerOptions: { strict: true, target: 'es2024', module: 'nodenext', types: ['node'], noEmit: true, skipLibCheck: false }, files: ['main.ts'] }));
    const { stdout, exitCode } = await execa(join(root, 'node_modules/.bin/tsc'), ['-p', app()], { reject: false });
    expect(stdout.split('\n').filter((line) => line.includes('@cleanroom') || line.startsWith('main.ts'))).to.deep.equal([]);
    expect([stdout, exitCode]).to.deep.equal(['', 0]);
  });

  it('synthesises in an app that has it in its node_modules', async () => {
    await execa(process.execPath, ['--no-warnings', 'main.ts'], { cwd: app() });
    const stack = JSON.parse(readFileSync(join(app(), 'cdktf.out/stacks/forensics/cdk.tf.json'), 'utf8')) as { resource: { aws_vpc: Record<string, { cidr_block: string }> } };
    expect(Object.values(stack.resource.aws_vpc).map(({ cidr_block }) => cidr_block)).to.deep.equal(['10.80.0.0/20']);
  });
});
