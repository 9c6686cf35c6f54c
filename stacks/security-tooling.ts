import { TerraformStack } from 'cdktf';
import type { Construct } from 'constructs';
import { Detection } from '../modules/detection/detection.ts';
import { caseBusArn, type Place, type TriggerSettings } from '../modules/vocabulary/index.ts';

export interface SecurityToolingProps {
  /** Account where findings come together, and the Region. */
  readonly place: Place;
  /** The forensic account that serves this Region. */
  readonly forensic: Place;
  readonly triggers: TriggerSettings;
}

/** In the security account, one a Region: the rules that forward findings to the forensic account, and the button of Security Hub. */
export class SecurityToolingStack extends TerraformStack {
  constructor(scope: Construct, id: string, { place, forensic, triggers }: SecurityToolingProps) {
    super(scope, id);
    new Detection(this, 'Detection', { naming: place, account: place.account, region: place.region, busArn: caseBusArn(forensic), triggers, kind: 'security' });
  }
}
