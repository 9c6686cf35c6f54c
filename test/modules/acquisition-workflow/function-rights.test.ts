import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { FUNCTION_STATEMENTS } from '../../../modules/acquisition-workflow/policies/functions.ts';
import { HANDLERS, type HandlerName } from '../../../modules/vocabulary/index.ts';

/** Sources of a handler whose calls it makes itself, with its own role; what `release` calls, it calls as the member's role. */
const SOURCES: Readonly<Record<HandlerName, readonly string[]>> = {
  'open-case': ['open-case/open-case', 'records', 'members'],
  preflight: ['preflight/keys', 'preflight/quotas', 'preflight/surroundings', 'members', 'enter-account'],
  record: ['record/record', 'record/ending', 'record/audit-log', 'records'],
  'verify-evidence': ['verify/verify-evidence', 'verify/stored-object', 'verify/record-checks', 'verify/image-checks'],
  'ask-approval': ['approval/ask-approval', 'records'],
  release: ['release/release', 'records', 'members', 'enter-account'],
  'store-console': ['store-console'],
  'request-ids': ['request-ids/request-ids', 'request-ids/trail', 'records', 'members', 'enter-account'],
  'sweep-orphans': ['sweep-orphans', 'sweep/found', 'records'],
};

/** Actions that a call needs, where they are not of its name; none where it is made as somebody else. */
const ACTIONS: Readonly<Record<string, readonly string[]>> = {
  HeadObject: ['s3:GetObject'],
  ListObjectsV2: ['s3:ListBucket'],
  GetObjectLockConfiguration: ['s3:GetBucketObjectLockConfiguration'],
  ListAliases: [], // in the monitored account
  CreateGrant: [], // there too, and a dry run
};

/** Granted for what no single call in the sources says: keys behind S3 and SNS, queues that Lambda reads, roles, versions, "not found" instead of "forbidden". */
const IMPLIED = /^(kms:(Decrypt|GenerateDataKey)|sts:(AssumeRole|TagSession)|sqs:(SendMessage|ReceiveMessage|DeleteMessage|GetQueueAttributes)|s3:ListBucket|s3:GetObjectVersion|s3:GetObjectRetention|logs:\w+)$/;

const clientOf = (source: string, name: string): string =>
  [...source.matchAll(/import \{([^}]*)\} from '@aws-sdk\/client-([a-z0-9-]+)'/g)].find(([, names = '']) => names.split(',').some((one) => one.trim().replace(/^type /, '') === name))?.[2] ?? '';
const PREFIXES: Readonly<Record<string, string>> = { 'cloudwatch-logs': 'logs', 'service-quotas': 'servicequotas', sfn: 'states' };

/** Actions of the calls in one file. */
function actionsIn(file: string): readonly string[] {
  const source = readFileSync(new URL(`../../../modules/acquisition-workflow/handlers/${file}.ts`, import.meta.url), 'utf8');
  return [...source.matchAll(/new (\w+)Command\(|paginate(\w+)\(/g)].flatMap(([, command, paginated]) => {
    const name = command ?? paginated ?? '';
    const client = clientOf(source, command === undefined ? `paginate${name}` : `${name}Command`);
    return ACTIONS[name] ?? [`${PREFIXES[client] ?? client}:${name}`];
  });
}

const grantsOf = (handler: HandlerName): readonly string[] =>
  FUNCTION_STATEMENTS[handler]({ prefix: 'cleanroom', partition: 'aws', account: '111122223333', region: 'eu-west-1', logPrefix: '', memberAccounts: [], organizationId: 'o-1', logArchiveAccount: '1' }).flatMap(({ Action = [] }) =>
    typeof Action === 'string' ? [Action] : Action,
  );

describe('the rights of a function', () => {
  for (const handler of HANDLERS) {
    it(`${handler}: every call that its handler makes is granted, and nothing is granted that it never calls`, () => {
      const called = new Set(SOURCES[handler].flatMap(actionsIn).filter((action) => handler !== 'sweep-orphans' || action !== 's3:PutObject')); // it is given records to read alone
      const granted = new Set(grantsOf(handler));
      expect([...called].filter((action) => !granted.has(action)), 'called, not granted').to.deep.equal([]);
      expect([...granted].filter((action) => !called.has(action) && !IMPLIED.test(action)), 'granted, never called').to.deep.equal([]);
    });
  }
});
