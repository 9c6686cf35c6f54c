import { expect } from 'chai';
import { componentDocument, contentName, literal } from '../../../modules/collector-image/component-data.ts';
import { collectorRecipe, workstationRecipe, type ImageRecipe, type RecipeOptions } from '../../../modules/collector-image/recipe.ts';
import { parametersOf, parseComponent } from '../../helpers/component-document.ts';
import { FAULTS } from '../../image/faults.ts';

const options: RecipeOptions = { architecture: 'arm64', artifactBucket: 'artifacts', collectorVersion: '0.1.0', bundleSha256: 'a'.repeat(64) };
const recipes: readonly ImageRecipe[] = [collectorRecipe(options), workstationRecipe(options)];

describe('an image\'s recipe', () => {
  it('is equal for equal input, and names every version and digest of what we install', () => {
    expect(collectorRecipe(options)).to.deep.equal(collectorRecipe({ ...options }));
    const [dc3dd, collector] = collectorRecipe(options).components;
    expect(dc3dd!.parameters).to.include({ DebianVersion: '7.2.646-6' });
    expect(dc3dd!.parameters['SourceSha256']).to.match(/^[0-9a-f]{64}$/);
    expect(collector!.parameters).to.deep.equal({
      BundleUri: 's3://artifacts/collector/cleanroom-collector-0.1.0-linux-arm64.tar.gz',
      BundleSha256: 'a'.repeat(64),
    });
  });

  it('hardens after it installed, and verifies last', () => {
    expect(collectorRecipe(options).components.map(({ name }) => name)).to.deep.equal(['dc3dd', 'collector', 'harden', 'verify']);
  });

  it('refuses a tool whose name is more than a name', () => {
    for (const name of ['jq; reboot', '$(id)', '--root=/', '']) {
      expect(() => workstationRecipe(options, [{ package: name, command: 'jq' }]), name).to.throw(RangeError, 'got the tool');
      expect(() => workstationRecipe(options, [{ package: 'jq', command: name }]), name).to.throw(RangeError, 'got the tool');
    }
  });

  for (const { purpose, components } of recipes) {
    for (const { name, parameters } of components) {
      it(`has, for the ${purpose}, a document ${name} in the documented schema, and gives it all that it asks for and nothing else`, () => {
        const text = componentDocument(name);
        const { declared, used } = parametersOf(text);
        expect(used).to.have.members(declared);
        expect(Object.keys(parameters)).to.have.members(declared);
        const phases = parseComponent(text).phases.map((phase) => phase.name);
        expect(phases).to.deep.equal(name === 'verify' ? ['validate', 'test'] : ['build', 'validate', 'test']);
        for (const { steps } of parseComponent(text).phases) for (const step of steps) expect(step.onFailure, step.name).to.equal('Abort');
      });
    }
  }

  it('has no step that `npm run test:components` does not make fail, in either distribution', () => {
    const steps = recipes.flatMap(({ components }) => components.flatMap(({ name }) => parseComponent(componentDocument(name)).phases.flatMap((phase) => phase.steps.map((step) => step.name))));
    for (const distribution of ['debian', 'amazon']) {
      const failing = FAULTS.filter(({ only }) => (only ?? distribution) === distribution).map(({ step }) => step);
      expect([...new Set(failing)], distribution).to.have.members([...new Set(steps)]);
    }
  });

  it('names its immutable parts after their content, but not after what only Terraform knows', () => {
    expect(contentName('a')).to.match(/^[0-9a-f]{8}$/).and.not.equal(contentName('b'));
    expect(contentName('${TfToken[TOKEN.1]}-x')).to.equal(contentName('${TfToken[TOKEN.22]}-x'));
  });

  it('keeps Terraform from reading a document\'s braces', () => {
    expect(literal('${a} %{b} $c {{ d }}')).to.equal('$${a} %%{b} $c {{ d }}');
  });
});
