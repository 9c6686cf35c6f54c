import { expect } from 'chai';
import { execa } from 'execa';
import { fileURLToPath } from 'node:url';
import { loadEstate, synthEstate } from './helpers/synth.ts';

const probe = fileURLToPath(new URL('helpers/synth-on-fork.ts', import.meta.url));

/** Names and versions aside: what the two generators call themselves. */
const withoutNames = (stacks: unknown): unknown => JSON.parse(JSON.stringify(stacks, (key, value: unknown) => (key === '//' ? undefined : value)));

describe('the living fork of cdktf', function () {
  this.timeout(120_000);

  it('synthesises the same JSON from the same sources, for every stack of both estates', async () => {
    const { stdout } = await execa(process.execPath, ['--no-warnings', probe]);
    const onFork = JSON.parse(stdout) as { loaded: string[]; stacks: unknown };
    expect(onFork.loaded, 'the fork, and only the fork, was loaded').to.deep.equal(['cdktn', '@cdktn/provider-aws']);
    const here = Object.fromEntries((['example', 'minimal'] as const).flatMap((name) => [...synthEstate(loadEstate(name))].map(([id, stack]) => [`${name}/${id}`, stack])));
    expect(withoutNames(onFork.stacks)).to.deep.equal(withoutNames(here));
  });
});
