import { AccountDefaults } from '../../isolated-network/account-defaults.ts';
import type { ModuleSpec } from '../spec.ts';

export const accountDefaults: ModuleSpec = {
  name: 'account-defaults',
  description: 'Settings of an account and Region that everything launched there inherits: nothing public, IMDSv2, encryption, no serial console.',
  costs: 'None.',
  not: 'It does not spare other VPCs of the account and Region: their internet gateways stop working.',
  variables: {},
  build: (scope) => {
    new AccountDefaults(scope, 'Defaults');
    return {};
  },
};
