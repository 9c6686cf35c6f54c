import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { EstateError, parseEstate, type EstateInput } from '../../infra/config.ts';
import { printPlan } from '../../infra/plan-order.ts';
import { planStacks } from '../../infra/plan.ts';
import { estateSchema, SCHEMA_FILE } from '../../infra/schema.ts';
import type { Loose } from './helpers/loose.ts';
import { estateInput, loadEstate, synthEstate } from './helpers/synth.ts';

/** What is said about the example after a change. */
function problemsAfter(change: (estate: Loose) => void, from: 'example' | 'minimal' = 'example'): readonly string[] {
  const input = estateInput(from);
  change(input);
  try {
    parseEstate(input, 'estate');
    return [];
  } catch (error) {
    if (!(error instanceof EstateError)) throw error;
    return error.problems.map(({ path, got, allowed }) => `${path}: got ${got}; ${allowed}`);
  }
}

const WRONG: Readonly<Record<string, readonly [(estate: Loose) => void, string]>> = {
  'a version it does not know': [(estate) => (estate.version = 2), 'version: got 2; version 1 is allowed'],
  'a key that is no key': [(estate) => (estate.accounts.manager = {}), 'accounts.manager: got {}; only these keys are allowed: management, securityTooling, logArchive, forensic'],
  'a prefix too long for bucket names': [(estate) => (estate.prefix = 'averylongprefix'), 'prefix: got "averylongprefix"; 2 to 12 lower-case letters and digits, a letter first, are allowed'],
  'an account id with a digit too few': [(estate) => (estate.accounts.logArchive.id = '12345678901'), 'accounts.logArchive.id: got "12345678901"; an account id of 12 digits is allowed'],
  'a block that is too large': [(estate) => (estate.regions['us-east-1'].cidr = '172.16.0.0/12'), 'regions.us-east-1.cidr: got "172.16.0.0/12"; an IPv4 block of /16 to /24 is allowed'],
  'a block that does not start on its boundary': [(estate) => (estate.regions['us-east-1'].cidr = '10.80.33.0/20'), 'regions.us-east-1.cidr: got "10.80.33.0/20"; a block that starts on its own boundary is allowed'],
  'blocks that overlap': [(estate) => (estate.regions['us-east-1'].cidr = '10.80.0.0/16'), 'regions.us-east-1.cidr: got "10.80.0.0/16"; a block that no other Region uses is allowed; eu-west-1 has 10.80.0.0/20'],
  'one zone only': [(estate) => (estate.regions['us-east-1'].zones = ['us-east-1a']), 'regions.us-east-1.zones: got ["us-east-1a"]; 2 or 3 zones are allowed'],
  'a zone of another Region': [(estate) => (estate.regions['us-east-1'].zones = ['us-east-1a', 'eu-west-1a']), 'regions.us-east-1.zones[1]: got "eu-west-1a"; a zone of us-east-1 is allowed'],
  'a Region without an account': [(estate) => estate.accounts.forensic.pop(), 'regions.us-east-1: got {"cidr":"10.80.32.0/20","zones":["us-east-1b","us-east-1d"]}; a Region needs a forensic account that lists it in accounts.forensic[].regions'],
  'a Region with two accounts': [(estate) => estate.accounts.forensic[1].regions.push('eu-west-1'), 'accounts.forensic[1].regions[1]: got "eu-west-1"; a Region belongs to one account; forensics-emea has this one'],
  'a forensic account that is the management account': [(estate) => (estate.accounts.forensic[0].id = '100000000001'), 'accounts.forensic[0].id: got "100000000001"; an account other than the management account is allowed: no policy binds that one'],
  'an organization without its id': [(estate) => delete estate.organization.id, 'organization.id: got nothing; an existing organization needs its id, o-…'],
  'an account without id and without e-mail': [(estate) => (estate.accounts.logArchive = {}), 'accounts.logArchive.id: got nothing; an account needs an id, or "create" with an e-mail address'],
  'a Region that no compass knows': [(estate) => (estate.backend = { type: 's3', bucket: 'states', region: 'eu-wset-1' }), 'backend.region: got "eu-wset-1"; a Region such as eu-west-1 is allowed'],
  'a principal of another partition': [
    (estate) => (estate.access.roles['break-glass'].principals = ['arn:aws-us-gov:iam::100000000002:root']),
    'access.roles.break-glass.principals[0]: got "arn:aws-us-gov:iam::100000000002:root"; an ARN of the partition aws is allowed; "partition" says which it is',
  ],
  'a key of somebody else': [
    (estate) => (estate.monitoredAccounts[1].sourceKeyArns = ['arn:aws:kms:eu-west-1:200000000001:key/1']),
    'monitoredAccounts[1].sourceKeyArns[0]: got "arn:aws:kms:eu-west-1:200000000001:key/1"; a key of the monitored account itself, 200000000002, is allowed',
  ],
  'a service that is delegated twice': [
    (estate) => estate.organization.delegatedServices.push('guardduty.amazonaws.com'),
    'organization.delegatedServices[2]: got "guardduty.amazonaws.com"; a service is allowed once; organization.delegatedServices[0] has the same',
  ],
  'two units of one name': [(estate) => (estate.organization.securityUnit = 'forensics'), 'organization.securityUnit: got "forensics"; a unit\'s name is allowed once; organization.forensicUnit has the same'],
  'an address that is told twice': [(estate) => estate.notifications.emails.push('Security@example.com'), 'notifications.emails[1]: got "Security@example.com"; an address is allowed once; notifications.emails[0] has the same'],
  'a forensic account that is called as another kind is': [
    (estate) => {
      estate.accounts.forensic[1].name = 'log-archive';
    },
    'accounts.forensic[1].name: got "log-archive"; a name other than "security-tooling" and "log-archive" is allowed: those accounts have them',
  ],
  'a role with the word that stands before it': [
    (estate) => (estate.keys = { administratorRoles: ['role/admin'] }),
    'keys.administratorRoles[0]: got "role/admin"; an IAM role name (with its path, as in teams/admin, without "role/") is allowed',
  ],
  'a role that is none of the roles': [(estate) => (estate.access.roles.investigater = {}), 'access.roles.investigater: got {}; only these keys are allowed: responder, investigator, data-custodian, analyst, break-glass'],
  'an architecture that it cannot build': [(estate) => (estate.images.bundles.x86 = 'ab'), 'images.bundles.x86: got "ab"; only these keys are allowed: x86_64, arm64'],
  'a trigger that is none': [(estate) => (estate.workflow = { triggers: { tags: {} } }), 'workflow.triggers.tags: got {}; only these keys are allowed: guardduty, securityHubImports, securityHubFindings, securityHubAction, tag'],
  'a severity off the scale': [(estate) => (estate.workflow = { triggers: { guardduty: { minimumSeverity: 11 } } }), 'workflow.triggers.guardduty.minimumSeverity: got 11; 1 to 10 is allowed'],
  'an e-mail address twice': [
    (estate) => (estate.accounts.forensic[1].create.email = 'Forensics-EMEA@example.com'),
    'accounts.forensic[1].create.email: got "Forensics-EMEA@example.com"; an account\'s e-mail address is allowed once; accounts.forensic[0].create.email has the same',
  ],
  'an external id that is easy to guess': [(estate) => (estate.monitoredAccounts[0].externalId = 'shop'), 'monitoredAccounts[0].externalId: got "shop"; 16 to 128 letters, digits and "+=,.@:/_-" are allowed'],
  'images built by nobody': [(estate) => (estate.images.builtBy = 'forensics-moon'), 'images.builtBy: got "forensics-moon"; the name of a forensic account is allowed: forensics-emea, forensics-amer'],
  'two persons without somebody to ask': [(estate) => delete estate.access.approvalBrokerArn, 'access.roles.data-custodian.twoPersonRule: got true; the two-person rule needs access.approvalBrokerArn'],
  'a legal hold shorter than the investigation': [(estate) => (estate.retention.legalHold.days = 30), 'retention.legalHold.days: got 30; at least the retention of "active" (365 days) is allowed'],
  'an upload given up too soon': [(estate) => (estate.retention.abandonedUploadDays = 3), 'retention.abandonedUploadDays: got 3; 14 to 365 days are allowed'],
  'keys that nobody administers': [
    (estate) => delete estate.deployment,
    'keys.administratorRoles: got nothing; a role that administers the keys is needed here, or in deployment.roleName: KMS refuses a key that nobody administers',
  ],
  'an S3 policy without an organization': [
    (estate) => {
      estate.organization = { mode: 'none' };
      estate.accounts.forensic.forEach((account: Loose) => delete account.create);
      estate.seal = { s3Policy: true };
    },
    'seal.s3Policy: got true; false is allowed where there is no organization: nothing else takes an S3 policy',
  ],
  'a principal that is everybody': [(estate) => (estate.access.principals = ['*']), 'access.principals[0]: got "*"; the ARN of an IAM role or of an account\'s root is allowed'],
};

describe('an estate file', () => {
  for (const name of ['example', 'minimal'] as const) {
    it(`${name}.json is valid, and every stack of it synthesises without credentials`, () => {
      const estate = loadEstate(name);
      expect([...synthEstate(estate).keys()]).to.deep.equal(planStacks(estate).map(({ id }) => id));
    });
  }

  for (const [what, [change, message]] of Object.entries(WRONG)) {
    it(`refuses ${what}, with path, value and what is allowed`, () => {
      expect(problemsAfter(change)).to.deep.equal([message]);
    });
  }

  it('is told everything that is wrong at once, across fields as well as in them', () => {
    const problems = problemsAfter((estate) => {
      estate.version = 3;
      estate.regions['us-east-1'].cidr = '10.80.0.0/20';
      estate.monitoredAccounts[1].id = 'x';
      delete estate.access.approvalBrokerArn;
    });
    expect(problems.map((problem) => problem.split(':')[0])).to.deep.equal(['version', 'monitoredAccounts[1].id', 'regions.us-east-1.cidr', 'access.roles.data-custodian.twoPersonRule']);
  });

  it('survives input of any shape: a text, a list, nothing', () => {
    for (const input of ['estate', [], null, undefined, 7, { accounts: { forensic: 'one' }, regions: [], access: { roles: 1 }, monitoredAccounts: {} }]) {
      expect(() => parseEstate(input, 'it')).to.throw(EstateError, /it is not a valid estate/);
    }
  });

  it('refuses the Regions of another partition', () => {
    const problems = problemsAfter((estate) => (estate.partition = 'aws-cn'), 'minimal');
    expect(problems[0]).to.equal('regions.eu-central-1: got {"cidr":"10.80.0.0/20"}; a Region of the partition aws-cn is allowed; "partition" says which it is');
  });

  it('gives a terminal nothing of the file but printable text, in keys, in values and in names that are allowed', () => {
    const input = estateInput('example') as Loose;
    input['\u001b[2J\nkey'] = 1;
    input.name = '\u009b31m\u202e';
    input.accounts.forensic[0].name = 'a\u001b]0;title\u0007';
    expect(() => parseEstate(input, 'it')).to.throw(EstateError, /^[\x20-\x7e\n…]*\\u\{1b\}\[2J\\u\{a\}key: got 1;[\x20-\x7e\n…]*$/);
  });

  it('has a JSON Schema for editors that is the schema it is checked by', () => {
    expect(readFileSync(SCHEMA_FILE, 'utf8')).to.equal(estateSchema());
  });
});

describe('the order of deployment', () => {
  it('never puts a stack before one that it waits for, and ends with the seal', () => {
    const stacks = planStacks(loadEstate('example'));
    const position = new Map(stacks.map(({ id }, index) => [id, index]));
    for (const { id, after } of stacks) for (const before of after) expect(position.get(before), `${before} before ${id}`).to.be.lessThan(position.get(id) ?? 0);
    expect(stacks.at(0)?.id).to.equal('organization');
    expect(stacks.at(-1)?.id).to.equal('seal');
  });

  it('has neither organization nor seal where there is one account', () => {
    expect(printPlan(planStacks(loadEstate('minimal'))).split('\n').map((line) => line.split(/\s+/)[1])).to.deep.equal(['log-archive-eu-central-1', 'forensics-eu-central-1', 'evidence-eu-central-1']);
  });

  it('says what a new organization\'s stacks still wait for', () => {
    const input = estateInput('example') as EstateInput & { organization: Loose };
    input.organization.mode = 'new';
    delete input.organization.id;
    delete input.accounts.forensic[0]?.id;
    const estate = parseEstate(input, 'new');
    expect([...synthEstate(estate).keys()]).to.deep.equal(['organization']);
    expect(printPlan(planStacks(estate))).to.match(/forensics-eu-west-1\s+\(no id yet\)\s+eu-west-1\s+waits: organization.id is not filled in yet; accounts.forensic forensics-emea has no id yet/);
  });
});
