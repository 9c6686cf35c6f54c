import { Detection } from '../../detection/detection.ts';
import { caseBusArn, TriggerSettings } from '../../vocabulary/index.ts';
import type { ModuleSpec } from '../spec.ts';
import { FORENSIC_ACCOUNT, PLACE, placeOf, SEVERITY } from '../variables.ts';

export const detection: ModuleSpec = {
  name: 'detection',
  description: 'In the account where findings come together: rules that forward GuardDuty\'s findings, and those of a custom action in Security Hub, to the bus of cases.',
  costs: 'None to speak of: events that match, one queue and one alarm.',
  not: 'It turns on neither GuardDuty nor Security Hub, and forwards neither what Security Hub imports nor tags (the construct can).',
  variables: { ...PLACE, forensic_account_id: FORENSIC_ACCOUNT, guardduty_minimum_severity: SEVERITY },
  build: (scope, v) => {
    const { account, region, ...naming } = placeOf(v);
    const busArn = caseBusArn({ ...naming, region, account: v.text('forensic_account_id') });
    const triggers = { ...TriggerSettings.parse({}), guardduty: { enabled: true, minimumSeverity: v.number('guardduty_minimum_severity') } };
    const { ruleNames } = new Detection(scope, 'Detection', { naming, account, region, busArn, triggers, kind: 'security' });
    return { rule_names: { value: ruleNames, description: 'Rules that forward findings.' } };
  },
};
