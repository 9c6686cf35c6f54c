import { expect } from 'chai';
import { lookupsFor, type UntracedCall } from '../../../modules/acquisition-workflow/handlers/request-ids/lookups.ts';
import { isEventOf, parseTrailEvent, type TrailEvent } from '../../../modules/acquisition-workflow/handlers/request-ids/match.ts';
import { iamEventsRegion } from '../../../modules/audit/reporting-regions.ts';
import { INSTANCE, later, MEMBER, PLACE } from './support.ts';

const ROLE = `arn:aws:iam::${MEMBER}:role/acme/acme-acquisition`;

const aCall = (edit: Partial<UntracedCall['whereabouts']> = {}): UntracedCall => {
  const whereabouts = { eventSource: 'ec2.amazonaws.com', eventName: 'ModifyInstanceAttribute', account: MEMBER, region: PLACE.region, resources: [INSTANCE], from: later(60), to: later(61), ...edit };
  return { sequence: 1, hash: 'a'.repeat(64), time: whereabouts.from, action: `ec2:${whereabouts.eventName}`, account: MEMBER, resources: whereabouts.resources, whereabouts };
};

/** As CloudTrail writes it, with every field that AWS documents. */
const anEvent = (edit: object = {}) => ({
  eventVersion: '1.11',
  userIdentity: {
    type: 'AssumedRole', principalId: 'AROAEXAMPLE:session', arn: `arn:aws:sts::${MEMBER}:assumed-role/acme-acquisition/session`, accountId: MEMBER, accessKeyId: 'ASIAEXAMPLE',
    sessionContext: { sessionIssuer: { type: 'Role', principalId: 'AROAEXAMPLE', arn: ROLE, accountId: MEMBER, userName: 'acme-acquisition' }, attributes: { creationDate: later(0), mfaAuthenticated: 'false' } },
    invokedBy: 'states.amazonaws.com',
  },
  eventTime: later(60).replace(/\.\d+/, ''), eventSource: 'ec2.amazonaws.com', eventName: 'ModifyInstanceAttribute', awsRegion: PLACE.region, sourceIPAddress: 'states.amazonaws.com', userAgent: 'states.amazonaws.com',
  requestParameters: { instanceId: INSTANCE, disableApiTermination: { value: true } },
  responseElements: { requestId: '59a79277-2b02-4ae0-a39f-d39c8ab508e0', _return: true },
  requestID: '59a79277-2b02-4ae0-a39f-d39c8ab508e0', eventID: '435a9a86-8afe-41b7-a09a-931a25287d3f', readOnly: false, eventType: 'AwsApiCall', managementEvent: true, recipientAccountId: MEMBER, eventCategory: 'Management',
  ...edit,
});
const parsed = (edit: object = {}): TrailEvent => parseTrailEvent(JSON.stringify(anEvent(edit)))!;

describe('an event of CloudTrail', () => {
  it('is the call that the custody log names, by name, role, time, resources and parameters', () => {
    expect(isEventOf(parsed(), aCall({ parameters: ['DisableApiTermination'] }), ROLE)).to.equal(true);
  });

  for (const [what, parameters, requestParameters] of [
    ['a list, whose plural EC2 drops', ['BlockDeviceMappings'], { instanceId: INSTANCE, blockDeviceMapping: { items: [{ deviceName: '/dev/sda1' }] } }],
    ['a request inside another, as of newer calls', ['DisableApiStop'], { ModifyInstanceAttributeRequest: { InstanceId: INSTANCE, DisableApiStop: { Value: true } } }],
    ['the value of "attribute"', ['DisableApiTermination'], { instanceId: INSTANCE, attribute: 'disableApiTermination', value: '<sensitiveDataRemoved>' }],
  ] as const) {
    it(`is it also where the parameter is ${what}`, () => expect(isEventOf(parsed({ requestParameters }), aCall({ parameters: [...parameters] }), ROLE)).to.equal(true));
  }

  it('is it also where the resources stand in the answer, in the list of resources, or beside them, as KMS has it', () => {
    const [key, grant] = [`arn:aws:kms:${PLACE.region}:${MEMBER}:key/k`, 'abcde1237f76e4ba7987489ac329fbfba6ad343d6f7075dbd1ef191f0120514a'];
    const edit = { eventSource: 'kms.amazonaws.com', eventName: 'RetireGrant', requestParameters: null, responseElements: null, additionalEventData: { grantId: grant }, resources: [{ accountId: MEMBER, type: 'AWS::KMS::Key', ARN: key }] };
    expect(isEventOf(parsed(edit), aCall({ eventSource: 'kms.amazonaws.com', eventName: 'RetireGrant', resources: [key, grant] }), ROLE)).to.equal(true);
  });

  for (const [what, edit, call] of [
    ['another call of the name', { requestParameters: { instanceId: INSTANCE, disableApiStop: { value: true } } }, { parameters: ['DisableApiTermination'] }],
    ['about another instance', { requestParameters: { instanceId: 'i-0aaaaaaaaaaaaaaaa' } }, {}],
    ['about one of two resources', {}, { resources: [INSTANCE, 'snap-0123456789abcdef0'] }],
    ['of another name', { eventName: 'ModifyInstanceMetadataOptions' }, {}],
    ['of another service', { eventSource: 'rds.amazonaws.com' }, {}],
    ['refused', { errorCode: 'Client.UnauthorizedOperation' }, {}],
    ['too early', { eventTime: later(50).replace(/\.\d+/, '') }, {}],
    ['too late', { eventTime: later(70).replace(/\.\d+/, '') }, {}],
    ['somebody else\'s', { userIdentity: { type: 'AssumedRole', sessionContext: { sessionIssuer: { arn: `arn:aws:iam::${MEMBER}:role/operator` } } } }, {}],
  ] as const) {
    it(`is not, where it is ${what}`, () => expect(isEventOf(parsed(edit), aCall(call as object), ROLE)).to.equal(false));
  }

  it('is passed over where it is none of a role\'s, or cannot be read', () => {
    expect(parseTrailEvent(JSON.stringify(anEvent({ userIdentity: { type: 'Root', arn: `arn:aws:iam::${MEMBER}:root` } })))).to.equal(undefined);
    expect(parseTrailEvent('{"eventVersion"')).to.equal(undefined);
    expect(parseTrailEvent(JSON.stringify({ ...anEvent(), requestParameters: undefined, responseElements: null }))).to.not.equal(undefined);
  });
});

describe('questions to CloudTrail', () => {
  it('are one for all calls of a name that are close to each other, and another where they are far apart', () => {
    const near = [aCall(), aCall({ from: later(70), to: later(80) })];
    const far = aCall({ from: later(7200), to: later(7201) });
    const lookups = lookupsFor([far, ...near], 'aws');
    expect(lookups.map(({ eventName, calls }) => [eventName, calls.length])).to.deep.equal([['ModifyInstanceAttribute', 2], ['ModifyInstanceAttribute', 1]]);
    const [first] = lookups;
    expect([first!.from.getTime() <= Date.parse(later(55)), first!.to.getTime() >= Date.parse(later(85)), first!.to.getTime() < Date.parse(later(1000))]).to.deep.equal([true, true, true]);
  });

  it('go to the account and Region of the call; of IAM, to the Region that has the partition\'s events of IAM', () => {
    const iam = aCall({ eventSource: 'iam.amazonaws.com', eventName: 'TagRole', resources: ['web'] });
    const where = (partition: string) => lookupsFor([aCall(), iam], partition).map(({ account, region, eventName }) => `${account} ${region} ${eventName}`);
    expect(where('aws')).to.deep.equal([`${MEMBER} ${PLACE.region} ModifyInstanceAttribute`, `${MEMBER} us-east-1 TagRole`]);
    expect(where('aws-us-gov')[1]).to.equal(`${MEMBER} us-gov-west-1 TagRole`);
    expect(() => iamEventsRegion('mars')).to.throw(RangeError, 'partition "mars" is not known; aws, aws-us-gov, aws-cn are');
  });

  it('cover a call whose end nobody noted', () => {
    const [{ to } = { to: new Date(0) }] = lookupsFor([aCall({ to: undefined })], 'aws');
    expect(to.getTime()).to.be.at.least(Date.parse(later(60)) + 600_000);
  });
});
