import { TerraformStack } from 'cdktf';
import type { Construct } from 'constructs';
import { Detection } from '../modules/detection/detection.ts';
import { AcquisitionRole } from '../modules/member/acquisition-role.ts';
import { Containment } from '../modules/member/containment.ts';
import { KeyGrants } from '../modules/member/key-grants.ts';
import type { MemberPolicyOptions } from '../modules/member/policies.ts';
import { caseBusArn, type TriggerSettings } from '../modules/vocabulary/index.ts';
import { output } from './publish.ts';
import { useProvider, type ProviderFor } from './use-provider.ts';

export interface MemberAccountProps extends MemberPolicyOptions {
  /** What opens cases: a tag on an instance is seen in the account and Region of the instance. */
  readonly triggers: TriggerSettings;
  /** For keys and rules, which live in one Region. */
  readonly providerFor: ProviderFor;
}

/** In a monitored account, once: the role by which the workflow acquires, its way to the account's keys, and the tag that opens a case. */
export class MemberAccountStack extends TerraformStack {
  constructor(scope: Construct, id: string, props: MemberAccountProps) {
    super(scope, id);
    const role = new AcquisitionRole(this, 'Acquisition', props);
    if (props.containment) new Containment(this, 'Containment', props);
    const inRegion = (region: string, construct: Construct): void => useProvider(construct, props.providerFor(this, region));
    const byRegion = Map.groupBy(props.sourceKeyArns, (arn) => arn.split(':')[3] ?? '');
    for (const [region, keyArns] of byRegion) {
      inRegion(region, new KeyGrants(this, `KeyGrants-${region}`, { granteeArn: role.roleArn, keyArns }));
    }
    for (const place of props.triggers.tag.enabled ? props.forensicPlaces : []) {
      const { region } = place;
      inRegion(region, new Detection(this, `Detection-${region}`, { naming: props, account: props.account, region, busArn: caseBusArn(place), triggers: props.triggers, kind: 'member' }));
    }
    output(this, 'roleArn', role.roleArn);
  }
}
