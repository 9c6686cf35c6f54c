import { expect } from 'chai';
import type { PolicyDocument, PolicyStatement } from '../../../modules/policy.ts';
import { loadEstate, resources, synthEstate, type Synthesized } from '../../infra/helpers/synth.ts';

const stacks = synthEstate(loadEstate('example'));
const emea = stacks.get('image-builder-forensics-emea') as Synthesized;
const all = (type: string) => resources(emea, type);

const HOMES = ['eu-west-1', 'eu-central-1'];

describe('the image builder of a forensic account', () => {
  it('builds the collector and the workstation, for both architectures, on the first of every month, with tests', () => {
    const pipelines = all('aws_imagebuilder_image_pipeline');
    expect(pipelines.map(({ name }) => name)).to.have.members(['cleanroom-collector-x86-64', 'cleanroom-collector-arm64', 'cleanroom-workstation-x86-64', 'cleanroom-workstation-arm64']);
    for (const { schedule, image_tests_configuration: tests, status } of pipelines) {
      expect(schedule).to.deep.equal({ schedule_expression: 'cron(0 3 1 * ? *)', timezone: 'Etc/UTC', pipeline_execution_start_condition: 'EXPRESSION_MATCH_ONLY' });
      expect(tests.image_tests_enabled).to.equal(true);
      expect(status).to.equal('ENABLED');
    }
  });

  it('copies each image to every Region of the account, encrypted under that Region\'s key, for nobody else to launch, and publishes its id there', () => {
    for (const { name, distribution } of all('aws_imagebuilder_distribution_configuration')) {
      expect(distribution.map(({ region }: { region: string }) => region), name).to.deep.equal([...HOMES, 'us-east-1']);
      for (const { region, ami_distribution_configuration: ami, ssm_parameter_configuration: [parameter, ...more] } of distribution.filter(({ region: where }: { region: string }) => HOMES.includes(where))) {
        expect(ami.kms_key_id, name).to.match(region === 'eu-west-1' ? /^\$\{aws_kms_key\./ : /^\$\{aws_kms_replica_key\.Key-eu-central-1/);
        expect(ami, name).to.not.have.any.keys('launch_permission', 'target_account_ids');
        for (const published of [parameter, ...more]) expect(published, 'an account that is no target may own no parameter').to.have.all.keys('parameter_name', 'data_type');
        expect(parameter).to.deep.equal({
          data_type: 'aws:ec2:image',
          parameter_name: `/cleanroom/${region}/image/${String(name).replace('cleanroom-', '').replace('x86-64', 'x86_64')}`,
        });
        const started = name === 'cleanroom-collector-x86-64';
        expect(more.map(({ parameter_name: also }: { parameter_name: string }) => also), name).to.deep.equal(started ? [`/cleanroom/${region}/collector-image/image-id`] : []);
      }
    }
  });

  it('asks for no inventory of packages: neither the pipeline\'s role nor the instance\'s may make one', () => {
    expect(all('aws_imagebuilder_image_pipeline').map(({ enhanced_image_metadata_enabled: enhanced }) => enhanced)).to.deep.equal([false, false, false, false]);
    const granted = all('aws_iam_role_policy').flatMap(({ policy }) => (JSON.parse(String(policy)) as PolicyDocument).Statement.flatMap(({ Action }) => Action ?? []));
    expect(granted).to.include('ssm:SendCommand');
    expect(granted.filter((action) => /^ssm:.*(Association|Inventory)/.test(action))).to.deep.equal([]);
  });

  it('delivers each image to the other forensic account: a copy of its own, under its own key, and the id in its own parameters', () => {
    for (const { name, distribution } of all('aws_imagebuilder_distribution_configuration')) {
      const { ami_distribution_configuration: ami, ssm_parameter_configuration: parameters } = distribution.at(-1);
      expect(ami.target_account_ids, name).to.deep.equal(['100000000005']);
      expect(ami.kms_key_id).to.equal('arn:aws:kms:us-east-1:100000000005:alias/cleanroom-images');
      expect(ami).to.not.have.property('launch_permission');
      const own = `/cleanroom/us-east-1/image/${String(name).replace('cleanroom-', '').replace('x86-64', 'x86_64')}`;
      expect(parameters.map(({ parameter_name: parameter, ami_account_id: owner }: Record<string, string>) => [parameter, owner])).to.deep.equal([
        [own, '100000000005'],
        ...(name === 'cleanroom-collector-x86-64' ? [['/cleanroom/us-east-1/collector-image/image-id', '100000000005']] : []),
      ]);
    }
  });

  it('builds once for all: the other account has a key and what takes delivery, comes before, and keeps no way for builds', () => {
    const amer = stacks.get('image-builder-forensics-amer') as Synthesized;
    expect(resources(amer, 'aws_imagebuilder_image_pipeline')).to.deep.equal([]);
    expect(resources(amer, 'aws_iam_role').map(({ name, path }) => [name, path])).to.have.deep.members([
      ['EC2ImageBuilderDistributionCrossAccountRole', undefined],
      ['Ec2ImageBuilderCrossAccountLifecycleAccess', undefined],
    ]);
    expect(resources(amer, 'aws_kms_alias').map(({ name }) => name)).to.deep.equal(['alias/cleanroom-images']);
    const order = [...stacks.keys()];
    expect(order.indexOf('image-builder-forensics-amer')).to.be.below(order.indexOf('image-builder-forensics-emea'));
    const services = resources(stacks.get('forensics-us-east-1') as Synthesized, 'aws_vpc_endpoint').map(({ service_name: name }) => name);
    expect(services).to.not.include('com.amazonaws.us-east-1.imagebuilder');
  });

  it('builds in each account where the estate names none that builds for all, and then the seal lets nobody share', () => {
    const estate = loadEstate('example');
    const alone = synthEstate({ ...estate, images: { ...estate.images!, builtBy: undefined } });
    const amer = alone.get('image-builder-forensics-amer') as Synthesized;
    expect(resources(amer, 'aws_imagebuilder_distribution_configuration').flatMap(({ distribution }) => distribution.map(({ region }: { region: string }) => region))).to.deep.equal(Array.from({ length: 4 }, () => 'us-east-1'));
    const sharing = (seal: Synthesized | undefined): readonly PolicyStatement[] =>
      resources(seal as Synthesized, 'aws_organizations_policy')
        .filter(({ type }) => type === 'SERVICE_CONTROL_POLICY')
        .flatMap(({ content }) => (JSON.parse(content) as PolicyDocument).Statement)
        .filter(({ Action }) => [Action].flat().some((action) => action === 'ec2:ModifyImageAttribute' || action === 'ec2:ModifySnapshotAttribute'));
    expect(sharing(alone.get('seal')).map(({ Sid }) => String(Sid)).toSorted()).to.deep.equal(['DenyExports', 'DenySnapshotWeakening']);
    expect(JSON.stringify(sharing(alone.get('seal')))).to.not.contain('image-pipeline');
    expect(JSON.stringify(sharing(stacks.get('seal')))).to.contain('arn:aws:iam::100000000004:role/cleanroom/cleanroom-image-pipeline-eu-west-1');
  });

  it('deprecates old images, and deletes none', () => {
    const policies = all('aws_imagebuilder_lifecycle_policy');
    expect(policies).to.have.length(4);
    for (const { policy_detail: [detail] } of policies) {
      expect(detail.action).to.deep.equal([{ type: 'DEPRECATE', include_resources: [{ amis: true, snapshots: false }] }]);
      expect(detail.filter).to.deep.equal([{ type: 'AGE', unit: 'MONTHS', value: 3, retain_at_least: 1 }]);
    }
  });

  it('builds on instances without a public way in: IMDSv2, the isolated subnet, no key pair, gone when a build fails', () => {
    for (const infrastructure of all('aws_imagebuilder_infrastructure_configuration')) {
      expect(infrastructure).to.include({ terminate_instance_on_failure: true });
      expect(infrastructure.instance_metadata_options).to.deep.equal({ http_tokens: 'required', http_put_response_hop_limit: 1 });
      expect(infrastructure.security_group_ids).to.deep.equal(['${data.aws_ssm_parameter.collectorSecurityGroupId.insecure_value}']);
      expect(infrastructure).to.not.have.property('key_pair');
    }
    for (const { block_device_mapping: [root] } of all('aws_imagebuilder_image_recipe')) expect(root.ebs.encrypted).to.equal('true');
  });

  it('waits for its network, and the seal waits for it', () => {
    expect([...stacks.keys()].indexOf('image-builder-forensics-emea')).to.be.within([...stacks.keys()].indexOf('evidence-eu-west-1'), [...stacks.keys()].indexOf('seal'));
    const forensics = stacks.get('forensics-eu-west-1') as Synthesized;
    const services = resources(forensics, 'aws_vpc_endpoint').map(({ service_name: name }) => name);
    expect(services).to.include('com.amazonaws.eu-west-1.imagebuilder');
  });

  it('is there only where the estate asks for images', () => {
    expect([...synthEstate(loadEstate('minimal')).keys()].filter((id) => id.startsWith('image-builder'))).to.deep.equal([]);
  });
});
