import type * as provider from '@cdktf/provider-aws/lib/provider/index.js';
import type * as cdktf from 'cdktf';
import { expect } from 'chai';
import { execa } from 'execa';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { tempDir } from '../helpers/temp-dir.ts';
import type { Loose } from './helpers/loose.ts';
import { layOutOnFork, make, OWN_SOURCES } from './helpers/fork.ts';

/** Names and versions aside: what the two generators call themselves. */
const withoutNames = (files: unknown): unknown => JSON.parse(JSON.stringify(files, (key, value: unknown) => (key === '//' ? undefined : value)));

/** Versions of the generators that say in a stack's metadata that they made it. */
const generators = (files: Readonly<Record<string, Loose>>): readonly unknown[] => [...new Set(Object.values(files).flatMap((file) => file['//']?.metadata.version ?? []))];

/** Version of the AWS provider whose schema the bindings that a directory's sources import were generated from. */
const schemaVersion = (directory: string): string => {
  const require = createRequire(join(directory, 'package.json'));
  const { App, TerraformStack } = require('cdktf') as typeof cdktf;
  const { AwsProvider } = require('@cdktf/provider-aws/lib/provider/index.js') as typeof provider;
  return String(new AwsProvider(new TerraformStack(new App({ stackTraces: false }), 'x'), 'aws').terraformGeneratorMetadata?.providerVersion);
};

describe('the living fork of cdktf, in its place by npm alias', function () {
  this.timeout(1_800_000);
  let path: string;
  let remove: () => Promise<void>;
  before(async () => {
    ({ path, remove } = await tempDir());
    layOutOnFork(path);
  });
  after(() => remove());

  it('synthesises the same JSON from the same sources: every stack of both estates, and every plain Terraform module', async () => {
    const [here, fork] = await Promise.all([make(OWN_SOURCES, join(path, 'here')), make(path, join(path, 'fork'))]);
    expect(Object.keys(here).length).to.be.greaterThan(40);
    expect([generators(here), generators(fork)]).to.deep.equal([['0.21.0'], ['0.24.0']]);
    expect(withoutNames(fork)).to.deep.equal(withoutNames(here));
  });

  it('has the types that the sources were written for: nothing is set or read that provider 6.66 does not have', async () => {
    expect([schemaVersion(OWN_SOURCES), schemaVersion(path)]).to.deep.equal(['6.25.0', '6.66.0']);
    const { stdout, exitCode } = await execa(join(OWN_SOURCES, 'node_modules/.bin/tsc'), ['-p', path], { reject: false });
    expect([stdout, exitCode]).to.deep.equal(['', 0]);
  });
});
