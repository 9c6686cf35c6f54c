/** What `cdktf synth` and `cdktf deploy` run: CLEANROOM_ESTATE names the estate file, infra/estates/example.json otherwise. */
import { App } from 'cdktf';
import { join } from 'node:path';
import { writeHandlers } from './bundle-handlers.ts';
import { EstateError } from './config.ts';
import { DEFAULT_ESTATE, readEstate } from './estate-file.ts';
import { declareStacks } from './stacks.ts';

try {
  const app = new App();
  const estate = readEstate(process.env.CLEANROOM_ESTATE ?? DEFAULT_ESTATE);
  const { sha256 } = await writeHandlers(join(app.outdir, 'handlers.zip'));
  // Two folders above each stack's own, wherever the output is moved to.
  declareStacks(app, estate, { handlers: { file: `\${path.module}/../../handlers.zip`, sha256 } });
  app.synth();
} catch (error) {
  if (!(error instanceof EstateError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
