import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { expect } from 'chai';
import { printSize, SETTINGS } from '../agent/config.ts';
import { OTHER_VARIABLES } from '../agent/config/layers.ts';

const root = resolve(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const documents = globSync('{*.md,{agent,cli,infra,modules,scripts,stacks,test,examples}/**/*.md}', { cwd: root });

describe('the documentation', () => {
  it('lists every variable of the collector that is no setting, and every flag that is none', () => {
    const text = read('agent/README.md');
    expect([...Object.values(OTHER_VARIABLES), '--config <file>', '--print-config'].filter((name) => !text.includes(`\`${name}\``))).to.deep.equal([]);
  });

  it('lists every setting of the collector with its flag, default, meaning and limits', () => {
    const table = read('agent/README.md').replaceAll('\\|', '|');
    const missing = SETTINGS.filter(({ flag, fallback, kind, description, allowed }) => {
      const row = table.split('\n').find((line) => line.startsWith(`| \`${flag}\` |`));
      if (row === undefined || !row.includes(` ${description}`) || (kind !== 'switch' && !row.includes(`; ${allowed} |`))) return true;
      if (fallback === undefined || typeof fallback === 'boolean' || fallback === '') return false;
      return !row.includes(kind === 'size' ? ` ${printSize(Number(fallback))} ` : ` \`${String(fallback)}\` `);
    });
    expect(missing.map(({ flag }) => flag)).to.deep.equal([]);
  });

  for (const path of documents) {
    it(`${path} leads nowhere that does not exist`, () => {
      const targets = [...read(path).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map((match) => match[1]!);
      expect(targets.filter((target) => !existsSync(join(root, dirname(path), target)))).to.deep.equal([]);
    });

    it(`${path} names only npm scripts that exist`, () => {
      const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
      const named = [...read(path).matchAll(/npm run (?:-s )?([a-z][\w:-]*)/g)].map((match) => match[1]!);
      expect(named.filter((name) => !(name in scripts))).to.deep.equal([]);
    });
  }
});
