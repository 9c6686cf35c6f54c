/** Prints all stacks of both estates as the living fork synthesises them: every import of cdktf is answered by cdktn. */
import { registerHooks } from 'node:module';

const loaded = new Set<string>();
registerHooks({
  resolve(specifier, context, next) {
    const renamed = specifier.replace(/^cdktf(?=\/|$)/, 'cdktn').replace(/^@cdktf\/provider-aws(?=\/|$)/, '@cdktn/provider-aws');
    const resolved = next(renamed, context);
    const name = /node_modules\/((?:@cdkt[fn]\/)?(?:cdkt[fn]|provider-aws))\//.exec(resolved.url)?.[1];
    if (name !== undefined) loaded.add(name);
    return resolved;
  },
});

const { loadEstate, synthEstate } = await import('./synth.ts');
const stacks = Object.fromEntries((['example', 'minimal'] as const).flatMap((name) => [...synthEstate(loadEstate(name))].map(([id, stack]) => [`${name}/${id}`, stack])));
process.stdout.write(JSON.stringify({ loaded: [...loaded].toSorted((a, b) => Number(a.startsWith('@')) - Number(b.startsWith('@'))), stacks }));
