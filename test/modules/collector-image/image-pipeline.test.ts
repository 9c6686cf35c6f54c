import { expect } from 'chai';
import type { PolicyDocument } from '../../../modules/policy.ts';
import { loadEstate, resources, synthEstate, type Synthesized } from '../../infra/helpers/synth.ts';

const stacks = synthEstate(loadEstate('example'));
const emea = stacks.get('image-builder-forensics-emea') as Synthesized;
const all = (type: string) => resources(emea, type);

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
      expect(distribution.map(({ region }: { region: string }) => region), name).to.deep.equal(['eu-west-1', 'eu-central-1']);
      for (const { region, ami_distribution_configuration: ami, ssm_parameter_configuration: [parameter, ...more] } of distribution) {
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
