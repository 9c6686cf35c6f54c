import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CloudTrailClient } from '@aws-sdk/client-cloudtrail';
import { actionOf, type Service } from '../../../modules/acquisition-workflow/definition/tasks.ts';
import { memberRoleArn, roleArn } from '../../../modules/vocabulary/index.ts';
import type { AwsError } from '../../helpers/aws/bridge.ts';
import { MEMBER, PLACE } from './aws-world.ts';

/** What moto answered, and how. */
export type Answered = {
  readonly state: string;
  readonly service: string;
  readonly action: string;
  readonly args: Record<string, unknown>;
  readonly inMember: boolean;
  /** Milliseconds since 1970, by the clock of the execution. */
  readonly time: number;
  /** Absent where moto does not know the call: then the event gets an id of its own. */
  readonly requestId?: string;
} & ({ readonly answer: unknown } | { readonly error: AwsError });

/** An event as CloudTrail has it. */
export interface TrailRecord {
  readonly eventID: string;
  readonly requestID: string;
  readonly eventTime: string;
  readonly eventSource: string;
  readonly eventName: string;
  readonly awsRegion: string;
  readonly recipientAccountId: string;
  readonly [field: string]: unknown;
}

/** Region that CloudTrail has the events of IAM in. */
const IAM_REGION = 'us-east-1';
const READ_ONLY = /^(describe|get|list|filter)/;
/** What only a trail with data events has, and LookupEvents never. */
const DATA_EVENTS = /^(s3:.*object|cloudwatchlogs:putLogEvents|sns:publish)/i;

/** Names and lists as EC2 writes them: `blockDeviceMapping: { items: […] }`. */
const asEc2 = (value: unknown): unknown => {
  if (Array.isArray(value)) return { items: value.map(asEc2) };
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [`${name.charAt(0).toLowerCase()}${Array.isArray(inner) ? name.slice(1).replace(/s$/, '') : name.slice(1)}`, asEc2(inner)]));
};
const asOthers = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(asOthers);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [`${name.charAt(0).toLowerCase()}${name.slice(1)}`, asOthers(inner)]));
};

/**
 * CloudTrail, which moto has no LookupEvents of: it takes down what moto answered, with the request ids that moto gave, and
 * answers LookupEvents by AWS's rules: newest first, 50 a page at most, one attribute, an account and Region at a time, and
 * nothing that was not delivered yet. Shape of the events: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
 */
export class Trail {
  /** Calls and their events, in order. */
  readonly noted: { readonly call: Answered; readonly event: TrailRecord }[] = [];
  /** Events of others. */
  readonly more: TrailRecord[] = [];
  /** Questions that were asked, as the service got them. */
  readonly asked: { readonly account: string; readonly region: string; readonly eventName: string }[] = [];
  /** Minutes after a call at which it can be looked up. */
  deliveryMinutes = 10;
  /** Answers such a question with an error. */
  refuse: (account: string, region: string) => string | undefined = () => undefined;
  readonly #now: () => number;
  readonly #server = createServer((request, response) => {
    void this.#answer(request).then(({ status, body }) => response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body)));
  });

  /** @param now the time at which questions are asked, milliseconds since 1970 */
  constructor(now: () => number) {
    this.#now = now;
  }

  note(call: Answered): void {
    const [account, role] = call.inMember ? [MEMBER, memberRoleArn(PLACE, MEMBER)] : [PLACE.account, roleArn(PLACE, 'workflow')];
    const [service = '', eventName = ''] = actionOf(call.service as Service, call.action).split(':');
    if (DATA_EVENTS.test(`${call.service}:${call.action}`)) return;
    const shape = service === 'ec2' ? asEc2 : asOthers;
    const readOnly = READ_ONLY.test(call.action);
    this.noted.push({
      call,
      event: {
        eventVersion: '1.11',
        userIdentity: {
          type: 'AssumedRole',
          arn: `arn:aws:sts::${account}:assumed-role/${role.split('/').at(-1)}/wozynIhxRGfTvfRlXhHKONdyrIaAmRyN`,
          accountId: account,
          sessionContext: { sessionIssuer: { type: 'Role', arn: role, accountId: account, userName: role.split('/').at(-1) }, attributes: { mfaAuthenticated: 'false' } },
          invokedBy: 'states.amazonaws.com',
        },
        eventTime: `${new Date(call.time).toISOString().slice(0, 19)}Z`,
        eventSource: `${service}.amazonaws.com`,
        eventName,
        awsRegion: service === 'iam' ? IAM_REGION : PLACE.region,
        sourceIPAddress: 'states.amazonaws.com',
        userAgent: 'states.amazonaws.com',
        ...('error' in call ? { errorCode: `Client.${call.error.code}`, errorMessage: call.error.message } : {}),
        requestParameters: shape(call.args),
        responseElements: readOnly || 'error' in call ? null : shape(call.answer),
        requestID: call.requestId ?? randomUUID(),
        eventID: randomUUID(),
        readOnly,
        eventType: 'AwsApiCall',
        managementEvent: true,
        recipientAccountId: account,
        eventCategory: 'Management',
      },
    });
  }

  async start(): Promise<void> {
    await new Promise<void>((listening) => this.#server.listen(0, '127.0.0.1', listening));
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((closed) => this.#server.close(() => closed()));
  }

  client(account: string, region: string): CloudTrailClient {
    const { port } = this.#server.address() as AddressInfo;
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
    return new CloudTrailClient({ endpoint: `http://127.0.0.1:${port}/${account}`, region, credentials, maxAttempts: 1 });
  }

  async #answer(request: IncomingMessage): Promise<{ readonly status: number; readonly body: object }> {
    let text = '';
    for await (const chunk of request.setEncoding('utf8')) text += chunk;
    const account = request.url?.split('/')[1] ?? '';
    const region = /Credential=[^/]+\/\d+\/([a-z0-9-]+)\//.exec(request.headers.authorization ?? '')?.[1] ?? '';
    const { LookupAttributes = [], StartTime, EndTime, MaxResults = 50, NextToken } = JSON.parse(text) as {
      LookupAttributes?: { AttributeKey: string; AttributeValue: string }[]; StartTime: number; EndTime: number; MaxResults?: number; NextToken?: string;
    };
    const error = (type: string, message: string) => ({ status: 400, body: { __type: type, message } });
    if (request.headers['x-amz-target'] !== 'CloudTrail_20131101.LookupEvents') return error('UnsupportedOperationException', String(request.headers['x-amz-target']));
    if (LookupAttributes.length !== 1 || LookupAttributes[0]!.AttributeKey !== 'EventName') return error('InvalidLookupAttributesException', 'one attribute');
    if (StartTime > EndTime) return error('InvalidTimeRangeException', 'the start is after the end');
    if (MaxResults < 1 || MaxResults > 50) return error('InvalidMaxResultsException', '1 to 50');
    const refused = this.refuse(account, region);
    if (refused !== undefined) return error(refused, `${refused}!`);
    const eventName = LookupAttributes[0]!.AttributeValue;
    this.asked.push({ account, region, eventName });
    const seconds = (event: TrailRecord): number => Date.parse(event.eventTime) / 1000;
    const found = [...this.noted.map(({ event }) => event), ...this.more]
      .filter((event) => event.recipientAccountId === account && event.awsRegion === region && event.eventName === eventName)
      .filter((event) => seconds(event) >= StartTime && seconds(event) <= EndTime && this.#now() >= seconds(event) * 1000 + this.deliveryMinutes * 60_000)
      .toSorted((a, b) => seconds(b) - seconds(a));
    const at = Number(NextToken ?? 0);
    const next = at + MaxResults;
    const page = found.slice(at, next).map((event) => ({ EventId: event.eventID, EventName: eventName, EventTime: seconds(event), CloudTrailEvent: JSON.stringify(event) }));
    return { status: 200, body: { Events: page, ...(next < found.length ? { NextToken: String(next) } : {}) } };
  }
}
