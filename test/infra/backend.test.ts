import { expect } from 'chai';
import { join, normalize } from 'node:path';
import { loadEstate, synthEstate } from './helpers/synth.ts';

describe('state', () => {
  it('lies beside cdktf.out where it is local: cdktf deletes the folder of a stack that an estate no longer has', () => {
    const stacks = [...synthEstate(loadEstate('example'))];
    const files = stacks.map(([id, stack]) => {
      const { local } = stack.terraform.backend as { local: { path: string } };
      return normalize(join('cdktf.out', 'stacks', id, local.path));
    });
    expect(files).to.deep.equal(stacks.map(([id]) => `terraform.example.${id}.tfstate`));
  });
});
