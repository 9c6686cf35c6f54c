import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expect } from 'chai';
import { transform } from 'esbuild';
import { SABOTAGES } from './sabotages.ts';

const checkout = resolve(import.meta.dirname, '../..');

describe('the sabotages', () => {
  for (const { promise, file, from, to, test } of SABOTAGES) {
    it(`can still break: ${promise}`, async () => {
      const pieces = (await readFile(join(checkout, file), 'utf8')).split(from);
      expect(pieces, `${file} has the line that keeps the promise once: write the new one into sabotages.ts`).to.have.length(2);
      expect(to).not.to.equal(from);
      await transform(pieces.join(to), { loader: 'ts', logLevel: 'silent' }); // what is no program any more is noticed by everybody
      expect(existsSync(join(checkout, `test/${test}.test.ts`)), test).to.equal(true);
    });
  }
});
