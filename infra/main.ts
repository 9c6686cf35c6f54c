/** What `cdktf synth` and `cdktf deploy` run: CLEANROOM_ESTATE names the estate file, infra/estates/example.json otherwise. */
import { App } from 'cdktf';
import { EstateError } from './config.ts';
import { DEFAULT_ESTATE, readEstate } from './estate-file.ts';
import { declareStacks } from './stacks.ts';

try {
  const app = new App();
  declareStacks(app, readEstate(process.env.CLEANROOM_ESTATE ?? DEFAULT_ESTATE));
  app.synth();
} catch (error) {
  if (!(error instanceof EstateError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
