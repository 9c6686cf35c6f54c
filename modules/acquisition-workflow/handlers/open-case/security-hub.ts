import { z } from 'zod';
import { SEVERITY_OF, type TriggerKind, type TriggerSettings } from '../../../vocabulary/index.ts';
import { safe } from '../texts.ts';
import { distinct, guardDutyIdOf, hostile, ignored, instanceOfPrincipal, type Normalized, parseDetail, printable, shortHash, type Target, targetOfArn } from './case-request.ts';

/** What is read of a finding in the AWS Security Finding Format. */
const AsffFinding = z.looseObject({
  Id: z.string().min(1).max(2048),
  ProductArn: z.string().min(1).max(2048),
  ProductName: z.string().max(256).optional(),
  AwsAccountId: z.string().max(64),
  Region: z.string().max(64).optional(),
  Types: z.array(z.string().max(256)).max(64).optional(),
  Title: z.string().optional(),
  Severity: z.looseObject({ Label: z.string().max(64).optional() }).optional(),
  RecordState: z.string().max(64).optional(),
  Workflow: z.looseObject({ Status: z.string().max(64).optional() }).optional(),
  Resources: z
    .array(
      z.looseObject({
        Type: z.string().max(128),
        Id: z.string().max(2048),
        Details: z.looseObject({ AwsIamAccessKey: z.looseObject({ PrincipalId: z.string().max(256).optional() }).optional() }).optional(),
      }),
    )
    .max(1000),
});
type AsffFinding = z.infer<typeof AsffFinding>;

const AsffDetail = z.looseObject({ findings: z.array(z.unknown()).min(1).max(100) });

/** Findings that Security Hub CSPM imported, or that a person sent by its custom action: the filter is for the former. */
export function fromSecurityHub(detail: unknown, kind: 'securityhub-import' | 'securityhub-action', filter?: TriggerSettings['securityHubImports']): Normalized[] {
  const { findings } = parseDetail('an event of Security Hub', AsffDetail, detail);
  return findings.map((one) => {
    const finding = parseDetail('a finding of Security Hub (ASFF)', AsffFinding, one);
    const why = filter && whyNot(finding, filter);
    return why === undefined ? fromAsff(finding, kind) : ignored(why);
  });
}

const productOf = ({ ProductName, ProductArn }: AsffFinding): string => ProductName ?? ProductArn.split('/').at(-1) ?? '';

function whyNot(finding: AsffFinding, { severities, products }: TriggerSettings['securityHubImports']): string | undefined {
  const label = finding.Severity?.Label ?? '';
  const product = productOf(finding);
  if (!severities.some((severity) => severity === label)) return `severity ${label} is none of ${severities.join(', ')}`;
  if (!products.some((name) => name.toLowerCase() === product.toLowerCase())) return `product ${product} is none of ${products.join(', ')}`;
  if (finding.RecordState !== undefined && finding.RecordState !== 'ACTIVE') return 'the finding is archived';
  const status = finding.Workflow?.Status;
  return status === undefined || status === 'NEW' ? undefined : `the finding's workflow status is ${status}, not NEW`;
}

function fromAsff(finding: AsffFinding, kind: TriggerKind): Normalized {
  const targets = distinct(finding.Resources.flatMap((resource) => targetOfResource(finding, resource)));
  if (targets.length === 0) return ignored('the finding names no instance of its own account');
  const [id, productArn, type] = [printable(finding.Id), printable(finding.ProductArn), printable(finding.Types?.[0])];
  const label = finding.Severity?.Label ?? '';
  return {
    request: {
      ...namesOf(finding.ProductArn, finding.Id),
      trigger: {
        kind,
        key: namesOf(finding.ProductArn, finding.Id).key,
        ...(id !== undefined && productArn !== undefined && { finding: { api: 'BatchUpdateFindings' as const, id, productArn } }),
        ...(type !== undefined && { type }),
        ...(finding.Title !== undefined && { title: hostile(finding.Title) }),
        ...(label in SEVERITY_OF && { severity: SEVERITY_OF[label as keyof typeof SEVERITY_OF] }),
      },
      requester: 'securityhub.amazonaws.com',
      reason: safe(`Security Hub, ${productOf(finding)}: ${finding.Types?.[0] ?? ''}`, 300),
      targets,
    },
  };
}

/** Case and key of a finding: GuardDuty's own where it is one of GuardDuty's, so that whoever reports it opens one case. */
function namesOf(productArn: string, findingId: string): { caseId: string; key: string } {
  const guardDuty = guardDutyIdOf(findingId);
  if (guardDuty !== undefined) return { caseId: guardDuty, key: `guardduty:${guardDuty}` };
  const hash = shortHash(productArn, findingId);
  return { caseId: `sh-${hash}`, key: `securityhub:${hash}` };
}

function targetOfResource({ AwsAccountId, Region }: AsffFinding, { Type, Id, Details }: AsffFinding['Resources'][number]): Target[] {
  if (Type === 'AwsEc2Instance') {
    const target = targetOfArn(Id);
    // A finding speaks of its own account only: a product may import what it likes into one that it has a hold on.
    return target && target.account === AwsAccountId ? [target] : [];
  }
  const instanceId = instanceOfPrincipal(Details?.AwsIamAccessKey?.PrincipalId);
  return Type === 'AwsIamAccessKey' && instanceId !== undefined && Region !== undefined ? [{ instanceId, account: AwsAccountId, region: Region }] : [];
}

/** What is read of a finding in OCSF. */
const OcsfFinding = z.looseObject({
  metadata: z.looseObject({ uid: z.string().min(1).max(2048).optional(), product: z.looseObject({ name: z.string().max(256).optional(), uid: z.string().max(2048).optional() }).optional() }),
  finding_info: z.looseObject({ uid: z.string().min(1).max(2048), title: z.string().optional(), types: z.array(z.string().max(256)).max(64).optional() }),
  cloud: z.looseObject({ account: z.looseObject({ uid: z.string().max(64) }), region: z.string().max(64).optional() }),
  severity: z.string().max(64).optional(),
  status: z.string().max(64).optional(),
  resources: z.array(z.looseObject({ type: z.string().max(128).optional(), uid: z.string().max(2048).optional(), region: z.string().max(64).optional() })).max(1000).optional(),
});
type OcsfFinding = z.infer<typeof OcsfFinding>;

/** Findings of the new Security Hub, in OCSF. */
export function fromOcsf(detail: unknown, { severities, products }: TriggerSettings['securityHubFindings']): Normalized[] {
  const { findings } = parseDetail('an event of Security Hub', AsffDetail, detail);
  return findings.map((one) => {
    const finding = parseDetail('a finding of Security Hub (OCSF)', OcsfFinding, one);
    const label = (finding.severity ?? '').toUpperCase();
    const product = finding.metadata.product?.name ?? '';
    if (!severities.some((severity) => severity === label)) return ignored(`severity ${label} is none of ${severities.join(', ')}`);
    // The new Security Hub says "Amazon GuardDuty" or "GuardDuty".
    if (!products.some((name) => product.toLowerCase().replace(/^(amazon|aws) /, '') === name.toLowerCase())) return ignored(`product ${product} is none of ${products.join(', ')}`);
    if (finding.status !== undefined && finding.status !== 'New') return ignored(`the finding's status is ${finding.status}, not New`);
    const targets = distinct((finding.resources ?? []).flatMap((resource) => targetOfOcsf(finding, resource)));
    if (targets.length === 0) return ignored('the finding names no instance of its own account');
    const [metadataUid, type] = [printable(finding.metadata.uid), printable(finding.finding_info.types?.[0])];
    const { caseId, key } = namesOf(finding.metadata.product?.uid ?? product, finding.finding_info.uid);
    return {
      request: {
        caseId,
        trigger: {
          kind: 'securityhub-ocsf',
          key,
          ...(metadataUid !== undefined && { finding: { api: 'BatchUpdateFindingsV2' as const, metadataUid } }),
          ...(type !== undefined && { type }),
          ...(finding.finding_info.title !== undefined && { title: hostile(finding.finding_info.title) }),
          ...(label in SEVERITY_OF && { severity: SEVERITY_OF[label as keyof typeof SEVERITY_OF] }),
        },
        requester: 'securityhub.amazonaws.com',
        reason: safe(`Security Hub, ${product}: ${finding.finding_info.types?.[0] ?? ''}`, 300),
        targets,
      },
    };
  });
}

function targetOfOcsf({ cloud }: OcsfFinding, { type, uid = '', region = cloud.region }: NonNullable<OcsfFinding['resources']>[number]): Target[] {
  if (type !== 'AWS::EC2::Instance') return [];
  const target = targetOfArn(uid) ?? (region !== undefined && /^i-[0-9a-f]{8,17}$/.test(uid) ? { instanceId: uid, account: cloud.account.uid, region } : undefined);
  return target && target.account === cloud.account.uid ? [target] : [];
}
