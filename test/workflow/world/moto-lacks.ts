import { AwsError, type Told } from '../../helpers/aws/bridge.ts';
import { roleArn } from '../../../modules/vocabulary/index.ts';
import { PLACE, type AwsWorld } from './aws-world.ts';

interface Call {
  readonly service: string;
  readonly action: string;
  readonly args: Record<string, unknown>;
  readonly inMember: boolean;
}

/** Operations that moto does not know at all, and what AWS answers. One that moto learns fails the end-to-end test, and goes. */
export const MOTO_LACKS: Readonly<Record<string, (args: Record<string, unknown>, world: AwsWorld) => unknown>> = {
  'ec2:getConsoleScreenshot': ({ InstanceId }) => ({ InstanceId, ImageData: Buffer.from([0xff, 0xd8, 0xff, 0xe0]).toString('base64') }),
  'ec2:lockSnapshot': ({ SnapshotId, LockDuration }) => ({
    SnapshotId,
    LockState: 'governance',
    LockExpiresOn: new Date(Date.now() + Number(LockDuration) * 86_400_000).toISOString(),
  }),
  'service-quotas:listServiceQuotas': ({ ServiceCode }, { quotas }) => ({ Quotas: quotas[ServiceCode as string] ?? [] }),
  'securityhub:batchUpdateFindings': ({ FindingIdentifiers }) => ({ ProcessedFindings: FindingIdentifiers, UnprocessedFindings: [] }),
};

/** What calls with a client token were answered. */
const tokens = new WeakMap<AwsWorld, Map<string, { readonly request: string; readonly answer: Promise<unknown> }>>();

/** moto takes client tokens and forgets them. EC2 gives the answer of the first call again, and refuses other parameters. */
async function once(world: AwsWorld, { service, action, args, inMember }: Call, make: () => Promise<unknown>): Promise<unknown> {
  if (!tokens.has(world)) tokens.set(world, new Map());
  const known = tokens.get(world)!;
  const [key, request] = [`${inMember} ${service} ${action} ${String(args['ClientToken'])}`, JSON.stringify(args)];
  const before = known.get(key);
  if (before && before.request !== request) throw new AwsError('IdempotentParameterMismatch', 'The client token you have provided is already associated with a resource and the parameters do not match.', 400);
  if (before) return before.answer;
  const answer = make();
  known.set(key, { request, answer });
  answer.catch(() => known.delete(key)); // what was refused has made nothing
  return answer;
}

/** What `moto` cannot do with what it knows. */
export const fillIn = (world: AwsWorld, call: Call, real: () => Promise<unknown>, told?: Told): Promise<unknown> =>
  typeof call.args['ClientToken'] === 'string' ? once(world, call, () => filledIn(world, call, real, told)) : filledIn(world, call, real, told);

async function filledIn(world: AwsWorld, call: Call, real: () => Promise<unknown>, told?: Told): Promise<unknown> {
  const name = `${call.service}:${call.action}`;
  if (name in MOTO_LACKS) return MOTO_LACKS[name]!(call.args, world);
  if (call.service === 'ec2' && !call.inMember && (call.action === 'copySnapshot' || call.action === 'createVolume')) return fromShared(world, call, told);
  if (call.action === 'attachVolume') await refuseAttached(world, call);
  if (call.service === 'kms' && !call.inMember) return throughGrant(world, call, told);
  if (call.action === 'getConsoleOutput') return encoded((await real()) as { Output?: string });
  if (call.action === 'filterLogEvents') return filtered(world, call);
  return real();
}

/** moto attaches a volume that is attached. */
async function refuseAttached(world: AwsWorld, { args: { VolumeId } }: Call): Promise<void> {
  const { Volumes } = (await world.call('forensic', 'ec2', 'describeVolumes', { VolumeIds: [VolumeId] })) as unknown as { Volumes: { Attachments: unknown[] }[] };
  if (Volumes[0]!.Attachments.length > 0) throw new AwsError('VolumeInUse', `${String(VolumeId)} is already attached to an instance`, 400);
}

/** moto's accounts see no key of each other's. Where one is granted, by moto's own word, it is described. */
async function throughGrant(world: AwsWorld, { action, args }: Call, told?: Told): Promise<unknown> {
  const { Grants } = (await world.call('member', 'kms', 'listGrants', args)) as unknown as { Grants: { GranteePrincipal: string; Operations: string[] }[] };
  const granted = Grants.some(({ GranteePrincipal, Operations }) => GranteePrincipal === roleArn(PLACE, 'workflow') && Operations.some((operation) => operation.toLowerCase() === action.toLowerCase()));
  if (!granted) throw new AwsError('AccessDeniedException', `the workflow is not authorized to perform: kms:${action} on ${String(args['KeyId'])}`, 400);
  return world.call('member', 'kms', action, args, told);
}

/** moto's accounts see no snapshot of each other's. Where one is shared, by moto's own word, the other account gets one like it. */
async function fromShared(world: AwsWorld, { action, args }: Call, told?: Told): Promise<unknown> {
  const field = action === 'copySnapshot' ? 'SourceSnapshotId' : 'SnapshotId';
  const SnapshotId = args[field] as string;
  const shared = (await world.call('member', 'ec2', 'describeSnapshotAttribute', { SnapshotId, Attribute: 'createVolumePermission' })) as unknown as { CreateVolumePermissions?: { UserId?: string }[] };
  if (!shared.CreateVolumePermissions?.some(({ UserId }) => UserId === PLACE.account)) throw new AwsError('InvalidSnapshot.NotFound', `The snapshot '${SnapshotId}' does not exist.`, 400);
  const { Snapshots } = (await world.call('member', 'ec2', 'describeSnapshots', { SnapshotIds: [SnapshotId] })) as unknown as { Snapshots: { VolumeSize: number }[] };
  const { VolumeId } = (await world.call('forensic', 'ec2', 'createVolume', { AvailabilityZone: `${PLACE.region}a`, Size: Snapshots[0]!.VolumeSize })) as unknown as { VolumeId: string };
  const twin = (await world.call('forensic', 'ec2', 'createSnapshot', { VolumeId })) as unknown as { SnapshotId: string };
  await world.call('forensic', 'ec2', 'deleteVolume', { VolumeId });
  // moto's newest volumes know no initialisation rate.
  const { VolumeInitializationRate: _, ...known } = args;
  return world.call('forensic', 'ec2', action, { ...known, [field]: twin.SnapshotId }, told);
}

/** moto knows neither JSON filter patterns nor prefixes of streams: it gives every line, and they are looked through here. */
async function filtered(world: AwsWorld, { args }: Call): Promise<unknown> {
  const { FilterPattern, ...rest } = args;
  const names = [...String(FilterPattern).matchAll(/\$\.event = "([^"]+)"/g)].map((match) => match[1]!);
  const answer = (await world.call('forensic', 'logs', 'filterLogEvents', rest)) as { Events?: { LogStreamName: string; Message: string }[] };
  const prefix = String(args['LogStreamNamePrefix']);
  return { ...answer, Events: (answer.Events ?? []).filter(({ LogStreamName, Message }) => LogStreamName.startsWith(prefix) && names.includes((JSON.parse(Message) as { event: string }).event)) };
}

/** boto3 decodes it; the SDK of Step Functions does not. */
const encoded = (answer: { Output?: string }): unknown => ({ ...answer, ...(answer.Output === undefined ? {} : { Output: Buffer.from(answer.Output, 'latin1').toString('base64') }) });
